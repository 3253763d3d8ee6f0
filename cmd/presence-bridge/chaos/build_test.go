//go:build linux

package chaos

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// binaries are the paths of the programs that are not in the test's own process.
type binaries struct{ bridge, nats string }

const skewVariable = "CLOCK_SKEW_S"

// skew is added to package time.
const skew = `package time

import "syscall"

var skew = readSkew() // seconds

func readSkew() (s int64) {
	v, _ := syscall.Getenv("` + skewVariable + `")
	sign := int64(1)
	for _, c := range v {
		if c == '-' {
			sign = -1
			continue
		}
		s = s*10 + int64(c-'0')
	}
	return sign * s
}
`

// clockLine is where [time.Now] reads the clock.
const clockLine = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"

func buildAll(t *testing.T) binaries {
	t.Helper()
	dir := t.TempDir()
	b := binaries{bridge: filepath.Join(dir, "presence-bridge"), nats: filepath.Join(dir, "nats-server")}
	goBuild(t, "-o", b.nats, "github.com/nats-io/nats-server/v2")
	goBuild(t, "-overlay", overlay(t, dir), "-o", b.bridge, "..")
	return b
}

// overlay says which files of the standard library are others for a build, and where those are.
func overlay(t *testing.T, dir string) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	library := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(library, "time.go"))
	require.NoError(t, err)
	before, after, ok := strings.Cut(string(source), clockLine)
	require.True(t, ok, "time.Now of %s is not what it was: see to clockLine", runtime.Version())
	now, added := filepath.Join(dir, "time.go"), filepath.Join(dir, "skew.go")
	require.NoError(t, os.WriteFile(now, []byte(before+clockLine+"\tsec += skew\n"+after), 0o600))
	require.NoError(t, os.WriteFile(added, []byte(skew), 0o600))
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(library, "time.go"): now, filepath.Join(library, "skew.go"): added,
	}})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

func goBuild(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"build"}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
