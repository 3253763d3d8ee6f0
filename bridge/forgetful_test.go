package bridge

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forgetful is a server that comes back without what it was told last, as after a crash of its machine.
type forgetful struct {
	*Server
	t       *testing.T
	options ServerOptions
	copied  string
}

func newForgetful(t *testing.T) *forgetful {
	t.Helper()
	f := &forgetful{t: t, options: ServerOptions{Dir: t.TempDir(), Listen: "127.0.0.1:0"}, copied: t.TempDir()}
	f.Server = startServer(t, f.options)
	f.options.Listen = strings.TrimPrefix(f.URL(), "nats://")
	return f
}

// remember restarts the server; what it is told from here on it will forget.
func (f *forgetful) remember() { f.restart(f.copied, f.options.Dir) }

// forget restarts the server as it was.
func (f *forgetful) forget() { f.restart(f.options.Dir, f.copied) }

func (f *forgetful) restart(to, from string) {
	f.Stop()
	require.NoError(f.t, os.RemoveAll(to))
	require.NoError(f.t, os.CopyFS(to, os.DirFS(from)))
	f.Server = startServer(f.t, f.options)
}
