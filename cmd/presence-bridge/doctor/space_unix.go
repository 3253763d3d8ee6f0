//go:build linux || darwin

package doctor

import "syscall"

// freeSpace is how many bytes can be written to the disk beneath a directory.
func freeSpace(dir string) (bytes uint64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
