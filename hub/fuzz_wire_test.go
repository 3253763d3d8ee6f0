package hub

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func FuzzParseTTL(f *testing.F) {
	for _, s := range []string{"", "10m", "1ns", "-1h", "24h", "1e9h", "9999999h", "NaN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseTTL(s)
		if err == nil && (d < bridge.MinLease || d > bridge.MaxLease) || err != nil && (d != 0 || refusalOf(err).status != 400) {
			t.Fatalf("%q is %s, %v", s, d, err)
		}
	})
}

// FuzzSocket has a client send any bytes on an open socket. What the hub answers is in order to the last frame, it lets
// the client go, and nothing has panicked.
func FuzzSocket(f *testing.F) {
	for _, c := range wireCases() {
		if len(c.send) < 4096 {
			f.Add([]byte(c.send))
		}
	}
	log := &logged{}
	pipes, hub := newPipes(), quietHub(f, func(c *Config) { c.Logger = log.logger() })
	hub.hear(live())
	running(f, func(ctx context.Context) error { return hub.Serve(ctx, pipes) })
	f.Fuzz(func(t *testing.T, data []byte) {
		all := handshake() + string(data) + masked(fin|opClose, closeWith(1000, ""))
		here, there := net.Pipe()
		pipes.conns <- &ending{there, len(all)}
		w := newWire(t, here)
		defer here.Close()
		go w.send(all) // until the hub has read it, or ends
		require.Equal(t, http.StatusSwitchingProtocols, w.answer().StatusCode)
		heard := w.hearsUntil("ends")
		for i, words := range heard[:len(heard)-1] {
			if strings.HasPrefix(words, "closes") && i != len(heard)-2 {
				t.Fatalf("%q: something after the goodbye: %v", data, heard)
			}
		}
		if strings.Contains(log.String(), "panic") {
			t.Fatalf("%q: %s", data, log)
		}
	})
}

// ending is the hub's end of a connection whose client says so much and no more.
type ending struct {
	net.Conn
	left int
}

func (e *ending) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.Conn.Read(p[:min(len(p), e.left)])
	e.left -= n
	return n, err
}
