package leftout

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errorOf is the standard error of another process. Where that is a file, the place to write at belongs to whoever opened
// it: opened anew it would be another's, and what the process writes next would go over what we wrote. So it is borrowed
// as it is. A kernel may forbid that (ptrace_scope, containers); opened anew, it is right at least for terminals, pipes,
// and what was opened with >>.
func errorOf(pid int) (*os.File, error) {
	if w, err := borrow(pid, unix.Stderr); err == nil {
		return w, nil
	}
	return os.OpenFile(fmt.Sprintf("/proc/%d/fd/%d", pid, unix.Stderr), os.O_WRONLY|os.O_APPEND, 0)
}

// borrow is a file of another process, as that process has it open.
func borrow(pid, fd int) (*os.File, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(process) }()
	got, err := unix.PidfdGetfd(process, fd, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(got), "standard error"), nil
}
