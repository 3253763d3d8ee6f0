//go:build unix

package hub

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// connected is a line over TCP, and its peer.
func connected(t *testing.T) (*line, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	peer, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = peer.Close() })
	here, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = here.Close() })
	return newLine(here), peer
}

// TestALineTakesWhatFits: a socket that is full is no error, and takes more when its peer has read. Of two who write one
// does. That the peer has gone is an error.
func TestALineTakesWhatFits(t *testing.T) {
	l, peer := connected(t)
	fill := func() (taken int64) {
		for {
			n, err := l.offer(bytes.Repeat([]byte{'x'}, 64<<10))
			require.NoError(t, err)
			if n == 0 {
				return taken
			}
			taken += int64(n)
		}
	}
	for taken := fill(); ; {
		require.Positive(t, taken)
		_, err := io.CopyN(io.Discard, peer, taken)
		require.NoError(t, err)
		l.mu.Lock()
		n, err := l.offer([]byte("x"))
		l.mu.Unlock()
		require.NoError(t, err)
		require.Zero(t, n, "somebody else writes")
		if taken = fill(); taken > 0 {
			break
		}
	}
	require.NoError(t, peer.Close())
	require.Eventually(t, func() bool { _, err := l.offer([]byte("x")); return err != nil }, soon, often)
}

// TestClosingALineEndsWhatIsWritten: nobody waits for a socket that is closed, however he writes, and nothing goes to
// whoever has its descriptor next.
func TestClosingALineEndsWhatIsWritten(t *testing.T) {
	for name, write := range map[string]func(l *line, p []byte) (int, error){
		"with a deadline": func(l *line, p []byte) (int, error) { return l.writeWithin(p, time.Hour) },
		"without":         (*line).Write,
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := connected(t)
			ended := make(chan error)
			go func() {
				_, err := write(l, make([]byte, 64<<20))
				ended <- err
			}()
			require.Eventually(t, func() bool { // until the write has the lock
				free := l.mu.TryLock()
				if free {
					l.mu.Unlock()
				}
				return !free
			}, soon, often)
			require.NoError(t, l.Close())
			require.Error(t, <-ended)
			_, err := l.offer([]byte("x"))
			require.ErrorIs(t, err, net.ErrClosed)
			_, err = write(l, []byte("x"))
			require.ErrorIs(t, err, net.ErrClosed)
		})
	}
}

// TestALineIsClosedWhileItIsOffered: of a descriptor that is closed, the kernel makes the next connection's.
func TestALineIsClosedWhileItIsOffered(t *testing.T) {
	for range 50 {
		l, _ := connected(t)
		var all sync.WaitGroup
		all.Go(func() {
			for {
				if _, err := l.offer([]byte("x")); err != nil {
					return
				}
			}
		})
		require.NoError(t, l.Close())
		next, peer := connected(t)
		all.Wait()
		require.NoError(t, next.Close())
		heard, err := io.ReadAll(peer)
		require.NoError(t, err)
		require.Empty(t, heard)
	}
}

// TestTheFirstGoodbyeIsTheLastWord, whoever says it: coder/websocket's is one, of whatever kind, and the hub's. What is said
// while it is being written waits for it, and is not said any more.
func TestTheFirstGoodbyeIsTheLastWord(t *testing.T) {
	mine := func(l *line, word string) error { return l.writeLast([]byte(word), time.Minute) }
	theirs := func(l *line, word string) error { _, err := l.Write([]byte(word)); return err }
	more := func(l *line, word string) error { _, err := l.writeWithin([]byte(word), time.Minute); return err }
	offer := func(l *line, word string) error { _, err := l.offer([]byte(word)); return err }
	for _, last := range []func(*line, string) error{mine, theirs} {
		for _, next := range []func(*line, string) error{mine, theirs, more, offer} {
			for range 100 {
				l, peer := connected(t)
				require.NoError(t, more(l, "first, "))
				var all sync.WaitGroup
				l.Conn = &interrupted{Conn: l.Conn, by: func() { all.Go(func() { _ = next(l, "no more") }) }}
				require.NoError(t, last(l, "last"))
				all.Wait()
				require.NoError(t, next(l, "no more"))
				require.NoError(t, l.Close())
				heard, err := io.ReadAll(peer)
				require.NoError(t, err)
				require.Equal(t, "first, last", string(heard))
			}
		}
	}
}

// interrupted is a connection on which somebody else wants to write as soon as one does.
type interrupted struct {
	net.Conn
	by func()
}

func (c *interrupted) Write(p []byte) (int, error) {
	if c.by != nil {
		c.by()
		c.by = nil
	}
	return c.Conn.Write(p)
}
