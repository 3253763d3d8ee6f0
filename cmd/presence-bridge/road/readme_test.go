package road

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var root = filepath.Join("..", "..", "..")

// TestREADME runs every command of the README against a demo, or against a trial of its own. A command that this table
// does not know fails, so nobody can add one that is never run. TestREADMEsAreOne holds that the translation has the same.
func TestREADME(t *testing.T) {
	binary := buildBinary(t)
	demo := startDemo(t, binary)
	trial := &trial{binary: binary}
	cases := []struct {
		command string // how it begins
		run     func(t *testing.T, command string)
	}{
		{"go run ./cmd/presence-bridge demo", func(*testing.T, string) {}}, // it runs: the others talk to it
		{"go run ./cmd/presence-bridge watch", func(t *testing.T, c string) {
			c = strings.Replace(c, "go run ./cmd/presence-bridge", binary, 1) + " --url " + demo.page
			requireFirstLine(t, c, "user-000")
		}},
		{"curl -N", func(t *testing.T, c string) { requireFirstLine(t, demo.here(c), "event: welcome") }},
		{"curl -X PUT", func(t *testing.T, c string) { require.Contains(t, shell(t, demo.here(c)), "ok") }},
		{"curl", func(t *testing.T, c string) {
			var answer frame
			require.NoError(t, json.Unmarshal([]byte(shell(t, demo.here(c))), &answer))
			require.Len(t, answer.Presences, 2)
		}},
		{"nats request presence.api.watch", func(t *testing.T, c string) { require.Contains(t, shell(t, demo.asks(t, c)), `"watched":2`) }},
		{"nats request presence.api.unwatch", func(t *testing.T, c string) { require.Contains(t, shell(t, demo.asks(t, c)), `"unwatched":2`) }},
		{"nats request presence.api.set", func(t *testing.T, c string) { require.Contains(t, shell(t, demo.asks(t, c)), `"result":"ok"`) }},
		{"nats ", func(t *testing.T, c string) { require.Contains(t, shell(t, demo.asks(t, c)), `"uid":"user-`) }},
		{"docker compose up", requireComposeFile},
		{"EASEMOB_URL=https://a1.easemob.com", func(t *testing.T, c string) { requireServes(t, binary, c) }},
		{"go install ./cmd/presence-bridge", func(t *testing.T, c string) { shell(t, "env GOBIN="+t.TempDir()+" "+c) }},
		{"export PATH=", trial.export},
		{"presence-bridge emulator", func(_ *testing.T, c string) { trial.emulate(t, c) }},
		{"presence-bridge serve", func(_ *testing.T, c string) { trial.serve(t, c) }},
		{"sleep 3", func(*testing.T, string) {}}, // trial.serve waits until it serves
		{"PRESENCE_TOKEN=$(", trial.watch},
	}
	for _, command := range commandsOf(t, filepath.Join(root, "README.md")) {
		t.Run(strings.ReplaceAll(command, "/", "_"), func(t *testing.T) {
			for _, c := range cases {
				if strings.HasPrefix(command, c.command) {
					c.run(t, command)
					return
				}
			}
			t.Fatalf("no test runs %q", command)
		})
	}
	t.Run("doctor in place of serve", trial.doctor)
}

// commandsOf lists what stands in the shell blocks of a Markdown file, one command a line, joined over
// backslashes.
func commandsOf(t *testing.T, path string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
		joined := strings.ReplaceAll(block[1], "\\\n", "")
		commands = append(commands, strings.Split(strings.TrimSpace(joined), "\n")...)
	}
	require.NotEmpty(t, commands)
	return commands
}

func buildBinary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "presence-bridge")
	build := exec.Command("go", "build", "-o", path, "./cmd/presence-bridge")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// demoProcess is the demo as a process of its own, on ports that were free.
type demoProcess struct{ page, nats, emulator string }

func startDemo(t testing.TB, binary string, more ...string) demoProcess {
	t.Helper()
	temp := t.TempDir()
	demo := exec.Command(binary, append([]string{"demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
		"--nats-listen", "127.0.0.1:0", "--emulator-listen", "127.0.0.1:0"}, more...)...)
	demo.Dir, demo.Env = temp, append(os.Environ(), "TMPDIR="+temp)
	out, err := demo.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, demo.Start())
	t.Cleanup(func() {
		require.NoError(t, demo.Process.Signal(syscall.SIGTERM))
		require.NoError(t, demo.Wait(), "a graceful stop is exit status 0")
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		require.Empty(t, left, "the demo left files behind")
	})
	var d demoProcess
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C") {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) > 1 && f[0] == "page":
			d.page = f[1]
		case len(f) > 1 && f[0] == "NATS":
			d.nats = f[1]
		case len(f) > 1 && f[0] == "emulator":
			d.emulator = strings.TrimSuffix(f[1], "/stats")
		}
	}
	require.NotEmpty(t, d.page)
	require.NotEmpty(t, d.nats)
	return d
}

// here is a command of the README, at this demo's address instead of the usual one.
func (d demoProcess) here(command string) string {
	return strings.ReplaceAll(command, "http://localhost:8080", d.page)
}

// asks is a command of the README that asks NATS, at this demo's address.
func (d demoProcess) asks(t *testing.T, command string) string {
	t.Helper()
	return strings.Replace(command, "nats ", program(t, "nats")+" --server "+d.nats+" ", 1)
}

func shell(t *testing.T, command string) string {
	t.Helper()
	program(t, strings.Fields(command)[0])
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", command)
	c.Dir = root
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	require.NoError(t, err, "%s\n%s", command, stderr.String())
	return string(out)
}

// requireFirstLine runs a command that goes on for ever until its first line, and interrupts it.
func requireFirstLine(t *testing.T, command, contains string) {
	t.Helper()
	program(t, strings.Fields(command)[0])
	requireFirstLineOf(t, "exec "+command, contains)
}

func requireFirstLineOf(t *testing.T, script, contains string) {
	t.Helper()
	c := exec.Command("sh", "-c", script)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as Ctrl-C does, the signal goes to all of the script
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	end := func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	guard := time.AfterFunc(30*time.Second, end)
	defer guard.Stop()
	t.Cleanup(end) // where the test fails before the script is interrupted
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, contains)
	require.NoError(t, syscall.Kill(-c.Process.Pid, syscall.SIGINT))
	_ = c.Wait() // curl counts an interruption as a failure
}

// requireComposeFile holds what can be held without a container engine: the file names the four services.
func requireComposeFile(t *testing.T, _ string) {
	compose, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	require.NoError(t, err)
	for _, service := range []string{"nats", "emulator", "poller", "hub"} {
		require.Regexp(t, `(?m)^  `+service+`:`, string(compose))
	}
}

const trialSecret = "a-secret-of-at-least-thirty-two-bytes"

// requireServes gives serve what the README does, but for the vendor, who is out of reach: it has to be the settings
// that are complete.
func requireServes(t *testing.T, binary, command string) {
	settings, _, _ := strings.Cut(command, " presence-bridge serve")
	settings = strings.NewReplacer("https://a1.easemob.com", "http://127.0.0.1:9", "AUTH_HMAC_SECRET=...", "AUTH_HMAC_SECRET="+trialSecret).Replace(settings)
	requireLogLine(t, fmt.Sprintf("%s LISTEN=127.0.0.1:0 ADMIN_LISTEN=127.0.0.1:0 NATS_LISTEN=127.0.0.1:0 DATA_DIR=%s exec %s serve",
		settings, t.TempDir(), binary), "msg=leading role=poller")
}

func requireLogLine(t *testing.T, command, contains string) {
	t.Helper()
	c := exec.Command("sh", "-c", command)
	out, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	guard := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
	defer guard.Stop()
	found := false
	for lines := bufio.NewScanner(out); !found && lines.Scan(); {
		found = strings.Contains(lines.Text(), contains)
	}
	require.True(t, found, "%s never logged %q", command, contains)
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	_, _ = io.Copy(io.Discard, out)
	require.NoError(t, c.Wait(), "a graceful stop is exit status 0")
}
