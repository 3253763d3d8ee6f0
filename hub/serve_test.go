package hub

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func TestDrain(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("a", online("1"))
	h := w.hub()
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	var clients []*client
	for range 20 {
		c := h.dial()
		c.expect("welcome")
		c.subscribe("a")
		clients = append(clients, c)
	}
	stream := h.events("uids=a", nil)
	stream.expect("welcome")
	stream.expect("subscribed")

	begun := time.Now()
	h.stopServe()
	require.Less(t, time.Since(begun), goodbyeWithin, "nobody had to be cut off")
	for _, c := range clients {
		bye := c.expect("bye")
		require.Equal(t, "draining", bye.Reason)
		require.GreaterOrEqual(t, bye.ReconnectAfterMS, comeBackFrom.Milliseconds())
		require.LessOrEqual(t, bye.ReconnectAfterMS, (comeBackFrom + scatter).Milliseconds())
		c.expectClose(closeRestarting)
	}
	_, bye := stream.expect("bye")
	require.Equal(t, "draining", bye.Reason)
	stream.expectEnd()
	require.Zero(t, h.sessions.len())
	require.EqualError(t, h.Ready(), "stopping")
}

// TestDrainRefusesNewcomers has a client that does not answer the goodbye, and others who come meanwhile. The
// hub tells them so, and cuts the stuck one off.
func TestDrainRefusesNewcomers(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		stuck := h.dialConn() // never reads, so it never answers
		synctest.Wait()
		begun := time.Now()
		done := make(chan struct{})
		go func() { defer close(done); h.stop() }()
		synctest.Wait()
		for _, path := range []string{"/v1/events?uids=a", "/v1/ws", "/v1/presence?uids=a", "/readyz"} {
			r, err := h.http().Get("http://hub" + path)
			require.NoError(t, err)
			body, _ := io.ReadAll(r.Body)
			_ = r.Body.Close()
			require.Equal(t, http.StatusServiceUnavailable, r.StatusCode, "%s: %s", path, body)
			require.Contains(t, string(body), "stopping")
			require.Equal(t, "1", r.Header.Get("Retry-After"))
		}
		<-done
		require.LessOrEqual(t, time.Since(begun), 3*time.Second)
		require.Zero(t, h.sessions.len(), "the stuck client is gone when Serve returns")
		_ = stuck.CloseNow()
	})
}

// TestTurnAway: as soon as it is told, a hub is not ready and lets nobody in, browser or backend. Who is there is served
// on, until Serve ends.
func TestTurnAway(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("a", online("1"))
	h, b := w.hub(), w.backend()
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	c := h.dial()
	c.expect("welcome")
	c.subscribe("a")
	h.TurnAway()
	h.TurnAway() // twice is once
	require.Equal(t, http.StatusServiceUnavailable, h.ask("GET", "/readyz", "").status)
	_, err := h.tryDial()
	require.ErrorContains(t, err, "503")
	require.Equal(t, "draining", h.ask("GET", "/v1/events?uids=a", "").code(t))
	require.Eventually(t, func() bool {
		_, err := b.nc.Request("presence.api.get", []byte(`{"uids":["a"]}`), time.Minute)
		return errors.Is(err, nats.ErrNoResponders)
	}, soon, often, "backends go to other hubs")
	w.look.see("a", online("2"))
	require.Equal(t, map[bridge.UID]string{"a": "2"}, c.expect("changes").exts())
	h.stop()
	c.expect("bye")
	c.expectClose(closeRestarting)
}

// TestStuckClientIsCutOff is the same over TCP: the peer has vanished, or its process hangs.
func TestStuckClientIsCutOff(t *testing.T) {
	w := newWorld(t)
	h := w.hub()
	stuck, err := h.dialConn()
	require.NoError(t, err)
	defer func() { _ = stuck.CloseNow() }()
	h.until(func() bool { return h.sessions.len() == 1 })
	begun := time.Now()
	h.stopServe()
	require.Less(t, time.Since(begun), 3500*time.Millisecond)
	require.Zero(t, h.sessions.len())
}

// stalled is a vendor that answers when nobody waits any more.
type stalled struct{ begun chan struct{} }

func (v stalled) SetPresence(ctx context.Context, _, _, _, _ string) error {
	close(v.begun)
	<-ctx.Done()
	return ctx.Err()
}

// TestStuckWhileSetting: the same while nobody reads from the client, as a call at the vendor is under way.
func TestStuckWhileSetting(t *testing.T) {
	v := stalled{make(chan struct{})}
	h := newWorld(t).hub(func(c *Config) { c.Auth, c.Vendor = hmacAuth, v })
	stuck, err := h.dialConn(withToken(token(t, fields{"set": true})))
	require.NoError(t, err)
	defer func() { _ = stuck.CloseNow() }()
	require.NoError(t, stuck.Write(t.Context(), websocket.MessageText, []byte(`{"type":"set","resource":"web","status":"1"}`)))
	<-v.begun
	begun := time.Now()
	h.stopServe()
	require.Less(t, time.Since(begun), 3500*time.Millisecond)
	require.Zero(t, h.sessions.len())
}

// TestDrainEndsWaitingRequests: who waits for a first state gets the answer that there is.
func TestDrainEndsWaitingRequests(t *testing.T) {
	w := newWorld(t)
	h := w.hub()
	answered := make(chan answer, 1)
	go func() { answered <- h.ask("GET", "/v1/presence?uids=a&wait=30s", "") }()
	h.until(func() bool { return h.wanted["a"] })
	begun := time.Now()
	h.stopServe()
	require.Less(t, time.Since(begun), goodbyeWithin)
	got := <-answered
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, string(got.body), `"pending":["a"]`)
}

// TestListenerFails: clients are let go as at any other end.
func TestListenerFails(t *testing.T) {
	h := quietHub(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- h.Serve(context.Background(), l) }()
	c := (&testHub{Hub: h, t: t, url: "http://" + l.Addr().String()}).dial()
	c.expect("welcome")
	require.NoError(t, l.Close())
	c.expectClose(closeRestarting)
	require.ErrorContains(t, <-served, "serving: ")
	require.Zero(t, h.sessions.len())
}

// TestReady: not before the log is read, not without NATS, not while stopping.
func TestReady(t *testing.T) {
	h, err := New(Config{Bus: &bridge.Bus{}, Auth: Auth{None: true}, ID: "h"})
	require.NoError(t, err)
	require.EqualError(t, h.Ready(), "the log has not been read yet")

	w := newWorld(t)
	running := w.hub()
	require.Equal(t, http.StatusOK, running.ask("GET", "/readyz", "").status)
	require.Equal(t, http.StatusOK, running.ask("GET", "/healthz", "").status)
	w.server.Stop()
	require.Eventually(t, func() bool { return running.ask("GET", "/readyz", "").status == http.StatusServiceUnavailable }, soon, often)
	require.EqualError(t, running.Ready(), "NATS is away")
	require.Equal(t, http.StatusOK, running.ask("GET", "/healthz", "").status)
}

// TestNotReadyNothingShown: a hub that has not read the log says so instead of calling everybody pending.
func TestNotReadyNothingShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := New(Config{Bus: &bridge.Bus{}, Auth: Auth{None: true}, ID: "h"})
		require.NoError(t, err)
		s := greeted(t, h, grant{open: true})
		require.Equal(t, "not_ready", refusalOf(h.subscribe(t.Context(), s, "", []bridge.UID{"a"}, "")).Code)
		require.Empty(t, s.watches)
	})
}
