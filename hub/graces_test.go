package hub

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestOfflineGrace: who goes offline is shown as they were to every browser, however it asks and whichever hub, while
// NATS has the truth.
func TestOfflineGrace(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	registry := prometheus.NewRegistry()
	long := func(c *Config) { c.OfflineGrace = MaxOfflineGrace }
	h := w.hub(long, func(c *Config) { c.Registerer = registry })
	short := w.hub(func(c *Config) { c.OfflineGrace = 100 * time.Millisecond })
	h.hears(bridge.FeedLive)
	short.hears(bridge.FeedLive)
	backend := w.backend()

	c, quick := h.dial(), short.dial()
	c.expect("welcome")
	quick.expect("welcome")
	c.subscribe("u")
	quick.subscribe("u")
	w.look.see("u", online("here"))
	shown := c.expect("changes").Presences
	require.Equal(t, "here", quick.expect("changes").exts()["u"])
	w.look.see("u", gone)
	require.Equal(t, "gone", quick.expect("changes").exts()["u"], "a grace ends")

	// Nobody sees it where the grace is long, and the log has it.
	h.follows(w.look)
	c.expectNothing()
	last, _, ok := w.look.journal.Last("u")
	require.True(t, ok)
	require.Equal(t, gone, last.State)
	var got frame
	backend.gets("get", `{"uids":["u"]}`, &got)
	require.Equal(t, last.Presence(), got.Presences[0])

	// Snapshots say the same as the stream, and so does a hub that began just now.
	require.Equal(t, shown, c.subscribe("u").Presences)
	require.NoError(t, json.Unmarshal(h.ask("GET", "/v1/presence?uids=u", "").body, &got))
	require.Equal(t, shown, got.Presences)
	require.Equal(t, "here", h.looksBack("u").Changes[0].Ext, "neither does the history")
	require.Equal(t, "gone", short.looksBack("u").Changes[0].Ext)
	stream := h.events("uids=u", nil)
	stream.expect("welcome")
	_, first := stream.expect("subscribed")
	require.Equal(t, shown, first.Presences)
	begun := w.hub(long)
	begun.hears(bridge.FeedLive)
	require.NoError(t, json.Unmarshal(begun.ask("GET", "/v1/presence?uids=u", "").body, &got))
	require.Equal(t, shown[0].State, got.Presences[0].State)
	require.Eventually(t, func() bool { return counted(t, registry, "presence_bridge_hub_held_users") == 1 }, soon, often)

	// Who returns is shown at once, and never was away.
	w.look.see("u", online("back"))
	require.Equal(t, "back", c.expect("changes").exts()["u"])
	_, change := stream.expect("changes")
	require.Equal(t, "back", change.exts()["u"])
	require.Equal(t, 1.0, counted(t, registry, "presence_bridge_hub_returns_hidden_total"))
}

// counted is a figure without labels.
func counted(t testing.TB, r *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.Fail(t, "there is no "+name)
	return 0
}

// TestChangesDoNotClaimWhatIsHeldBack: who has come and gone before a client was told is told as they were, and the
// cursor of that message leaves room for the rest.
func TestChangesDoNotClaimWhatIsHeldBack(t *testing.T) {
	h := quietHub(t, func(c *Config) { c.OfflineGrace = time.Minute })
	h.hear(live())
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a"}, ""))
	h.pull(s)
	was := online("here")
	gone := entry(2, "a", bridge.StateOf(map[string]string{"web": "0"}, "here", 0), bridge.ChangedStatus)
	gone.Prev = &was
	h.Apply(entry(1, "a", was, bridge.ChangedFirst))
	h.Apply(gone)
	frames := pulled(t, h, s)
	require.Len(t, frames, 1)
	require.True(t, frames[0].Presences[0].Online, "as they were")
	cursor, err := parseCursor(frames[0].Cursor)
	require.NoError(t, err)
	require.Less(t, cursor.from, gone.Seq)
}
