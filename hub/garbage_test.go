package hub

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// passed is what the hub's metrics say was passed over of a kind.
func passed(t testing.TB, r *prometheus.Registry, kind bridge.Passed) int {
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "presence_bridge_passed_over_total" && m.GetLabel()[0].GetValue() == string(kind) {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return -1
}

// TestGarbageReachesNobody writes garbage into the log and the feed, some of it about somebody who is watched: each
// piece is counted, clients hear nothing of it, and go on hearing the truth.
func TestGarbageReachesNobody(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("alice", online("before"))
	metrics := prometheus.NewRegistry()
	h := w.hub(func(c *Config) { c.Registerer = metrics })
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	c := h.dial()
	c.expect("welcome")
	require.Len(t, c.subscribe("alice", "bob").Presences, 1)

	nc, err := w.server.Connect(nil)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for i, data := range [][]byte{
		[]byte(`{"hello":"world"}`), []byte(`null`), []byte(`{"uid":"alice","online":tr`), []byte("{\x00}"), []byte("\xff\xfe"),
		[]byte(`{"uid":"alice","observed_at":1e999,"state":1,"as_of":1e999}`), []byte(`{"uid":"bob","observed_at":1}`),
		[]byte(`{"uid":"alice","observed_at":9999999999999,"state":"live","as_of":9999999999999}`),
		[]byte(`{"uid":"alice","observed_at":1,"state":"best","ext":"` + strings.Repeat("x", 900_000) + `"}`),
		bytes.Repeat([]byte("["), 900_000), make([]byte, 900_000),
	} {
		_, err := js.Publish(context.Background(), testApp.Subject("alice"), data)
		require.NoError(t, err)
		require.NoError(t, nc.Publish(testApp.FeedSubject(), data))
		require.Eventually(t, func() bool {
			return passed(t, metrics, bridge.PassedLog) == i+1 && passed(t, metrics, bridge.PassedFeed) == i+1
		}, soon, often, "%d: %.40q", i, data)
	}
	c.expectNothing()
	require.Equal(t, map[bridge.UID]string{"alice": "before"}, h.dialed().subscribe("alice").exts(), "the last that could be read")

	w.look.see("bob", online("hello"))
	require.Equal(t, map[bridge.UID]string{"bob": "hello"}, c.expect("changes").exts())
	w.look.see("alice", online("after"))
	require.Equal(t, map[bridge.UID]string{"alice": "after"}, c.expect("changes").exts())
	h.peek(func() { require.Equal(t, bridge.FeedLive, h.feed.State) })
}

// dialed is a client that was welcomed.
func (h *testHub) dialed() *client {
	c := h.dial()
	c.expect("welcome")
	return c
}
