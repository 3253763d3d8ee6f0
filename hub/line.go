package hub

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// line is the connection beneath a WebSocket. The hub writes its frames to it past coder/websocket, which saves a
// goroutine a client, and a hand-over and a context a frame. What coder/websocket writes, at the end of a connection,
// comes here too: whoever writes holds the lock, so that frames stay whole, and the first goodbye is the last word.
type line struct {
	net.Conn
	mu     sync.Mutex
	parted bool        // a goodbye was written: what anybody writes after it goes nowhere
	fd     int         // the socket's descriptor, for who has the lock while the line is not closed; or unknown
	closed atomic.Bool // set before Close waits for the lock
}

// unknown is the descriptor of a connection that cannot be written to without waiting.
const unknown = -1

func newLine(c net.Conn) *line { return &line{Conn: c, fd: descriptor(c)} }

func descriptor(c net.Conn) int {
	fd := unknown
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			_ = raw.Control(func(d uintptr) { fd = int(d) })
		}
	}
	return fd
}

// Write is for coder/websocket, whose only word is goodbye: it neither pings nor answers pings here. It waits until all of p
// is written.
func (l *line) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write(p, true)
}

// writeWithin writes all of p by a deadline of its own.
func (l *line) writeWithin(p []byte, d time.Duration) (int, error) { return l.writeBy(p, d, false) }

// writeLast is writeWithin for what ends with a goodbye.
func (l *line) writeLast(p []byte, d time.Duration) error {
	_, err := l.writeBy(p, d, true)
	return err
}

func (l *line) writeBy(p []byte, d time.Duration, last bool) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.SetWriteDeadline(time.Now().Add(d))
	defer func() {
		if !l.closed.Load() {
			_ = l.SetWriteDeadline(time.Time{})
		}
	}()
	return l.write(p, last)
}

// write writes what may still be said. The caller has the lock.
func (l *line) write(p []byte, last bool) (int, error) {
	switch {
	case l.closed.Load(): // perhaps before there was a deadline
		return 0, net.ErrClosed
	case l.parted:
		return len(p), nil
	}
	l.parted = last
	return l.Conn.Write(p)
}

// offer writes what the socket takes at once, and says how much that was. It goes past net.Conn, which has a lock of its
// own and deadlines: frames have ours, and do not wait. The descriptor is the socket's for as long as Close has not had
// the lock.
func (l *line) offer(p []byte) (int, error) {
	if l.fd == unknown || !l.mu.TryLock() {
		return 0, nil
	}
	defer l.mu.Unlock()
	switch {
	case l.closed.Load():
		return 0, net.ErrClosed
	case l.parted:
		return len(p), nil
	}
	return writeNow(l.fd, p)
}

// Close ends what is being written.
func (l *line) Close() error {
	l.closed.Store(true)
	_ = l.SetWriteDeadline(time.Now())
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Conn.Close()
}
