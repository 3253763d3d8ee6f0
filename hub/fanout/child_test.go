//go:build linux

package fanout

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// child is a process of the test's own binary.
type child struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	at  []string // where it serves
}

// start starts a child and waits until it serves; it is gone when the test is over, or stopped.
func start(t testing.TB, role string, env ...string) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := &child{t: t, cmd: exec.Command(self)}
	c.cmd.Env, c.cmd.Stderr = append(append(os.Environ(), roleVariable+"="+role), env...), os.Stderr
	c.in, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.out = bufio.NewReader(out)
	require.NoError(t, c.cmd.Start())
	t.Cleanup(c.stop)
	c.at = strings.Fields(c.line())
	return c
}

func (c *child) line() string {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	require.NoError(c.t, err, "a child has ended")
	return strings.TrimSpace(line)
}

// stop ends the child and waits for it.
func (c *child) stop() {
	if c.cmd.ProcessState != nil {
		return
	}
	_ = c.in.Close()
	patience := time.AfterFunc(20*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer patience.Stop()
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("a child: %v", err)
	}
}

// goroutines of the child, when asked; collect makes it give back what memory it can before.
func (c *child) goroutines() int { return c.ask("goroutines") }
func (c *child) collect()        { c.ask("collect") }

// stuck is how many of a hub's sockets take nothing at the moment.
func (c *child) stuck() int { return c.ask("stuck") }

func (c *child) ask(question string) int {
	c.t.Helper()
	_, err := fmt.Fprintln(c.in, question)
	require.NoError(c.t, err)
	n, err := strconv.Atoi(c.line())
	require.NoError(c.t, err)
	return n
}

// ticksPerSecond is USER_HZ: what /proc tells processor time in, on every Linux that Go runs on.
const ticksPerSecond = 100

// cpu is the time that the child has had, its own and the kernel's for it.
func (c *child) cpu() time.Duration {
	c.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	require.NoError(c.t, err)
	_, after, _ := bytes.Cut(data, []byte(") "))
	fields := strings.Fields(string(after)) // from the third on, see proc_pid_stat(5)
	var ticks time.Duration
	for _, field := range fields[14-3 : 16-3] {
		n, err := strconv.Atoi(field)
		require.NoError(c.t, err)
		ticks += time.Duration(n)
	}
	return ticks * time.Second / ticksPerSecond
}

// resident is the child's memory in KB.
func (c *child) resident() float64 {
	c.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	require.NoError(c.t, err)
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			require.NoError(c.t, err)
			return float64(n)
		}
	}
	c.t.Fatal("VmRSS is missing")
	return 0
}
