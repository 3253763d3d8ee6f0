package hub

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func TestSubscribe(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("known", online("here"))
	h := w.hub(func(c *Config) { c.Auth = hmacAuth })
	h.hears(bridge.FeedLive)
	h.follows(w.look)

	c := h.dial(withToken(token(t, fields{"sub": "me", "watch": []string{"known", "p*"}})))
	require.Equal(t, bridge.FeedLive, c.expect("welcome").Feed.State)
	got := c.subscribe("Known", "known", "pending", "secret")
	require.Equal(t, "s", got.ID)
	require.Equal(t, map[bridge.UID]string{"known": "here"}, got.exts())
	require.Equal(t, []bridge.UID{"pending"}, got.Pending)
	require.Equal(t, []bridge.UID{"secret"}, got.Denied)
	require.True(t, got.Complete)
	require.NotEmpty(t, got.Cursor)
	require.True(t, got.Presences[0].Online)
	require.Positive(t, got.Presences[0].ObservedAt)

	// Whoever was pending follows as a change, with a later cursor.
	w.look.see("pending", online("at last"))
	change := c.expect("changes")
	require.Equal(t, map[bridge.UID]string{"pending": "at last"}, change.exts())
	require.NotEqual(t, got.Cursor, change.Cursor)

	// What nobody may see is not sent, and not watched.
	w.look.see("secret", online(""))
	h.follows(w.look)
	c.expectNothing()
	require.False(t, h.watches("secret"))

	// Whoever is no longer watched is not told of.
	c.say(fields{"type": "unsubscribe", "id": "2", "uids": []string{"known"}})
	require.Equal(t, "2", c.expect("ok").ID)
	w.look.see("known", online("elsewhere"))
	h.follows(w.look)
	c.expectNothing()
}

func (h *testHub) watches(uid bridge.UID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wanted[uid]
}

// A cursor is valid on every hub, and resuming costs what has changed.
func TestResume(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.eager.Store(true)
	first, second := w.hub(), w.hub()
	first.hears(bridge.FeedLive)
	second.hears(bridge.FeedLive)
	for _, uid := range []bridge.UID{"a", "b", "c"} {
		w.look.see(uid, online("1"))
	}
	first.follows(w.look)

	c := first.dial()
	c.expect("welcome")
	c.subscribe("a", "b", "c")
	w.look.see("a", online("2"))
	cursor := c.expect("changes").Cursor
	c.hangUp()
	w.look.see("b", online("2"))

	for _, h := range []*testHub{first, second} {
		h.follows(w.look)
		c := h.dial()
		c.expect("welcome")
		got := c.resume(cursor, "a", "b", "c")
		require.Equal(t, map[bridge.UID]string{"b": "2"}, got.exts())
		require.True(t, got.Complete)
		require.Empty(t, got.Pending)
		require.Empty(t, c.resume(got.Cursor, "a", "b", "c").Presences)
	}
}

// TestResumeWithPending resumes from a cursor that was given while some users were pending: whether the log
// held nothing of them or something that nobody vouched for, nothing is lost.
func TestResumeWithPending(t *testing.T) {
	w := newWorld(t)
	w.look.see("old", online("in the log"))
	w.look.see("other", online("later in the log"))
	first, second := w.hub(), w.hub()
	c := first.dial()
	c.expect("welcome")
	got := c.subscribe("old", "never")
	require.ElementsMatch(t, []bridge.UID{"old", "never"}, got.Pending)

	// Another user's change moves the cursor, but not past what c has not been told.
	c.subscribe("other")
	w.look.see("other", online("news"))
	cursor := c.expect("changes").Cursor
	c.hangUp()

	w.look.see("never", online("at last"))
	w.look.say(bridge.FeedLive)
	for _, h := range []*testHub{first, second} {
		h.hears(bridge.FeedLive)
		h.follows(w.look)
		c := h.dial()
		c.expect("welcome")
		got := c.resume(cursor, "old", "never", "other")
		require.True(t, got.Complete)
		require.Empty(t, got.Pending)
		require.Equal(t, "in the log", got.exts()["old"])
		require.Equal(t, "at last", got.exts()["never"])
	}
}

func TestUselessCursors(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("a", online("1"))
	h := w.hub()
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	at := h.position
	for name, since := range map[string]string{
		"rubbish":         "rubbish",
		"damaged":         at.String()[:8] + "AAAA" + at.String()[12:],
		"other stream":    bridge.Cursor{Stream: at.Stream + 1, Seq: at.Seq}.String(),
		"from the future": bridge.Cursor{Stream: at.Stream, Seq: at.Seq + 1000}.String(),
		"of a lost tail":  bridge.Cursor{Stream: at.Stream, Seq: at.Seq, Stored: at.Stored - 1}.String(),
	} {
		t.Run(name, func(t *testing.T) {
			c := h.dial()
			c.expect("welcome")
			got := c.resume(since, "a")
			require.False(t, got.Complete)
			require.Equal(t, map[bridge.UID]string{"a": "1"}, got.exts())
			require.True(t, c.resume(got.Cursor, "a").Complete)
		})
	}
}

// TestCursorsOfALostTail are looked up in the log, where the hub remembers nothing.
func TestCursorsOfALostTail(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("a", online("1"))
	h := w.hub()
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	at := h.position
	require.NotZero(t, at.Stored)
	forgetful := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.places = places{}
	}
	for _, remembers := range []bool{true, false} {
		if !remembers {
			forgetful()
		}
		require.True(t, h.holds(t.Context(), at))
		lost := at
		lost.Stored++
		require.False(t, h.holds(t.Context(), lost))
		require.True(t, h.holds(t.Context(), bridge.Cursor{Stream: at.Stream}), "the beginning")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, h.holds(gone, at), "when nobody can tell")
}

// A hub that is a moment behind the one which gave the cursor catches up before it answers.
func TestCursorAheadOfALaggingHub(t *testing.T) { synctest.Test(t, lagging) }

func lagging(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
	h.Apply(entry(2, "b", online("1"), bridge.ChangedFirst))
	s := greeted(t, h, grant{open: true})
	answered := make(chan error, 1)
	go func() {
		answered <- h.subscribe(t.Context(), s, "", []bridge.UID{"a", "b"}, bridge.Cursor{Stream: 1, Seq: 4}.String())
	}()
	synctest.Wait()
	h.Apply(entry(3, "a", online("2"), bridge.ChangedExt))
	h.Apply(entry(4, "b", online("2"), bridge.ChangedExt))
	h.Apply(entry(5, "a", online("3"), bridge.ChangedExt))
	require.NoError(t, <-answered)
	got := pulled(t, h, s)[0]
	require.True(t, got.Complete)
	for _, p := range got.Presences {
		require.Equal(t, bridge.UID("a"), p.UID, "b has not changed since")
	}
}

// TestRenewalTellsPendingChangesFirst: the cursor of the message that says what was lost covers everybody else.
func TestRenewalTellsPendingChangesFirst(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	s := greeted(t, h, grant{watch: []string{"*"}})
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a", "b"}, ""))
	h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
	require.NoError(t, h.renew(s, "r", grant{watch: []string{"a"}}))
	frames := pulled(t, h, s)
	require.Len(t, frames, 4)
	require.Equal(t, "changes", frames[1].Type)
	require.Equal(t, "subscribed", frames[2].Type)
	require.Equal(t, []bridge.UID{"b"}, frames[2].Denied)
	require.Equal(t, "ok", frames[3].Type)
}

// TestRereadLogKeepsCursorsHonest: after the log was read again nobody vouches for anybody until the feed is
// live, so a cursor must not step over what the client has missed meanwhile.
func TestRereadLogKeepsCursorsHonest(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
	h.Apply(entry(2, "b", online("1"), bridge.ChangedFirst))
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a", "b"}, ""))
	h.hear(bridge.Feed{State: bridge.FeedDegraded})
	pulled(t, h, s)

	h.Reset(1)
	h.Apply(entry(2, "b", online("1"), bridge.ChangedFirst))
	h.Apply(entry(3, "a", online("missed"), bridge.ChangedExt))
	h.CaughtUp()
	h.Apply(entry(4, "b", online("2"), bridge.ChangedExt))
	frames := pulled(t, h, s)
	require.Len(t, frames, 1)
	require.Equal(t, map[bridge.UID]string{"b": "2"}, frames[0].exts())
	h.exit(s)

	h.hear(live())
	s = greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a", "b"}, frames[0].Cursor))
	require.Equal(t, "missed", pulled(t, h, s)[0].exts()["a"])
}

// TestUnsubscribedStayWatchedAWhile: a reload costs no looks, and one who is gone for good is let go.
func TestUnsubscribedStayWatchedAWhile(t *testing.T) {
	h := quietHub(t)
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a", "b"}, ""))
	h.unsubscribe(s, []bridge.UID{"a"})
	h.letGo(time.Now())
	require.True(t, h.wanted["a"])
	h.letGo(time.Now().Add(lingerFor + time.Second))
	require.False(t, h.wanted["a"])
	require.NotContains(t, h.users, bridge.UID("a"))
	require.True(t, h.wanted["b"], "b is still subscribed")
	h.exit(s)
	h.letGo(time.Now().Add(lingerFor + time.Second))
	require.Empty(t, h.wanted)
	require.Empty(t, h.users)
	require.Empty(t, h.idle)
	require.Empty(t, h.unvouched)
}

// TestPinned users are watched from the start, whoever comes and goes.
func TestPinned(t *testing.T) {
	h := quietHub(t, func(c *Config) { c.WatchUIDs = []bridge.UID{"a"} })
	require.True(t, h.wanted["a"])
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a"}, ""))
	h.exit(s)
	h.letGo(time.Now().Add(time.Hour))
	require.True(t, h.wanted["a"])
	s = greeted(t, h, grant{open: true})
	_, _, err := h.askFor(s, grant{open: true}, []bridge.UID{"a"})
	require.NoError(t, err)
	h.exit(s)
	h.letGo(time.Now().Add(time.Hour))
	require.True(t, h.wanted["a"])
}
