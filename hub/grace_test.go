package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

var (
	graceStart = time.Unix(1_800_000_000, 0)
	gone       = bridge.StateOf(map[string]string{"web": "0"}, "gone", 7)
)

// after is a message of the log, after another one of the same user.
func after(before bridge.Entry, seq uint64, s bridge.State, changed string) bridge.Entry {
	e := entry(seq, before.UID, s, changed)
	e.Prev, e.NotBefore = &before.State, max(1, e.ObservedAt-1)
	return e
}

// TestGrace is what becomes of one user: each step is a message, or nothing, so long after the start, and what is shown
// from then on.
func TestGrace(t *testing.T) {
	type step struct {
		at      time.Duration
		state   bridge.State // none: only time goes by
		changed string
		shown   string // its ext
	}
	here, back, nowhere := online("here"), online("back"), bridge.StateOf(nil, "nowhere", 8)
	none, first := bridge.State{}, bridge.ChangedFirst
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"who goes is shown gone when the grace is over, not before", []step{
			{0, here, first, "here"}, {1, gone, "status", "here"}, {10, none, "", "here"}, {11, none, "", "gone"}}},
		{"who returns in time never was away", []step{
			{0, here, first, "here"}, {1, gone, "status", "here"}, {10, back, "status", "back"}, {30, none, "", "back"}}},
		{"who goes once more has a grace once more", []step{
			{0, here, first, "here"}, {1, gone, "status", "here"}, {9, back, "status", "back"}, {10, nowhere, "status", "back"},
			{19, none, "", "back"}, {20, none, "", "nowhere"}}},
		{"what changes while they are away shows later, and no later for it", []step{
			{0, here, first, "here"}, {1, gone, "status", "here"}, {9, nowhere, "ext", "here"}, {11, none, "", "nowhere"}}},
		{"who is shown gone stays so, whatever else changes", []step{
			{0, here, first, "here"}, {1, gone, "status", "here"}, {11, none, "", "gone"}, {12, nowhere, "ext", "nowhere"}}},
		{"whom nobody saw online is gone at once", []step{{0, gone, first, "gone"}, {1, nowhere, "ext", "nowhere"}}},
		{"whom nobody looked at meanwhile is gone at once", []step{
			{0, here, first, "here"}, {1, here, bridge.ChangedUnwatched, "here"}, {2, gone, first, "gone"}}},
		{"whom nobody looks at any more is not held to anything", []step{
			{0, here, first, "here"}, {1, gone, "status", "here"}, {2, gone, bridge.ChangedUnwatched, "gone"}, {3, nowhere, first, "nowhere"}}},
		{"online in other words shows at once", []step{{0, here, first, "here"}, {1, back, "ext", "back"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, last := newGrace(10), entry(1, "u", none, first)
			for i, s := range test.steps {
				now := graceStart.Add(s.at)
				require.LessOrEqual(t, len(g.due(now)), 1)
				if s.changed != "" {
					e := after(last, uint64(i+2), s.state, s.changed)
					if i == 0 {
						e.Prev, last = nil, bridge.Entry{}
					}
					g.take(last, e, now, now)
					last = e
				}
				shown := last.Ext
				if h := g.holds["u"]; h != nil {
					shown = h.shown.Ext
				}
				require.Equal(t, s.shown, shown, "step %d", i)
			}
			require.Zero(t, g.size())
			require.Zero(t, g.next())
		})
	}
}

// A hub that begins to read while somebody is held back shows them as hubs do that were there, for as long.
func TestGraceOfAHubThatBegins(t *testing.T) {
	before := entry(5, "u", online("here"), bridge.ChangedFirst)
	e := after(before, 9, gone, bridge.ChangedStatus)
	there, begun := newGrace(10), newGrace(10)
	a := there.take(before, e, graceStart, graceStart)
	b := begun.take(bridge.Entry{}, e, graceStart, graceStart.Add(4))
	require.Equal(t, before.Presence(), a.shown)
	require.Equal(t, uint64(5), a.seq, "whoever has been told of it is told no more")
	require.Equal(t, before.State, b.shown.State)
	require.Equal(t, e.NotBefore, b.shown.ObservedAt)
	require.Equal(t, uint64(9), b.seq)
	require.Equal(t, a.until, b.until)
	require.Nil(t, newGrace(10).take(bridge.Entry{}, e, graceStart, graceStart.Add(10)), "it is over")

	odd := before
	odd.Change = after(before, 5, online("elsewhere"), bridge.ChangedExt).Change
	require.Equal(t, "here", newGrace(10).take(odd, e, graceStart, graceStart).shown.Ext, "the newest message knows best")
}

// TestManyInGrace: whoever is due comes in time, whoever has returned does not, and nothing is kept of either.
func TestManyInGrace(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	g, now := newGrace(time.Second), graceStart
	until := map[bridge.UID]time.Time{} // the plain truth
	for range 5_000 {
		uid := bridge.UID(fmt.Sprint(r.IntN(200)))
		now = now.Add(time.Duration(r.IntN(10)) * time.Millisecond)
		for _, uid := range g.due(now) {
			require.False(t, until[uid].After(now))
			delete(until, uid)
		}
		at := now.Add(-time.Duration(r.IntN(900)) * time.Millisecond)
		switch _, held := until[uid]; {
		case held && r.IntN(2) == 0:
			g.take(bridge.Entry{}, entry(1, uid, online("back"), bridge.ChangedStatus), now, now)
			delete(until, uid)
		case !held:
			require.NotNil(t, g.take(bridge.Entry{}, after(entry(1, uid, online("here"), ""), 2, gone, bridge.ChangedStatus), at, now))
			until[uid] = at.Add(time.Second)
		}
		require.Len(t, g.queue, len(until))
		require.Len(t, g.holds, len(until))
		var first time.Time
		for _, u := range until {
			if first.IsZero() || u.Before(first) {
				first = u
			}
		}
		require.Equal(t, first, g.next())
	}
}

// TestNoGrace: without it there is nothing that could cost.
func TestNoGrace(t *testing.T) {
	require.Nil(t, newGrace(0))
	h := quietHub(t)
	require.Nil(t, h.grace)
	require.NoError(t, h.runGrace(t.Context()), "it does not wait for anything")
	h.hear(live())
	s := greeted(t, h, grant{open: true})
	here := entry(1, "u", online("here"), bridge.ChangedFirst)
	h.Apply(here)
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"u"}, ""))
	h.Apply(after(here, 2, gone, bridge.ChangedStatus))
	frames := pulled(t, h, s)
	require.Equal(t, "gone", frames[len(frames)-1].exts()["u"])
}

func TestOfflineGraceHasBounds(t *testing.T) {
	require.NoError(t, CheckOfflineGrace(0))
	require.NoError(t, CheckOfflineGrace(MaxOfflineGrace))
	for _, d := range []time.Duration{-1, MaxOfflineGrace + 1} {
		_, err := New(Config{Bus: &bridge.Bus{}, Auth: Auth{None: true}, ID: "x", OfflineGrace: d})
		require.ErrorContains(t, err, "OFFLINE_GRACE")
	}
}

// graceful is a hub with a grace that nobody waits for, in which u was seen online, and what went offline.
func graceful(t *testing.T) (h *Hub, here, left bridge.Entry) {
	h = quietHub(t, func(c *Config) { c.OfflineGrace = time.Minute })
	h.hear(live())
	here = entry(1, "u", online("here"), bridge.ChangedFirst)
	h.Apply(here)
	return h, here, after(here, 2, gone, bridge.ChangedStatus)
}

// subscribed is a session that has just asked for u, and what it was told.
func subscribed(t *testing.T, h *Hub, since string, more ...bridge.UID) (*session, frame) {
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", append(more, "u"), since))
	frames := pulled(t, h, s)
	return s, frames[len(frames)-1]
}

// pass lets the grace of everybody be over.
func (h *Hub) pass() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.showDue(time.Now().Add(2 * MaxOfflineGrace))
}

// A cursor of the grace covers all but the user who is held back: of whom one is told what has been told before no more,
// and that they are gone in any case.
func TestCursorsOfAGrace(t *testing.T) {
	h, _, left := graceful(t)
	h.Apply(left)
	h.Apply(entry(3, "v", online("here"), bridge.ChangedFirst))
	_, f := subscribed(t, h, "")
	require.Equal(t, map[bridge.UID]string{"u": "here"}, f.exts())
	_, again := subscribed(t, h, f.Cursor)
	require.Empty(t, again.Presences, "nothing is new")
	require.True(t, again.Complete)
	h.pass()
	for _, cursor := range []string{f.Cursor, again.Cursor} {
		_, late := subscribed(t, h, cursor)
		require.Equal(t, map[bridge.UID]string{"u": "gone"}, late.exts())
	}
}

// A client who was told offline by a hub that took the user for offline sooner is not taken back, and this hub learns
// from it: it holds the user back for nobody any longer.
func TestToldElsewhere(t *testing.T) {
	h, here, left := graceful(t)
	sooner := quietHub(t)
	sooner.hear(live())
	for _, e := range []bridge.Entry{here, left} {
		sooner.Apply(e)
		h.Apply(e)
	}
	other, f := subscribed(t, h, "")
	require.Equal(t, "here", f.exts()["u"])
	_, f = subscribed(t, sooner, "")
	require.Equal(t, "gone", f.exts()["u"])
	s, f := subscribed(t, h, f.Cursor)
	require.Empty(t, f.Presences)
	require.Empty(t, pulled(t, h, s), "nor as a change")
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"u"}, ""))
	for _, f := range pulled(t, h, s) {
		require.Equal(t, "gone", f.exts()["u"])
	}
	require.Equal(t, "gone", pulled(t, h, other)[0].exts()["u"])
	require.Zero(t, h.grace.size())
}

// TestAnotherLogEndsTheGraces: what another log said of somebody is no state to be held to.
func TestAnotherLogEndsTheGraces(t *testing.T) {
	h, _, left := graceful(t)
	h.Apply(left)
	h.Reset(2)
	require.Zero(t, h.grace.size())
	h.Apply(after(left, 1, gone, bridge.ChangedExt))
	h.CaughtUp()
	_, f := subscribed(t, h, "")
	require.Equal(t, map[bridge.UID]string{"u": "gone"}, f.exts())
}

// Whoever waits for a first state gets the one that is shown.
func TestPendingInAGrace(t *testing.T) {
	h, _, left := graceful(t)
	h.hear(bridge.Feed{State: bridge.FeedDown})
	s, f := subscribed(t, h, "")
	require.Equal(t, []bridge.UID{"u"}, f.Pending)
	h.Apply(left)
	require.Equal(t, "here", pulled(t, h, s)[0].exts()["u"])
	h.Apply(after(left, 3, bridge.StateOf(nil, "nowhere", 9), bridge.ChangedExt))
	require.Empty(t, h.pull(s), "this is no news")
	h.pass() // whether or not the feed is live by then: it is what the log knows
	require.Equal(t, "nowhere", pulled(t, h, s)[0].exts()["u"])
}

// A log that is read again changes nothing in what is shown, be NATS's clock ahead of ours by an hour.
func TestLogReadAgainInAGrace(t *testing.T) {
	h, here, left := graceful(t)
	left.Stored = time.Now().Add(time.Hour).UnixNano()
	h.Apply(left)
	until := h.grace.next()
	s, _ := subscribed(t, h, "")
	reread := func(entries ...bridge.Entry) []frame {
		h.Reset(1)
		h.Reset(1) // the consumer broke once more
		for _, e := range entries {
			h.Apply(e)
		}
		h.CaughtUp()
		return pulled(t, h, s)
	}
	require.Equal(t, "here", reread(left)[0].exts()["u"])
	require.Equal(t, until, h.grace.next())
	h.pass()
	require.Equal(t, "gone", pulled(t, h, s)[0].exts()["u"])
	require.Equal(t, "gone", reread(left)[0].exts()["u"])
	require.Zero(t, h.grace.size())

	back := after(left, 3, online("back"), bridge.ChangedStatus)
	h.Apply(back)
	h.Apply(after(back, 4, gone, bridge.ChangedStatus))
	require.Equal(t, "back", pulled(t, h, s)[0].exts()["u"])
	require.Equal(t, "here", reread(here)[0].exts()["u"], "the log has lost its tail")
	h.Apply(after(here, 2, gone, bridge.ChangedStatus))
	require.Equal(t, 1, h.grace.size(), "what comes now is new, whatever its place")

	require.Empty(t, reread(), "the log has lost everything")
	h.peek(func() { delete(h.users, "u") })
	h.pass()
	require.Zero(t, h.grace.size())
}

// A hub that begins holds back for no longer than the grace, though NATS's clock be ahead; and where it is, what comes
// later is held back for the whole of it.
func TestClocksInAGrace(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		h, here, left := graceful(t)
		left.Stored = time.Now().Add(skew).UnixNano()
		h.Apply(left)
		require.WithinDuration(t, time.Now().Add(time.Minute), h.grace.next(), 45*time.Second, "it came now")
		h.Reset(2)
		require.Zero(t, h.grace.size(), "it is another log")
		h.Apply(left)
		require.Equal(t, skew > 0, slices.Contains(h.grace.queue, h.users["u"].held))
		if skew > 0 {
			require.WithinDuration(t, time.Now().Add(time.Minute), h.grace.next(), 45*time.Second)
			require.True(t, h.users["u"].held.shown.State.Equal(here.State))
		}
	}
}
