package hub

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"
)

// dispatcher writes to the lines of its sessions what they have to be told. It does not wait for a socket, and has no
// timer: what changes while it is at work is in the next batch, so that under load each client is written to once for
// many changes, and at rest at once.
type dispatcher struct {
	hub  *Hub
	wake chan struct{} // holds one token when somebody was touched

	touched []*session // whose turn is next; guarded by the hub's mutex
	turn    sync.Mutex
	batch   []*session // whose turn it is; owned by who has the turn, as is buf
	buf     []byte
}

func newDispatchers(h *Hub, n int) (list []*dispatcher) {
	for range max(n, 1) {
		list = append(list, &dispatcher{hub: h, wake: make(chan struct{}, 1)})
	}
	return list
}

// touch puts a session into the next batch. The caller holds the hub's mutex.
func (d *dispatcher) touch(s *session) {
	d.touched = append(d.touched, s)
	if len(d.touched) == 1 && !d.hub.applying {
		signal(d.wake)
	}
}

const (
	atRest = 50 * time.Microsecond // how long the hub has waited for a message of the log when no other can be behind it
	aFew   = 256                   // clients, whom one goroutine tells as fast as several would

	aStretch = 64 // clients of a round, after whom one looks at the log
)

// tellApplied has those told whom the message that was applied concerns. Where the hub had to wait for that message, it
// writes to them itself where they are few, which saves waking a dispatcher: on a machine with little to do that is dearer
// than a write. Where messages come faster, dispatchers make batches of them.
func (h *Hub) tellApplied(waited bool) {
	for _, d := range h.dispatchers {
		switch n := d.waiting(); {
		case n == 0:
		case waited && n <= aFew && d.turn.TryLock():
			d.round()
			d.turn.Unlock()
		default:
			signal(d.wake)
		}
	}
}

// waiting is how many are in the next batch.
func (d *dispatcher) waiting() int {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	return len(d.touched)
}

// dispatch starts what serves sockets, until stop, which waits for it.
func (h *Hub) dispatch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { h.askAround(ctx) })
	h.clerks.run(ctx, &all)
	for _, d := range h.dispatchers {
		all.Go(func() { d.run(ctx) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// run writes until ctx is done.
func (d *dispatcher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		}
		d.turn.Lock()
		d.round()
		d.turn.Unlock()
	}
}

// round writes to those who were touched, and looks at the log in between where they are many. The caller has the turn.
func (d *dispatcher) round() {
	d.hub.mu.Lock()
	d.batch, d.touched = d.touched, d.batch[:0]
	d.hub.mu.Unlock()
	look, stretch := aFew, aStretch
	for i, s := range d.batch {
		if i%aMoment == 0 {
			d.hub.setMoment(time.Now().UnixMilli())
		}
		d.hub.flush(s, &d.buf)
		d.batch[i] = nil
		if i == look {
			stretch = d.hub.follow(stretch)
			look += stretch
		}
	}
	d.hub.setMoment(0)
	d.buf = trimmed(d.buf)
}

// follow lets the goroutine that follows the log have the processor, where it is the only one: whoever has yet to be
// written to in this round is told in the same write of what is applied now. To yield is not enough, since Go looks at the
// network only when nothing else can run, or every ten milliseconds; so it is a moment's sleep, which lasts a millisecond
// where nothing comes. It says after how many clients to do so again: there are twice as many each time when it was in vain.
func (h *Hub) follow(stretch int) int {
	if runtime.GOMAXPROCS(0) > 1 {
		return 2 * stretch
	}
	before := h.reached()
	time.Sleep(time.Microsecond)
	runtime.Gosched()
	if h.reached() == before {
		return 2 * stretch
	}
	return aStretch
}

// reached is the newest message of the log that was applied.
func (h *Hub) reached() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.position.Seq
}

// trimmed is a buffer that one huge message has not made huge for good.
func trimmed(buf []byte) []byte {
	if cap(buf) > 1<<20 {
		return nil
	}
	return buf
}

// buffers are for those who write and have none of their own.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func putBuffer(buf *[]byte) {
	*buf = trimmed(*buf)
	buffers.Put(buf)
}

// begin answers a handshake, and waits until that is written: nothing may go before it, neither of others who write nor
// of coder/websocket, which has its own say as soon as somebody reads.
func (h *Hub) begin(s *session) {
	buf := buffers.Get().(*[]byte)
	defer putBuffer(buf)
	h.mu.Lock()
	defer h.mu.Unlock()
	rest := h.take(s, buf)
	h.mu.Unlock()
	n, err := s.line.offer(rest)
	if rest = rest[n:]; err == nil && len(rest) > 0 {
		n, err = s.line.writeWithin(rest, stallWithin)
		rest = rest[n:]
	}
	h.mu.Lock()
	if err != nil {
		h.broke(s, bytes.Clone(rest), err)
		return
	}
	h.write(s, buf)
}

// flush writes what waits for a client, as far as its socket takes it. Where somebody writes already, he sees to it.
func (h *Hub) flush(s *session, buf *[]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.writing {
		h.write(s, buf)
	}
}

// write writes until nothing waits, or the socket is full: then a goroutine waits for it, for as long as that lasts.
// When the session has ended and everything is said, it says goodbye. The caller holds mu, which is let go meanwhile.
func (h *Hub) write(s *session, buf *[]byte) {
	s.writing = true
	for !s.over {
		out := h.take(s, buf)
		if out == nil {
			break
		}
		h.mu.Unlock()
		n, err := s.line.offer(out)
		h.mu.Lock()
		if err != nil {
			s.cut()
			return
		}
		if n < len(out) {
			h.writeLater(s, bytes.Clone(out[n:]))
			return
		}
	}
	if s.over {
		return
	}
	s.writing = false
	if s.why != nil {
		h.part(s)
	}
}

// writeLater waits for a full socket to take the rest of a write. The caller holds mu.
func (h *Hub) writeLater(s *session, rest []byte) {
	if s.over {
		return
	}
	h.metrics.stuck.Inc()
	s.writers.Go(func() {
		n, err := s.line.writeWithin(rest, stallWithin)
		h.metrics.stuck.Dec()
		h.mu.Lock()
		defer h.mu.Unlock()
		if err != nil {
			h.broke(s, rest[n:], err)
			return
		}
		h.write(s, &rest)
	})
}

// broke ends a connection that a write has failed on, with this left of it. The caller holds mu.
func (h *Hub) broke(s *session, rest []byte, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) && !s.over {
		h.cutSlow(s, rest)
		return
	}
	s.cut()
}

// cutSlow ends a connection whose socket has taken nothing for too long. Should it take the rest after all, its peer
// learns why. The caller holds mu.
func (h *Hub) cutSlow(s *session, rest []byte) {
	h.metrics.closed.WithLabelValues(closeTooSlow.name).Inc()
	s.finish()
	s.writers.Go(func() {
		defer func() { _ = s.line.Close() }()
		_ = s.line.writeLast(append(rest, closeFrame(closeTooSlow.because("a write took too long"))...), goodbyeWithin)
	})
}

// partWithin is how long the peer's goodbye may take after ours.
const partWithin = 5 * time.Second

// part says goodbye in a session of which everything else is said. Its reader sees what the peer says to that, and has the
// connection closed; should it be busy, with the vendor perhaps, that is done in time. The caller holds mu.
func (h *Hub) part(s *session) {
	s.finish()
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.expiry = time.AfterFunc(partWithin, func() { _ = s.line.Close() })
	h.metrics.closed.WithLabelValues(s.why.name).Inc()
	goodbye := closeFrame(s.why)
	s.writers.Go(func() {
		if s.line.writeLast(goodbye, goodbyeWithin) != nil {
			_ = s.line.Close()
		}
	})
}
