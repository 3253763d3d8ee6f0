package hub

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// line is the connection beneath a WebSocket. The hub writes its frames to it past coder/websocket, which saves a
// goroutine a client, and a hand-over and a context a frame. What coder/websocket writes, at the end of a connection,
// comes here too: whoever writes holds the lock, so that frames stay whole.
type line struct {
	net.Conn
	mu  sync.Mutex
	raw syscall.RawConn  // nil: the connection cannot be written to without waiting
	try func(fd uintptr) // one write, kept so that it costs no allocation

	// of the write under way
	out     []byte
	written int
	failed  error
}

func newLine(c net.Conn) *line {
	l := &line{Conn: c}
	if s, ok := c.(syscall.Conn); ok {
		l.raw, _ = s.SyscallConn()
	}
	l.try = l.writeOnce
	return l
}

// Write writes all of p, and waits for it.
func (l *line) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Conn.Write(p)
}

// writeWithin is Write with a deadline of its own.
func (l *line) writeWithin(p []byte, d time.Duration) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.SetWriteDeadline(time.Now().Add(d))
	defer func() { _ = l.SetWriteDeadline(time.Time{}) }()
	return l.Conn.Write(p)
}

// offer writes what the socket takes at once, and says how much that was.
func (l *line) offer(p []byte) (int, error) {
	if l.raw == nil || !l.mu.TryLock() {
		return 0, nil
	}
	defer l.mu.Unlock()
	l.out, l.written, l.failed = p, 0, nil
	err := l.raw.Control(l.try) // not Write, which has a lock and a deadline of its own: frames have ours, and do not wait
	l.out = nil
	if err != nil {
		return 0, err
	}
	return l.written, l.failed
}
