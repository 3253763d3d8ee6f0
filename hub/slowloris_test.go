package hub

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// wire connects over a pipe and says nothing. Reads and writes wait for as long as they have to: a bubble's clock passes.
func (h *bubbleHub) wire(t *testing.T) *wire {
	t.Helper()
	conn, err := h.pipes.dial(t.Context(), "", "")
	require.NoError(t, err)
	w := newWire(t, conn)
	require.NoError(t, conn.SetDeadline(time.Time{}))
	return w
}

// drips says one byte a second until the connection has ended.
func (w *wire) drips(bytes string) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for i := range len(bytes) {
			if _, err := io.WriteString(w.conn, bytes[i:i+1]); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}()
	return done
}

// TestDripping: who says something each second, and never all of it, has no longer than who says nothing. It is counted.
func TestDripping(t *testing.T) {
	auth := "Authorization: Bearer " + token(t, fields{"set": true})
	endless := strings.Repeat("x", 1000)
	for _, c := range []struct {
		name, begins, drips string
		within              time.Duration
		metric, label       string
	}{
		{"a request line", "", "GET /" + endless, headerWithin, "refused_total", "no_request"},
		{"a header", "GET /v1/ws HTTP/1.1\r\nHost: hub\r\nX: ", endless, headerWithin, "refused_total", "no_request"},
		{"headers", "GET /v1/ws HTTP/1.1\r\nHost: hub\r\n", strings.Repeat("a: b\r\n", 100), headerWithin, "refused_total", "no_request"},
		{"the body of a PUT", "PUT /v1/presence/me/web HTTP/1.1\r\nHost: hub\r\n" + auth + "\r\nContent-Length: 1000\r\n\r\n{\"status\":\"", endless, requestWithin, "refused_total", "bad_message"},
		{"the chunks of a PUT", "PUT /v1/presence/me/web HTTP/1.1\r\nHost: hub\r\n" + auth + "\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\n \r\n", 100), requestWithin, "refused_total", "bad_message"},
		{"the body of a callback", "POST " + CallbackPath + " HTTP/1.1\r\nHost: hub\r\nContent-Length: 1000\r\n\r\n", endless, requestWithin, "callbacks_total", "unreadable"},
		{"the chunks of a callback", "POST " + CallbackPath + " HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\n \r\n", 100), requestWithin, "callbacks_total", "unreadable"},
		{"a body that nobody wants", "GET /v1/nowhere HTTP/1.1\r\nHost: hub\r\nContent-Length: 1000\r\n\r\n", endless, requestWithin, "refused_total", "request"},
	} {
		metrics := prometheus.NewRegistry()
		change := func(cfg *Config) { withCallbacks(cfg); cfg.Auth, cfg.Registerer = hmacAuth, metrics }
		inBubble(t, change, func(t *testing.T, h *bubbleHub) {
			w, begun := h.wire(t), time.Now()
			w.send(c.begins)
			done := w.drips(c.drips)
			_, _ = io.Copy(io.Discard, w.conn)
			require.LessOrEqual(t, time.Since(begun), c.within+2*time.Second, c.name)
			_ = w.conn.Close()
			<-done
			synctest.Wait()
			require.Equal(t, 1.0, sum(t, metrics, c.metric, c.label), c.name)
		})
	}
}

// TestDrippingOnASocket: beginnings of messages do not lie about for long, whatever else the client says meanwhile.
func TestDrippingOnASocket(t *testing.T) {
	parts := masked(opText, `{"type":`) + strings.Repeat(masked(opMore, " ")+masked(fin|opPing, ""), 100)
	for name, drips := range map[string]string{
		"the head of a frame":     "\x81",
		"a long frame":            "\x81\xFF\x00\x00\x00\x00\x00\x00\xFF\xFF\x00\x00\x00\x00" + strings.Repeat(" ", 1000),
		"a frame longer than all": "\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00" + strings.Repeat(" ", 1000),
		"parts and pings":         parts,
		"half a message":          masked(opText, `{"type":`),
	} {
		metrics := prometheus.NewRegistry()
		inBubble(t, func(c *Config) { c.Registerer = metrics }, func(t *testing.T, h *bubbleHub) {
			w := h.wire(t)
			w.upgrade()
			require.Equal(t, "says welcome", w.hears())
			begun := time.Now()
			done := w.drips(drips)
			all := w.hearsUntil("ends")
			require.Contains(t, all, fmt.Sprintf("closes %d", closeTooSlow.code), name)
			require.LessOrEqual(t, time.Since(begun), messageWithin+partWithin+time.Second, name)
			require.Equal(t, 1.0, sum(t, metrics, "closed_total", closeTooSlow.name), name)
			<-done
			synctest.Wait()
			h.peek(func() { require.Zero(t, h.sessions.len(), name) })
		})
	}
}

// TestNeverAuthenticated: a socket without a token in time is counted as such, whatever else it says.
func TestNeverAuthenticated(t *testing.T) {
	metrics := prometheus.NewRegistry()
	inBubble(t, func(c *Config) { c.Auth, c.Registerer = hmacAuth, metrics }, func(t *testing.T, h *bubbleHub) {
		begun := time.Now()
		for _, says := range []string{"", strings.Repeat(masked(fin|opPing, ""), 60), strings.Repeat(masked(fin|opPong, ""), 60)} {
			w := h.wire(t)
			w.upgrade()
			done := w.drips(says)
			require.Contains(t, w.hearsUntil("ends"), "closes 4401")
			<-done
		}
		// one who drips a frame makes the goodbye last; a second is between two bytes
		require.LessOrEqual(t, time.Since(begun), 3*(authWithin+partWithin+time.Second))
		require.Equal(t, 3.0, sum(t, metrics, "closed_total", closeToken.name))
	})
}

// TestGoneWithoutAWord: a network that takes everything and brings nothing, as behind a proxy that hangs, or before a
// machine whose plug was pulled. Two heartbeats tell, whether it was said that the client is there or not.
func TestGoneWithoutAWord(t *testing.T) {
	for name, says := range map[string]string{
		"before the handshake":    "",
		"in the handshake":        handshake()[:50],
		"after it":                handshake(),
		"while it watched":        handshake() + masked(fin|opText, `{"type":"subscribe","uids":["a"]}`),
		"in the middle of a text": handshake() + masked(fin|opText, sized(100))[:50],
		"while it was leaving":    handshake() + masked(fin|opClose, "\x03\xE8")[:3],
	} {
		inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
			w := h.wire(t)
			swallowed := make(chan struct{})
			go func(c net.Conn) { defer close(swallowed); _, _ = io.Copy(io.Discard, c) }(w.conn)
			w.send(says)
			for i := range 100 {
				h.Apply(entry(uint64(i+1), "a", online(fmt.Sprint(i)), "ext"))
			}
			time.Sleep(2*heartbeat + stallWithin)
			synctest.Wait()
			select {
			case <-swallowed:
			default:
				require.Fail(t, "the connection is held", name)
			}
			h.peek(func() {
				require.Zero(t, h.sessions.len(), name)
				for _, turn := range h.heart.turns {
					require.Empty(t, turn, name)
				}
			})
			h.arrivals.mu.Lock()
			defer h.arrivals.mu.Unlock()
			require.Zero(t, h.arrivals.open, name)
		})
	}
}
