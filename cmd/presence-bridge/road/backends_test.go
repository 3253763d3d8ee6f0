package road

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var deploy = filepath.Join(root, "cmd", "presence-bridge", "deploy")

// TestBackendsPage runs every command of the page for backends against a demo, in order, and compares what it prints with
// what stands beneath it.
func TestBackendsPage(t *testing.T) {
	demo := startDemo(t, buildBinary(t), "--changes-per-s", "20")
	text, err := os.ReadFile(filepath.Join(deploy, "BACKENDS.md"))
	require.NoError(t, err)
	pairs := regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n```text\n(.*?)^```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, pairs, len(commandsOf(t, filepath.Join(deploy, "BACKENDS.md"))), "each command says what it prints")
	for _, pair := range pairs {
		command := strings.TrimSpace(pair[1])
		t.Run(strings.ReplaceAll(command, "/", "_"), func(t *testing.T) {
			require.Regexp(t, "^nats ", command)
			said := shell(t, demo.asks(t, command)+" 2>&1")
			for line := range strings.Lines(pair[2]) {
				want := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(line)), "…", ".*")
				require.Regexp(t, want, said)
			}
		})
	}
	t.Run("the Python worker", func(t *testing.T) { requirePythonWorker(t, demo) })
	t.Run("the Java worker", func(t *testing.T) { requireJavaWorker(t, demo) })
}

// requirePythonWorker has the worker take a message of the queue that the page has made, where nats-py is installed;
// otherwise its syntax is checked.
func requirePythonWorker(t *testing.T, demo demoProcess) {
	python, script := program(t, "python3"), filepath.Join(deploy, "backends", "consume.py")
	script, err := filepath.Abs(script)
	require.NoError(t, err)
	shell(t, python+` -c "import ast,sys; ast.parse(open(sys.argv[1]).read())" `+script)
	if shell(t, python+` -c "import importlib.util as u; print(u.find_spec('nats') is not None)"`) != "True\n" {
		without(t, "running consume.py", "nats-py is not installed")
		return
	}
	require.Regexp(t, `^user-\d+ is online: (True|False) user-\d+\.\d+\.\d+\n$`, shell(t, python+" "+script+" "+demo.nats+" 1"))
}

// requireJavaWorker does the same where jnats is on the CLASSPATH. Otherwise its syntax is checked: that classes are
// missing is what javac tells of only where it has understood the rest.
func requireJavaWorker(t *testing.T, demo demoProcess) {
	script, err := filepath.Abs(filepath.Join(deploy, "backends", "Consume.java"))
	require.NoError(t, err)
	javac, err := exec.LookPath("javac")
	if err != nil {
		without(t, "compiling and running Consume.java", "javac is not installed")
		return
	}
	said, err := exec.CommandContext(t.Context(), javac, "-proc:none", "-d", t.TempDir(), script).CombinedOutput()
	if err == nil {
		requireFirstLine(t, "java "+script+" "+demo.nats, ` {"uid":"user-`)
		return
	}
	errors := regexp.MustCompile(`(?m)^\S+: error: .*\n.*\n.*\n(?:  symbol: .*)?`).FindAllString(string(said), -1)
	require.NotEmpty(t, errors, "%s", said)
	for _, e := range errors {
		require.Regexp(t, `error: package io.nats.client does not exist|symbol: +(class|variable) (Connection|JetStreamSubscription|Message|Nats|PullSubscribeOptions)`, e)
	}
	without(t, "running Consume.java", "jnats is not on the CLASSPATH")
}
