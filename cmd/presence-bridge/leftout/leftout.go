// Package leftout leaves tests out where what they need is not on this machine: in words on the standard error of go test,
// and never in CI, where leaving a test out is a failure. The words stay, whether that is a terminal, a pipe or a file:
// TestWordsStay.
package leftout

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Program is the path of the first of these programs that is here. Where none is, the test is left out.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Test(t, names[0]+" is not installed")
	return ""
}

// Test leaves a test out, and says why.
func Test(t testing.TB, why string) {
	t.Helper()
	words := fmt.Sprintf("left out: %s, since %s", t.Name(), why)
	if os.Getenv("CI") != "" {
		t.Fatal(words)
	}
	tellRunner(words)
	t.Skip(words)
}

// Part says that a test goes on without one of its parts, for which something less is checked. It is for what CI cannot
// be expected to install, and no failure there; but it is said.
func Part(t testing.TB, part, why string) {
	t.Helper()
	words := fmt.Sprintf("left out of %s: %s, since %s", t.Name(), part, why)
	tellRunner(words)
	t.Log(words)
}

// tellRunner says something on the standard error of the go command that runs the test: what a passing test
// prints itself, go test keeps to itself.
func tellRunner(words string) {
	w, err := errorOf(os.Getppid())
	if err != nil {
		return // not Linux; go test -v tells
	}
	defer func() { _ = w.Close() }()
	_, _ = fmt.Fprintln(w, words)
}
