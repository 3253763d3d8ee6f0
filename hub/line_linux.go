package hub

import (
	"syscall"
	"unsafe"
)

// writeOnce hands the kernel what it takes now. The scheduler is not told: it would look for other work for a write that
// never waits, and there are as many as deliveries.
func (l *line) writeOnce(fd uintptr) {
	if len(l.out) == 0 {
		return
	}
	n, _, err := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&l.out[0])), uintptr(len(l.out)))
	switch err {
	case 0:
		l.written = int(n)
	case syscall.EAGAIN, syscall.EINTR:
	default:
		l.failed = err
	}
}
