package hub

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// pipes is a listener whose connections never leave the process, so that a bubble's clock can pass.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inBubble runs a test of time: a hub with no NATS behind it that serves over pipes. The hub's state is the
// test's to feed.
func inBubble(t *testing.T, change func(*Config), test func(t *testing.T, h *bubbleHub)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := serveInBubble(t, change)
		test(t, h)
		h.end()
	})
}

// serveInBubble serves a hub over pipes until its end, which a bubble has to see.
func serveInBubble(t *testing.T, change func(*Config)) *bubbleHub {
	h := &bubbleHub{Hub: quietHub(t, func(c *Config) {
		if change != nil {
			change(c)
		}
	}), t: t, pipes: newPipes()}
	h.stop = running(t, func(ctx context.Context) error { return h.Serve(ctx, h.pipes) })
	tending := running(t, h.tend)
	h.end = func() { h.stop(); tending() }
	return h
}

type bubbleHub struct {
	*Hub
	t     *testing.T
	pipes *pipes
	stop  func() // ends Serve
	end   func() // ends all of it
}

func (h *bubbleHub) http() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: h.pipes.dial, DisableKeepAlives: true}}
}

func (h *bubbleHub) dialConn(options ...func(*websocket.DialOptions)) *websocket.Conn {
	h.t.Helper()
	o := &websocket.DialOptions{Subprotocols: []string{Subprotocol}, HTTPHeader: http.Header{}, HTTPClient: h.http()}
	for _, f := range options {
		f(o)
	}
	conn, _, err := websocket.Dial(h.t.Context(), "ws://hub/v1/ws", o)
	require.NoError(h.t, err)
	conn.SetReadLimit(-1)
	return conn
}

func (h *bubbleHub) dial(options ...func(*websocket.DialOptions)) *client {
	h.t.Helper()
	return newClient(h.t, h.dialConn(options...))
}
