package hub

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func TestCursorsSurviveTheRoad(t *testing.T) {
	for _, c := range []cursor{
		{at: bridge.Cursor{Stream: 7}},
		{at: bridge.Cursor{Stream: 7, Seq: 5}, from: 5},
		{at: bridge.Cursor{Stream: 7, Seq: 5}, from: 0},
		{at: bridge.Cursor{Stream: -7, Seq: 1 << 60}, from: 1<<60 - 1},
	} {
		got, err := parseCursor(c.String())
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
	one, two := bridge.Cursor{Stream: 7, Seq: 5}.String(), bridge.Cursor{Stream: 7, Seq: 6}.String()
	for _, bad := range []string{"", ".", one + ".", "." + one, one + "." + two, one + "." + one,
		two + "." + one + "." + one, two + "." + bridge.Cursor{Stream: 8, Seq: 5}.String()} {
		_, err := parseCursor(bad)
		require.Error(t, err, bad)
	}
}

// TestAStateOfLongAgoIsToldWithTheCursorOfNow: a frame that was built when the state came, and is told when somebody
// vouches for it again, does not send the client's cursor back.
func TestAStateOfLongAgoIsToldWithTheCursorOfNow(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	s := greeted(t, h, grant{open: true})
	both := []bridge.UID{"a", "b"}
	require.NoError(t, h.subscribe(t.Context(), s, "", both, ""))
	h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
	require.Len(t, taken(t, h, s), 2)
	h.unsubscribe(s, both[:1])
	h.letGo(time.Now().Add(2 * lingerFor))
	h.hear(bridge.Feed{State: bridge.FeedDegraded})
	require.NoError(t, h.subscribe(t.Context(), s, "", both, ""))
	h.Apply(entry(2, "b", online("2"), bridge.ChangedFirst))
	taken(t, h, s)
	h.hear(live())
	taken(t, h, s) // the feed, in one message with a's state
	h.hear(bridge.Feed{State: bridge.FeedDegraded})
	taken(t, h, s)
	h.mu.Lock()
	h.note(s, h.placeOf(s, "a"))
	h.mu.Unlock()
	got := taken(t, h, s)
	require.Len(t, got, 1)
	require.Equal(t, h.position.String(), got[0].Cursor)
}

// TestACursorCoversWhoIsWaitedFor: the answer of a request that has waited for a state is told with it.
func TestACursorCoversWhoIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := quietHub(t)
		h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		answers := make(chan subscribedMessage, 1)
		go func() {
			answer, _ := h.ask(ctx, ctx, grant{open: true}, []bridge.UID{"a"})
			answers <- answer
		}()
		synctest.Wait()
		h.hear(live())
		answer := <-answers
		require.Len(t, answer.Presences, 1)
		require.Equal(t, h.position.String(), answer.Cursor)
	})
}

// TestHeldBackCursorDoesNotGoBack: a client that was told of b up to 5 comes to a hub that is at 4, with a
// cursor that was held back for a, of whom it has yet to be told.
func TestHeldBackCursorDoesNotGoBack(t *testing.T) { synctest.Test(t, heldBack) }

func heldBack(t *testing.T) {
	ahead, behind := quietHub(t), quietHub(t)
	log := []bridge.Entry{entry(1, "a", online("old"), bridge.ChangedFirst), entry(2, "b", online("2"), bridge.ChangedFirst),
		entry(3, "b", online("3"), bridge.ChangedExt), entry(4, "b", online("4"), bridge.ChangedExt), entry(5, "b", online("5"), bridge.ChangedExt)}
	ahead.Apply(log[0])
	s := greeted(t, ahead, grant{open: true})
	require.NoError(t, ahead.subscribe(t.Context(), s, "", []bridge.UID{"a", "b"}, ""))
	for _, e := range log[1:] {
		ahead.Apply(e)
	}
	frames := pulled(t, ahead, s)
	require.Equal(t, map[bridge.UID]string{"b": "5"}, frames[1].exts())

	behind.hear(live())
	for _, e := range log[:4] {
		behind.Apply(e)
	}
	s = greeted(t, behind, grant{open: true})
	answered := make(chan error, 1)
	go func() {
		answered <- behind.subscribe(t.Context(), s, "", []bridge.UID{"a", "b"}, frames[1].Cursor)
	}()
	synctest.Wait()
	behind.Apply(log[4])
	require.NoError(t, <-answered)
	got := pulled(t, behind, s)[0]
	require.True(t, got.Complete)
	require.Equal(t, map[bridge.UID]string{"a": "old", "b": "5"}, got.exts())
}
