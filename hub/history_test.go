package hub

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestHistoryIsNotNews: the log holds a state, and nobody vouches for it.
func TestHistoryIsNotNews(t *testing.T) {
	for name, c := range map[string]struct {
		feed bridge.FeedState
		news bool
	}{
		"no feed": {"", false}, "down": {bridge.FeedDown, false}, "degraded": {bridge.FeedDegraded, false}, "live": {bridge.FeedLive, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.look.see("a", online("old"))
			w.look.see("b", online("old"))
			w.look.say(c.feed)
			h := w.hub()
			if c.feed != "" {
				h.hears(c.feed)
			}
			h.follows(w.look)
			cl := h.dial()
			cl.expect("welcome")
			got := cl.subscribe("a", "b")
			if c.news {
				require.Len(t, got.Presences, 2)
				return
			}
			require.Equal(t, []bridge.UID{"a", "b"}, got.Pending)
			require.Empty(t, got.Presences)

			// A look that is told is news of that user, whatever becomes of the feed.
			w.look.see("a", online("new"))
			require.Equal(t, map[bridge.UID]string{"a": "new"}, cl.expect("changes").exts())
			cl.expectNothing()
			// Of the other the feed says it, once it is live.
			w.look.say(bridge.FeedLive)
			require.Equal(t, map[bridge.UID]string{"b": "old"}, cl.expect("changes").exts())
		})
	}
}

// TestUnwatchedIsHistory: whom the log calls unwatched is pending until somebody looks again, feed or no feed.
func TestUnwatchedIsHistory(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("a", online("1"))
	w.look.unwatched("a")
	h := w.hub()
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	c := h.dial()
	c.expect("welcome")
	require.Equal(t, []bridge.UID{"a"}, c.subscribe("a").Pending)
	w.look.see("a", online("1"))
	require.Equal(t, map[bridge.UID]string{"a": "1"}, c.expect("changes").exts())

	// It is not passed on to those who watch; who comes meanwhile is told that the state is not known.
	w.look.unwatched("a")
	h.follows(w.look)
	c.expectNothing()
	later := h.dial()
	later.expect("welcome")
	require.Equal(t, []bridge.UID{"a"}, later.subscribe("a").Pending)
	w.look.see("a", online("2"))
	for _, c := range []*client{c, later} {
		require.Equal(t, map[bridge.UID]string{"a": "2"}, c.expect("changes").exts())
	}
}

// TestWhatWaitsMayBecomeHistory: who was not told of a change before nobody looked any more, or before the log was read
// again, is not told of it as news, and the cursor does not cover it.
func TestWhatWaitsMayBecomeHistory(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", uidsOf([]string{"a", "b"}), ""))
	h.pull(s)
	h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
	h.Apply(entry(2, "a", online("1"), bridge.ChangedUnwatched))
	require.Empty(t, pulled(t, h, s))
	h.Apply(entry(3, "b", online("1"), bridge.ChangedFirst))
	got := pulled(t, h, s)
	require.Len(t, got, 1)
	require.Equal(t, map[bridge.UID]string{"b": "1"}, got[0].exts())
	since, err := parseCursor(got[0].Cursor)
	require.NoError(t, err)
	require.Equal(t, uint64(1), since.from)
}

// TestOlderMessagesChangeNothing: a consumer of the log that begins anew may bring again what is known.
func TestOlderMessagesChangeNothing(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", uidsOf([]string{"a", "b"}), ""))
	h.Apply(entry(2, "a", online("2"), bridge.ChangedExt))
	h.pull(s)
	for _, again := range []uint64{1, 2} {
		h.Apply(entry(again, "a", online(fmt.Sprint(again)), bridge.ChangedExt))
	}
	require.Empty(t, pulled(t, h, s))
	h.Apply(entry(1, "b", online("late"), bridge.ChangedFirst))
	require.Equal(t, uint64(2), h.position.Seq)
	require.NoError(t, h.subscribe(t.Context(), s, "", uidsOf([]string{"a"}), ""))
	got := pulled(t, h, s)
	require.Equal(t, "2", got[len(got)-1].exts()["a"])
}

// TestUnwatchedIsContradicted: the hub notes its watch once more for somebody it watches, so that a registry
// which has lost it learns of it.
func TestUnwatchedIsContradicted(t *testing.T) {
	w := newWorld(t)
	w.look.see("a", online("1"))
	h := w.hub()
	c := h.dial()
	c.expect("welcome")
	c.subscribe("a")
	require.Eventually(t, func() bool { return w.look.registry.Watched("a") }, soon, often)

	nc, err := w.server.Connect(nil)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	kv, err := js.KeyValue(t.Context(), bridge.WatchBucket)
	require.NoError(t, err)
	require.NoError(t, kv.Delete(context.Background(), h.id+".a"))
	require.Eventually(t, func() bool { return !w.look.registry.Watched("a") }, soon, often)
	w.look.unwatched("a")
	require.Eventually(t, func() bool { return w.look.registry.Watched("a") }, soon, often)
}

// TestStreamMadeAnew: clients are told what the new log says, and cursors of the old one are of no use.
func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.eager.Store(true)
	h := w.hub()
	h.hears(bridge.FeedLive)
	c := h.dial()
	c.expect("welcome")
	c.subscribe("a", "b")
	w.look.see("a", online("1"))
	w.look.see("b", online("1"))
	cursor := ""
	for told := 0; told < 2; {
		f := c.expect("changes")
		for _, ext := range f.exts() {
			if ext == "1" {
				told++
			}
		}
		cursor = f.Cursor
	}

	nc, err := w.server.Connect(nil)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), bridge.StreamName))
	old := h.stream()
	require.Eventually(t, func() bool { return h.stream() != old }, 2*soon, often)
	require.Eventually(t, func() bool { return w.look.tries("a", online("2")) }, 2*soon, 10*time.Millisecond)
	w.look.see("b", online("2"))
	told := map[bridge.UID]string{}
	for told["a"] != "2" || told["b"] != "2" {
		f := c.expect("changes")
		for uid, ext := range f.exts() {
			told[uid] = ext
		}
	}
	again := h.dial()
	again.expect("welcome")
	got := again.resume(cursor, "a", "b")
	require.False(t, got.Complete)
	require.Equal(t, map[bridge.UID]string{"a": "2", "b": "2"}, got.exts())
}

func (h *testHub) stream() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.position.Stream
}

// tries looks once, and says whether the log took it.
func (l *looker) tries(uid bridge.UID, s bridge.State) bool {
	l.mu.Lock()
	l.truth[uid] = s
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	out, err := l.journal.Observe(ctx, []bridge.Observation{{UID: uid, State: s, At: time.Now(), Source: bridge.SourcePoll}})
	return err == nil && len(out.Again) == 0
}
