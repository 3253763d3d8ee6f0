//go:build unix

package hub

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ofNetHTTP says who has answered a handshake: the routes' answers have what pages need, which a socket does not.
func ofNetHTTP(answer *http.Response) bool { return answer.Header.Get("Content-Security-Policy") != "" }

// TestPorch: who asks for a socket as everybody does is let in on the porch. Whoever needs a second look is net/http's, which
// hears all that they have said.
func TestPorch(t *testing.T) {
	h, metrics := hostileHub(t, func(c *Config) { c.AllowedOrigins, c.Limits = nil, Limits{} })
	bearer := bearing(t, "me")
	with := func(more ...string) string { return handshake(append(more, bearer)...) }
	instead := func(old, new string) string { return strings.Replace(with(), old, new, 1) }
	for _, c := range []struct {
		name, send string
		status     int
		elsewhere  bool
	}{
		{"the usual", with(), 101, false},
		{"a browser's", with("Origin: http://hub", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept-Language: de,en;q=0.5",
			"Sec-WebSocket-Protocol: presence.v1", "Sec-WebSocket-Extensions: permessage-deflate"), 101, false},
		{"an IPv6 address and a port", instead("Host: hub", "Host: [::1]:8080"), 101, false},
		{"with a cookie", with("Cookie: a=" + strings.Repeat("b", 3000)), 101, false},
		{"with a long cookie", with("Cookie: a=" + strings.Repeat("b", firstWords)), 101, true},
		{"with letters of the world", with("X-Name: 环信"), 101, true},
		{"with a tab", with("X-Name: a\tb"), 101, true},
		{"with a query", instead("/v1/ws", "/v1/ws?v=2"), 101, true},
		{"a path in other words", instead("/v1/ws", "/v1/%77s"), 404, true},
		{"a whole URL", instead("/v1/ws", "http://hub/v1/ws"), 101, true},
		{"a length of nothing", with("Content-Length: 0"), 101, false},
		{"a body", with("Content-Length: 2") + "{}", 101, true},
		{"two Hosts", with("Host: hub"), 400, true},
		{"no Host", instead("Host: hub\r\n", ""), 400, true},
		{"a Host that is none", instead("Host: hub", "Host: h ub"), 400, true},
		{"a Host of the world", instead("Host: hub", "Host: h%20ub"), 101, true},
		{"a blank before the colon", instead("Host: hub", "Host: hub\r\nX : y"), 400, true},
		{"a blank in a name", instead("Host: hub", "Host: hub\r\nX y: z"), 400, true},
		{"a line that goes on", instead("Host: hub", "Host: hub\r\nX: y\r\n z"), 101, false},
		{"who expects something", with("Expect: 100-continue"), 101, true},
		{"who expects something else", with("Expect: the-unexpected"), 417, true},
		{"chunks", with("Transfer-Encoding: chunked") + "0\r\n\r\n", 101, true},
		{"chunks of another kind", with("Transfer-Encoding: gzip"), 501, true},
		{"a foreign page", with("Origin: http://evil.example"), 403, true},
		{"another subprotocol", with("Sec-WebSocket-Protocol: chat"), 400, true},
		{"a short key", instead("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: YQ==\r\nX: "), 400, true},
		{"HTTP/1.0", instead("HTTP/1.1", "HTTP/1.0"), 426, true},
		{"no HTTP", "GET /v1/ws\r\n\r\n", 400, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := h.wire()
			defer w.conn.Close()
			w.send(c.send)
			answer := w.answer()
			require.Equal(t, c.status, answer.StatusCode)
			if c.status == http.StatusSwitchingProtocols {
				require.Equal(t, c.elsewhere, ofNetHTTP(answer))
				require.Equal(t, "says welcome", w.hears())
			}
		})
	}
	h.until(func() bool { return h.sessions.len() == 0 })
	require.Eventually(t, func() bool { return h.held() == 0 }, soon, often)
	require.Equal(t, 2.0, sum(t, metrics, "refused_total", "handshake"), "each once")
	require.Equal(t, 1.0, sum(t, metrics, "refused_total", "subprotocol"))
	require.Equal(t, 1.0, sum(t, metrics, "refused_total", "origin_not_allowed"))
}

// overhear serves a hub over TCP, on connections that can be watched.
func overhear(t *testing.T) (l *overheard, dial func() *wire, stop func()) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l, hub := &overheard{tcp, make(chan *readable)}, quietHub(t)
	stop = running(t, func(ctx context.Context) error { return hub.Serve(ctx, l) })
	return l, func() *wire {
		conn, err := net.Dial("tcp", tcp.Addr().String())
		require.NoError(t, err)
		return newWire(t, conn)
	}, stop
}

// TestPorchSetsNoLimit: who is let in may be silent for as long as they like; until then they have as long as anybody.
func TestPorchSetsNoLimit(t *testing.T) {
	l, wire, _ := overhear(t)
	w := wire()
	c := <-l.accepted
	require.Eventually(t, func() bool { return c.limit() > headerWithin/2 }, soon, often)
	require.LessOrEqual(t, c.limit(), headerWithin)
	w.upgrade()
	require.Equal(t, "says welcome", w.hears())
	require.True(t, c.until.Load().(time.Time).IsZero())
}

// limit is for how long reads may last from now on.
func (r *readable) limit() time.Duration {
	until, _ := r.until.Load().(time.Time)
	return time.Until(until)
}

// TestPorchHearsAWhole: a handshake that comes in parts is waited for by net/http, wherever it is cut.
func TestPorchHearsAWhole(t *testing.T) {
	l, wire, _ := overhear(t)
	head := handshake()
	for _, at := range []int{1, len(openingLine), len(openingLine) + 5, len(head) / 2, len(head) - 2, len(head) - 1} {
		w := wire()
		w.send(head[:at])
		<-(<-l.accepted).read // the porch only looks
		w.send(head[at:])
		require.True(t, ofNetHTTP(w.answer()), at)
		require.Equal(t, "says welcome", w.hears())
		require.NoError(t, w.conn.Close())
	}
}

// overheard is a listener that tells when its connections are read.
type overheard struct {
	net.Listener
	accepted chan *readable
}

func (l *overheard) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	r := &readable{TCPConn: c.(*net.TCPConn), read: make(chan struct{})}
	go func() { l.accepted <- r }()
	return r, nil
}

type readable struct {
	*net.TCPConn
	once sync.Once
	read chan struct{} // closed when somebody begins to read

	until atomic.Value // the time.Time until which reads may last
}

func (r *readable) Read(p []byte) (int, error) {
	r.once.Do(func() { close(r.read) })
	return r.TCPConn.Read(p)
}

func (r *readable) SetReadDeadline(t time.Time) error {
	r.until.Store(t)
	return r.TCPConn.SetReadDeadline(t)
}

// TestPorchWithoutRoom: on a hub that is full or stops, whoever comes is told so by net/http.
func TestPorchWithoutRoom(t *testing.T) {
	h, metrics := hostileHub(t, func(c *Config) { c.Limits.MaxConnections = 1 })
	first := h.dial(withToken(token(t, fields{"sub": "me", "watch": "*"})))
	first.expect("welcome")
	status, _ := h.knock(t, handshake(bearing(t, "me")))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, 1.0, sum(t, metrics, "refused_total", "too_many_connections"))
}

// TestPorchIsCleared: a hub that stops does not wait for those who have said nothing, for as long as they might.
func TestPorchIsCleared(t *testing.T) {
	l, wire, stop := overhear(t)
	wire()
	c := <-l.accepted
	require.Eventually(t, func() bool { return c.limit() > 0 }, soon, often)
	stop()
	require.Positive(t, c.limit())
}

// TestPorchOfAServerThatIsGone: when net/http takes nobody any more, nobody waits for it.
func TestPorchOfAServerThatIsGone(t *testing.T) {
	h := quietHub(t)
	here, there := net.Pipe()
	late := h.newPorch(nil)
	require.NoError(t, late.hall.Close())
	h.arrivals.came(there)
	late.pass(there) // when net/http takes nobody any more
	_, err := here.Read(make([]byte, 1))
	require.Error(t, err)
	require.Zero(t, h.arrivals.open)
}

// FuzzHandshake: whom the porch lets in, net/http would have let in, and both read the same request.
func FuzzHandshake(f *testing.F) {
	f.Add("Origin: http://hub\r\nSec-WebSocket-Protocol: presence.v1\r\n")
	f.Add("X: a\r\n b\r\nContent-Length: 0\r\n")
	f.Add("Host: other\r\n")
	f.Add("X : y\r\n")
	f.Add("X y: z\r\n")
	f.Add("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")
	f.Add("Connection: close\r\nPragma: no-cache\r\n\r\nGET / HTTP/1.1\r\n")
	f.Fuzz(func(t *testing.T, lines string) {
		said := openingLine + "Host: hub\r\n" + lines + "\r\n"
		head := ordinary([]byte(said))
		if head == nil {
			return
		}
		room := foyers.Get().(*foyer)
		defer foyers.Put(room)
		if ours := room.request(head); ours != nil {
			theirs := netHTTPReads(t, said)
			require.NotNil(t, theirs, said)
			require.Equal(t, theirs.Header, ours.Header)
			require.Equal(t, theirs.Host, ours.Host)
			require.Zero(t, theirs.ContentLength)
		}
	})
}

// netHTTPReads is the first request that net/http's server makes of what somebody says, or nil.
func netHTTPReads(t *testing.T, said string) (r *http.Request) {
	here, there := net.Pipe()
	l := newPipes()
	server := &http.Server{MaxHeaderBytes: maxHeaderBytes, Handler: http.HandlerFunc(func(w http.ResponseWriter, got *http.Request) {
		if r == nil {
			r = got
		}
		w.Header().Set("Connection", "close")
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(l) }()
	l.conns <- there
	go func() { _, _ = io.WriteString(here, said) }()
	_, _ = io.Copy(io.Discard, here)
	require.NoError(t, server.Close())
	<-served
	return r
}
