//go:build unix && !linux

package hub

import "syscall"

// writeNow hands the kernel what it takes now.
func writeNow(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Write(fd, p)
		switch err {
		case syscall.EINTR:
			continue
		case nil, syscall.EAGAIN:
			return max(n, 0), nil
		}
		return 0, err
	}
}
