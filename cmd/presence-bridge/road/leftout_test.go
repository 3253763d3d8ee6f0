package road

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// program is the path of a program that a test needs. Without it the test is left out, which fails in CI and
// is said in words elsewhere.
func program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	leaveOut(t, names[0]+" is not installed")
	return ""
}

func leaveOut(t testing.TB, why string) {
	t.Helper()
	words := fmt.Sprintf("left out: %s, since %s", t.Name(), why)
	if os.Getenv("CI") != "" {
		t.Fatal(words)
	}
	tellRunner(words)
	t.Skip(words)
}

// tellRunner says something on the standard error of the go command that runs the test: what a passing test
// prints itself, go test keeps to itself.
func tellRunner(words string) {
	w, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/2", os.Getppid()), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return // not Linux; go test -v tells
	}
	defer func() { _ = w.Close() }()
	_, _ = fmt.Fprintln(w, words)
}
