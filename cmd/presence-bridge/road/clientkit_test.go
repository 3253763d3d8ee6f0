package road

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
)

const clientSecret = "a secret of thirty-two bytes or more"

// clientWorld is a hub that wants tokens, for clients outside of this process; env tells them of it.
func clientWorld(t *testing.T) (r *road, h *roadHub, env []string) {
	t.Helper()
	r = build(t, emulator.Options{Users: 40, Paused: true, Seed: 11})
	r.auth = hub.Auth{HMACSecret: []byte(clientSecret)}
	r.addPoller("poller-1")
	h = r.addHub("hub-1")
	return r, h, append(os.Environ(), "HUB="+h.http(""), "VENDOR="+r.vendor, "SECRET="+clientSecret)
}

// runNode runs a file of tests in Node, with its WebSocket, which Node 20 has behind a flag.
func runNode(t *testing.T, dir, file string, env []string) {
	t.Helper()
	c := exec.Command(program(t, "node"), "--experimental-websocket", "--no-warnings", "--test", file)
	c.Dir, c.Env = dir, env
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Regexp(t, `(?m)^# pass [1-9]`, string(out))
	require.Regexp(t, `(?m)^# skipped 0`, string(out))
}

// TestClient holds the browser client, in Node, against a real hub: over WebSockets, and around where they are blocked.
func TestClient(t *testing.T) {
	_, _, env := clientWorld(t)
	runNode(t, filepath.Join(root, "web"), "testing/real.js", env)
}

// TestClientPackage packs the client as npm would publish it and installs that beside the frameworks of the lock file:
// the adapters keep their promises in the real React and Vue, the types fit, and what browsers load is what the
// sources make.
func TestClientPackage(t *testing.T) {
	web := webPackages(t)
	nodeRuns(t, web, "build.js", "--check")
	packed := inDir(t, web, program(t, "npm"), "pack", "--silent")
	files := strings.Fields(inDir(t, web, "tar", "-tzf", packed))
	require.NotContains(t, strings.Join(files, " "), "page.js", "the page is no part of the package")
	for _, want := range []string{"package.json", "README.md", "LICENSE", "static/presence.js", "static/presence.d.ts", "static/sse.js",
		"static/worker.js", "static/react.js", "static/vue.d.ts", "client/presence.js"} {
		require.Contains(t, files, "package/"+want)
	}
	require.Less(t, len(files), 35)
	inDir(t, web, "tar", "-xzf", packed)
	require.NoError(t, os.Rename(filepath.Join(web, "package"), filepath.Join(web, "node_modules", "presence-bridge-client")))

	user := filepath.Join(web, "user") // of the package: whoever is in it finds its sources by its name
	require.NoError(t, os.Rename(filepath.Join(web, "testing"), user))
	require.NoError(t, os.WriteFile(filepath.Join(user, "package.json"), []byte(`{"type":"module"}`), 0o600))
	nodeRuns(t, user, "../node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--lib", "es2022,dom",
		"--types", "react", "--target", "es2022", "--module", "nodenext", "types.ts")
	_, _, env := clientWorld(t)
	runNode(t, user, "adapters.js", env)
}

// packages is a copy of web/ with the packages of its lock file: installed once, for that takes a while. TestMain
// removes it.
var packages struct{ dir string }

func webPackages(t *testing.T) string {
	t.Helper()
	if packages.dir != "" {
		return packages.dir
	}
	dir, err := os.MkdirTemp("", "presence-bridge-web-")
	require.NoError(t, err)
	t.Cleanup(func() {
		if packages.dir == "" { // not all of it is there
			_ = os.RemoveAll(dir)
		}
	})
	for _, name := range []string{"build.js", "package.json", "package-lock.json", "README.md", "LICENSE"} {
		text, err := os.ReadFile(filepath.Join(root, "web", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	for _, name := range []string{"client", "static", "testing"} {
		require.NoError(t, os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(root, "web", name))))
	}
	npmInstall(t, dir)
	packages.dir = dir
	return dir
}

func nodeRuns(t *testing.T, dir string, args ...string) { inDir(t, dir, program(t, "node"), args...) }

// inDir runs a program and returns what it prints.
func inDir(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	var stderr bytes.Buffer
	c.Dir, c.Stderr = dir, &stderr
	out, err := c.Output()
	require.NoError(t, err, "%s %s\n%s", name, args, stderr.String())
	return strings.TrimSpace(string(out))
}
