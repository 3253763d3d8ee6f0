//go:build unix && !linux

package hub

import "syscall"

// writeOnce hands the kernel what it takes now.
func (l *line) writeOnce(fd uintptr) {
	for {
		n, err := syscall.Write(int(fd), l.out)
		switch err {
		case syscall.EINTR:
			continue
		case nil, syscall.EAGAIN:
			l.written = max(n, 0)
		default:
			l.failed = err
		}
		return
	}
}
