//go:build unix

package bridge

import "syscall"

// usage is what this process has spent of the processors, in nanoseconds.
func usage() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
