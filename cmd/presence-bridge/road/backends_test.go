package road

import (
	"os"
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
}

// requirePythonWorker has the worker take a message of the queue that the page has made, where nats-py is installed;
// otherwise its syntax is checked.
func requirePythonWorker(t *testing.T, demo demoProcess) {
	python, script := program(t, "python3"), filepath.Join(deploy, "backends", "consume.py")
	script, err := filepath.Abs(script)
	require.NoError(t, err)
	shell(t, python+` -c "import ast,sys; ast.parse(open(sys.argv[1]).read())" `+script)
	if shell(t, python+` -c "import importlib.util as u; print(u.find_spec('nats') is not None)"`) == "True\n" {
		require.Regexp(t, `^user-\d+ is online: (True|False) user-\d+\.\d+\.\d+\n$`, shell(t, python+" "+script+" "+demo.nats+" 1"))
	}
}
