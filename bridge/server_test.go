package bridge

import (
	"net"
	"os"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

func TestAPortInUseIsSaidInWords(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = StartServer(ServerOptions{Dir: t.TempDir(), Listen: l.Addr().String()})
	require.ErrorContains(t, err, "NATS_LISTEN")
	require.ErrorContains(t, err, "in use")
}

func TestAListenAddressThatIsNoneIsSaidInWords(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"4222", "127.0.0.1:nats", "127.0.0.1:70000", "127.0.0.1:-1"} {
		_, err := StartServer(ServerOptions{Listen: listen})
		require.ErrorContains(t, err, "NATS_LISTEN", listen)
	}
}

func TestADirectoryOfItsOwnIsRemoved(t *testing.T) {
	t.Parallel()
	s := startServer(t, ServerOptions{})
	require.DirExists(t, s.temp)
	s.Stop()
	require.NoDirExists(t, s.temp)
	s.Stop() // a second time is no harm
}

func TestTheDataDirectorySurvives(t *testing.T) {
	t.Parallel()
	o := ServerOptions{Dir: t.TempDir()}
	first := startServer(t, o)
	b := busAt(t, first, Settings{})
	observed(t, journalAt(t, b), look("alice", busy))
	first.Stop()
	require.DirExists(t, o.Dir)

	b = busAt(t, startServer(t, o), Settings{})
	j := journalAt(t, b)
	e, _, ok := j.Last("alice")
	require.True(t, ok)
	require.Equal(t, busy, e.State)
	require.Equal(t, Outcome{}, observed(t, j, look("alice", busy)))
}

func TestOthersConnectOnlyWhereItListens(t *testing.T) {
	t.Parallel()
	var logged logBuffer
	require.Empty(t, startServer(t, ServerOptions{Logger: logged.logger()}).URL())
	nc, err := nats.Connect(startServer(t, ServerOptions{Listen: "127.0.0.1:0"}).URL())
	require.NoError(t, err)
	nc.Close()
	require.NotContains(t, logged.String(), "level=ERROR")
}

func TestADirectoryThatCannotBeWrittenIsSaidInWords(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := StartServer(ServerOptions{Dir: file})
	require.Error(t, err)
}
