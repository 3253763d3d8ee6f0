package hub

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestEvents: the same messages as over a WebSocket, and the id of an event is the cursor to resume from.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("a", online("1"))
	w.look.see("b", online("1"))
	first, second := w.hub(), w.hub()
	for _, h := range []*testHub{first, second} {
		h.hears(bridge.FeedLive)
		h.follows(w.look)
	}
	e := first.events("uids=a,b,c", nil)
	got, welcome := e.expect("welcome")
	require.Empty(t, got.id)
	require.Equal(t, bridge.FeedLive, welcome.Feed.State)
	got, subscribed := e.expect("subscribed")
	require.Equal(t, subscribed.Cursor, got.id)
	require.Equal(t, map[bridge.UID]string{"a": "1", "b": "1"}, subscribed.exts())
	require.Equal(t, []bridge.UID{"c"}, subscribed.Pending)
	w.look.see("a", online("2"))
	got, changes := e.expect("changes")
	require.Equal(t, changes.Cursor, got.id)
	require.Equal(t, map[bridge.UID]string{"a": "2"}, changes.exts())
	e.hangUp()
	first.until(func() bool { return first.sessions.len() == 0 })

	w.look.see("b", online("2"))
	for _, h := range []*testHub{first, second} {
		h.follows(w.look)
		e := h.events("uids=a,b,c", http.Header{"Last-Event-Id": {got.id}})
		e.expect("welcome")
		_, resumed := e.expect("subscribed")
		require.Equal(t, map[bridge.UID]string{"b": "2"}, resumed.exts())
		require.True(t, resumed.Complete)
	}
	e = first.events("uids=a,b", http.Header{"Last-Event-Id": {"rubbish"}})
	e.expect("welcome")
	_, all := e.expect("subscribed")
	require.False(t, all.Complete)
	require.Len(t, all.Presences, 2)

	w.look.say(bridge.FeedDegraded)
	_, feed := e.expect("feed")
	require.Equal(t, bridge.FeedDegraded, feed.State)

	for query, code := range map[string]string{"": "bad_message", "uids=a,": "bad_uid"} {
		require.Equal(t, code, first.ask("GET", "/v1/events?"+query, "").code(t))
	}
}

// TestWhenToComeBack: a browser opens a stream again after what it was told last.
func TestWhenToComeBack(t *testing.T) {
	for told, frame := range map[string][]byte{
		"retry: 3000\n": encode(welcomeMessage{Type: "welcome"}),
		"retry: 1234\n": encode(byeMessage{Type: "bye", ReconnectAfterMS: 1234}),
	} {
		var b strings.Builder
		writeEvent(&b, frame)
		require.Contains(t, b.String(), told)
	}
}

func TestEventsHeartbeat(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		begun := time.Now()
		response, err := h.http().Get("http://hub/v1/events?uids=a")
		require.NoError(t, err)
		e := newEvents(t, response, func() { _ = response.Body.Close() })
		e.expect("welcome")
		e.expect("subscribed")
		for i := range 3 {
			got := <-e.events
			require.Equal(t, "still here", got.comment)
			require.Equal(t, time.Duration(i+1)*heartbeat, time.Since(begun))
		}
	})
}
