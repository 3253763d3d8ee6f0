package hub

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// aged is a histogram of the hub's: how many ages, and their sum in seconds.
func aged(t testing.TB, r *prometheus.Registry, name string) (n int, sum float64) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "presence_bridge_hub_"+name {
			h := f.GetMetric()[0].GetHistogram()
			return int(h.GetSampleCount()), h.GetSampleSum()
		}
	}
	require.Fail(t, "there is no "+name)
	return 0, 0
}

// TestStaleness: a login's age is counted for each client when it is told, and neither that of what was so already when
// a client, the hub or the poller began to look, nor that of a change that is no login.
func TestStaleness(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	metrics := prometheus.NewRegistry()
	h := w.hub(func(c *Config) { c.Registerer = metrics })
	h.hears(bridge.FeedLive)
	one, other := h.dial(), h.dial()
	one.expect("welcome")
	other.expect("welcome")
	one.subscribe("u")
	other.subscribe("u")
	at := func(ext string, ago time.Duration) bridge.State {
		return bridge.StateOf(map[string]string{"web": "1"}, ext, time.Now().Add(-ago).UnixMilli())
	}

	w.look.see("u", at("since yesterday", 24*time.Hour))
	one.expect("changes")
	other.expect("changes")
	n, _ := aged(t, metrics, "staleness_seconds")
	require.Zero(t, n, "who is seen for the first time has not changed")

	w.look.see("u", at("logged in again", 40*time.Second))
	one.expect("changes")
	other.expect("changes")
	n, sum := aged(t, metrics, "staleness_seconds")
	require.Equal(t, 2, n, "one for each who is told")
	require.InDelta(t, 80, sum, 15)

	state := at("", 0)
	last, _, _ := w.look.journal.Last("u")
	state.LastTime, state.Ext = last.LastTime, "only a text"
	w.look.see("u", state)
	one.expect("changes")
	other.expect("changes")
	late := h.dial()
	late.expect("welcome")
	late.subscribe("u")
	n, _ = aged(t, metrics, "staleness_seconds")
	require.Equal(t, 2, n, "nobody logged in or out")
	n, sum = aged(t, metrics, "delivery_seconds")
	require.Equal(t, 6, n, "each change, for each who is told")
	require.Less(t, sum, soon.Seconds())
}

// TestStalenessOfWhatIsVouchedFor: who is told of a state only now that the feed is live was not told of a change.
func TestStalenessOfWhatIsVouchedFor(t *testing.T) {
	w := newWorld(t)
	w.look.see("u", online("before"))
	w.look.see("u", bridge.StateOf(map[string]string{"web": "1"}, "", time.Now().UnixMilli()))
	metrics := prometheus.NewRegistry()
	h := w.hub(func(c *Config) { c.Registerer = metrics })
	c := h.dial()
	c.expect("welcome")
	c.subscribe("u")
	w.look.say(bridge.FeedLive)
	c.expect("changes")
	n, _ := aged(t, metrics, "delivery_seconds")
	require.Zero(t, n)
}

// TestAges: each age is in the bucket that it belongs to, and what comes from a clock ahead of ours is of now.
func TestAges(t *testing.T) {
	h := &Hub{}
	a := newAges(&h.mu, "test_seconds", "For the test.")
	for _, age := range []int64{-5, 50, 51, 300_000, 300_001} {
		a.note(1_000_000, 1_000_000+age)
	}
	a.note(0, 1_000_000)
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(a)
	families, err := metrics.Gather()
	require.NoError(t, err)
	got := families[0].GetMetric()[0].GetHistogram()
	require.EqualValues(t, 5, got.GetSampleCount())
	require.InDelta(t, 600.102, got.GetSampleSum(), 1e-9)
	buckets := map[float64]uint64{}
	for _, b := range got.GetBucket() {
		buckets[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	require.EqualValues(t, 2, buckets[.05])
	require.EqualValues(t, 3, buckets[.1])
	require.EqualValues(t, 3, buckets[120])
	require.EqualValues(t, 4, buckets[300])
}
