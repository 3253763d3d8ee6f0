package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// stored examines a plan whose NATS is inside serve's process.
func stored(t *testing.T, dir, listen string) report {
	t.Helper()
	p := sound("", "")
	p.NATS = NATS{Dir: dir, Listen: listen}
	r := chapterOf(t, p.bus)
	r.text = strings.ReplaceAll(r.text, dir, "DIR")
	return r
}

const notHere = "– nats          not checked: it runs inside serve, which does not run now, and makes all that it needs"

func TestTheDirectory(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, "127.0.0.1:0").says("✔ data dir      DIR can be written, and has room for SPACE", notHere)

	missing := filepath.Join(dir, "not", "yet")
	stored(t, missing, "127.0.0.1:0").says("✔ data dir      DIR can be written, and has room for SPACE", notHere)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries, "nothing is left there")

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	stored(t, file, "127.0.0.1:0").says("✘ data dir      DIR cannot be written: not a directory\n"+
		"                → give serve's user the right to write there, or choose another DATA_DIR", notHere)
	stored(t, filepath.Join(file, "below"), "127.0.0.1:0").says("✘ data dir      DIR cannot be written: not a directory\n" +
		"                → give serve's user the right to write there, or choose another DATA_DIR")
}

func TestTheNATSPort(t *testing.T) {
	stored(t, t.TempDir(), answering(t, 200, nil, "").Listener.Addr().String()).says("✘ nats port     HOST is held by another process\n" +
		"                → stop what listens there, choose another address in NATS_LISTEN, or name it in NATS_URL if it is a NATS server that is to be used")
	stored(t, t.TempDir(), "192.0.2.1:4222").says("✘ nats port     192.0.2.1:4222 cannot be listened on: cannot assign requested address\n" +
		"                → choose another address in NATS_LISTEN")
}

// TestServeRuns holds that the NATS of a serve that runs is looked at, and that its lock stays its own.
func TestServeRuns(t *testing.T) {
	dir := t.TempDir()
	lock := flock.New(filepath.Join(dir, "lock"))
	ours, err := lock.TryLock()
	require.NoError(t, err)
	require.True(t, ours)
	s, err := bridge.StartServer(bridge.ServerOptions{Dir: dir, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	address := strings.TrimPrefix(s.URL(), "nats://")
	stored(t, dir, address).says("✔ data dir      DIR is in use: serve runs, and its NATS is looked at",
		"✔ nats          nats-server VERSION at HOST answers in DURATION",
		"✔ stream        PRESENCE is not there yet: serve makes it")

	require.NoError(t, lock.Close())
	locked, err := inUse(dir)
	require.NoError(t, err)
	require.False(t, locked)
	ours, err = lock.TryLock()
	require.NoError(t, err)
	require.True(t, ours, "looking gives the lock back")
	require.NoError(t, lock.Close())
}

func TestSpace(t *testing.T) {
	for free, want := range map[uint64]string{
		3 << 40:   "✔ data dir      DIR can be written, and has room for SPACE",
		700 << 20: "! data dir      DIR can be written, and has room for 700 MiB only\n                → make room, or choose another DATA_DIR, before there are many users",
		10 << 20:  "✘ data dir      DIR has room for 10 MiB only\n                → make room, or choose another DATA_DIR",
	} {
		var f findings
		tellSpace(&f, "DIR", free)
		reported(t, f.list).says(want)
	}
	free, known := freeSpace(t.TempDir())
	require.True(t, known)
	require.NotZero(t, free)
}
