//go:build linux

package chaos

import (
	"net"
	"sync"
)

// link carries TCP connections from a port of its own to an address, until it is cut or stalled.
type link struct {
	l  net.Listener
	to string
	wg sync.WaitGroup // everybody who carries

	mu     sync.Mutex
	cuts   int                   // who has it cut, for more than one may
	stalls int                   // who has it stalled
	gate   chan struct{}         // closed while nobody has
	conns  map[net.Conn]struct{} // both ends of each
	broken int                   // ends of connections that were cut or refused
	held   int                   // times that bytes had to wait
}

func newLink(to string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &link{l: l, to: to, gate: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(k.gate)
	k.wg.Go(k.accept)
	return k, nil
}

func (k *link) addr() string { return k.l.Addr().String() }

func (k *link) accept() {
	for {
		conn, err := k.l.Accept()
		if err != nil {
			return
		}
		k.wg.Go(func() { k.carry(conn) })
	}
}

// carry brings one connection through, and closes both ends when either is.
func (k *link) carry(conn net.Conn) {
	defer conn.Close()
	if !k.add(conn) {
		return
	}
	defer k.remove(conn)
	far, err := net.Dial("tcp", k.to)
	if err != nil {
		return
	}
	defer far.Close()
	if !k.add(far) {
		return
	}
	defer k.remove(far)
	var back sync.WaitGroup
	back.Go(func() { k.copy(conn, far) })
	k.copy(far, conn)
	back.Wait()
}

// copy brings what is said one way; afterwards nothing is said any more.
func (k *link) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		<-k.open()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (k *link) open() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.gate:
	default:
		k.held++
	}
	return k.gate
}

// add notes an end of a connection; false: the link is cut.
func (k *link) add(conn net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cuts > 0 {
		k.broken++
		reset(conn)
		return false
	}
	k.conns[conn] = struct{}{}
	return true
}

func (k *link) remove(conn net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, conn)
}

// sever cuts the link until unsever: what goes through it is reset, and so is what comes.
func (k *link) sever() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cuts++
	k.broken += len(k.conns)
	for conn := range k.conns {
		reset(conn)
	}
}

func (k *link) unsever() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cuts--
}

// stall lets nothing through until unstall, and nobody hears of it.
func (k *link) stall() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stalls++; k.stalls == 1 {
		k.gate = make(chan struct{})
	}
}

func (k *link) unstall() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stalls--; k.stalls == 0 {
		close(k.gate)
	}
}

// counts tells how many ends of connections were cut or refused, and how often bytes had to wait.
func (k *link) counts() (broken, held int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.broken, k.held
}

// close ends it for good, when nobody stalls it any more, and waits.
func (k *link) close() {
	_ = k.l.Close()
	k.sever()
	k.wg.Wait()
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
