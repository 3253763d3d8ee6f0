package leftout

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const role = "LEFTOUT_ROLE"

// TestMain plays, in processes of their own, the go command and the test that it runs.
func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "runner":
		fmt.Fprintln(os.Stderr, "before")
		test := exec.Command(os.Args[0])
		test.Env = append(os.Environ(), role+"=test")
		out, err := test.CombinedOutput() // go test keeps it to itself
		fmt.Fprintln(os.Stderr, "after", len(out), err)
	case "test":
		tellRunner("left out: TestX, since it is so")
	default:
		os.Exit(m.Run())
	}
}

const told = "before\nleft out: TestX, since it is so\nafter 0 <nil>\n"

// runs has a runner run a test, with this standard error.
func runs(t *testing.T, stderr *os.File) {
	runner := exec.Command(os.Args[0])
	runner.Env = append(os.Environ(), role+"=runner", "GORACE=atexit_sleep_ms=0")
	runner.Stderr = stderr
	require.NoError(t, runner.Run())
	require.NoError(t, stderr.Close())
}

// lends is nil where the kernel lets one process have a file of another.
func lends(w *os.File) error {
	b, err := borrow(os.Getpid(), int(w.Fd()))
	if err == nil {
		err = b.Close()
	}
	return err
}

// TestWordsStay: what is left out is told between what the runner says, and neither goes over the other, wherever the
// runner's standard error leads.
func TestWordsStay(t *testing.T) {
	t.Run("a file", func(t *testing.T) {
		for name, flag := range map[string]int{"2>": os.O_TRUNC, "2>>": os.O_APPEND} {
			path := filepath.Join(t.TempDir(), "errors")
			w, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|flag, 0o600)
			require.NoError(t, err)
			if err := lends(w); err != nil && flag != os.O_APPEND {
				t.Logf("not tried with %s, since this kernel lends no files: %v", name, err)
				continue
			}
			runs(t, w)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, told, string(got), name)
		}
	})
	t.Run("a pipe", func(t *testing.T) {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		runs(t, w)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, told, string(got))
	})
	t.Run("a terminal", func(t *testing.T) {
		screen, w := terminal(t)
		runs(t, w)
		got, _ := io.ReadAll(screen) // ends with an error when nobody has the terminal any more
		require.Equal(t, told, strings.ReplaceAll(string(got), "\r\n", "\n"))
	})
}

// terminal is one without anybody before it: what is written to w is read from screen.
func terminal(t *testing.T) (screen, w *os.File) {
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = screen.Close() })
	fd := int(screen.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	w, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return screen, w
}
