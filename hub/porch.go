package hub

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// porch is the listener of a hub's server. It hears what a newcomer says first: who opens a WebSocket as everybody does is
// let in here, on the goroutine that reads from then on. All others are net/http's, which has not read a byte of theirs. So
// what a socket costs is no request with buffers of 8 KiB and goroutines of its own, and all that is unusual is answered,
// refused and timed in one place.
type porch struct {
	net.Listener
	hub   *Hub
	calls sync.WaitGroup // who is heard, and the sockets that came of it
	hall  hall
}

// hall is the listener of those who are net/http's.
type hall struct {
	net.Listener
	conns  chan net.Conn
	closed chan struct{}
	once   *sync.Once
}

func (h *Hub) newPorch(l net.Listener) *porch {
	return &porch{Listener: l, hub: h, hall: hall{l, make(chan net.Conn), make(chan struct{}), new(sync.Once)}}
}

// Accept implements [net.Listener]. It returns with an error alone.
func (p *porch) Accept() (net.Conn, error) {
	for {
		c, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p.hub.arrivals.came(c)
		p.calls.Go(func() { p.hear(c) })
	}
}

// Accept implements [net.Listener].
func (l hall) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l hall) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// hear waits for a newcomer's first words. A socket is served until it ends.
func (p *porch) hear(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(headerWithin))
	f, err := peek(c)
	if err != nil {
		p.turnOut(c)
		return
	}
	k, refused := p.greet(c, f)
	if k == nil {
		p.pass(c)
		return
	}
	k.run(refused)
}

// greet has a clerk look at what was said, whose stack may grow.
func (p *porch) greet(c net.Conn, f *foyer) (k *socket, refused error) {
	defer func() { f.said = nil; foyers.Put(f) }()
	_ = p.hub.clerks.do(func() error {
		k, refused = p.hub.handshake(c, f)
		return nil
	})
	return k, refused
}

// pass gives a connection to net/http.
func (p *porch) pass(c net.Conn) {
	select {
	case p.hall.conns <- c:
	case <-p.hall.closed:
		p.turnOut(c)
	}
}

func (p *porch) turnOut(c net.Conn) {
	p.hub.arrivals.changed(c, http.StateClosed)
	_ = c.Close()
}

// close ends who has said nothing, and waits for all who came.
func (p *porch) close() {
	p.hub.arrivals.hangUp()
	p.calls.Wait()
}
