//go:build unix

package hub

import (
	"io"
	"net"
	"syscall"
)

// peek waits for what a newcomer says first, and leaves it in the connection.
func peek(c net.Conn) (*foyer, error) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return foyers.Get().(*foyer), nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil, err
	}
	var f *foyer // not while nobody speaks: those are many
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		f = foyers.Get().(*foyer)
		n, _, err := syscall.Recvfrom(int(fd), f.room[:], syscall.MSG_PEEK)
		f.said, failed = f.room[:max(n, 0)], err
		if err == nil && n == 0 {
			failed = io.EOF
		}
		if failed != nil {
			foyers.Put(f)
		}
		return failed != syscall.EAGAIN && failed != syscall.EINTR
	})
	if err == nil {
		err = failed
	}
	return f, err
}
