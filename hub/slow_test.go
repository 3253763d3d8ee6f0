package hub

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestSlowClient has one client that does not read while 10,000 changes of 100 users happen, and one that does.
func TestSlowClient(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	th := serveQuiet(t, h)
	uids := names(0, 100)
	slow, err := th.dialConn()
	require.NoError(t, err)
	defer func() { _ = slow.CloseNow() }()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	require.NoError(t, slow.Write(ctx, 1, encode(fields{"type": "subscribe", "uids": uids})))
	fast := th.dial()
	fast.expect("welcome")
	fast.subscribe(uids...)
	th.until(func() bool { return len(h.users["u00000"].watched) == 2 })

	// Texts are long, so that sockets fill soon.
	const changes = 10_000
	text := make([]byte, 900)
	for i := range text {
		text[i] = 'x'
	}
	newest := map[bridge.UID]string{}
	told := map[bridge.UID]string{}
	most := 0
	for i := range changes {
		uid := bridge.UID(uids[i%len(uids)])
		newest[uid] = fmt.Sprintf("%s%d", text, i)
		h.Apply(entry(uint64(i+1), uid, online(newest[uid]), bridge.ChangedExt))
		th.peek(func() {
			for s := range h.sessions.all() {
				require.LessOrEqual(t, len(s.pending), len(uids)/perWord+1, "a note is a bit")
				most = max(most, waiting(s))
			}
		})
	}
	require.LessOrEqual(t, most, len(uids))
	for !maps.Equal(told, newest) {
		for uid, ext := range fast.expect("changes").exts() {
			told[uid] = ext
		}
	}

	// What the slow one finds now is what was in the sockets' buffers, and then the newest of each.
	states, seen := 0, map[bridge.UID]string{}
	at := map[bridge.UID]int64{}
	for !maps.Equal(seen, newest) {
		_, data, err := slow.Read(ctx)
		require.NoError(t, err)
		for _, p := range decodeFrame(t, data).Presences {
			require.Greater(t, p.ObservedAt, at[p.UID])
			at[p.UID], seen[p.UID] = p.ObservedAt, p.Ext
			states++
		}
	}
	require.Less(t, states, changes*3/4, "states were skipped")
	t.Logf("%d states for %d changes", states, changes)
}

// TestWhatWaitsIsForgotten: whom a client does not watch any more, by its own word or for want of the right, it is not
// told of, though they have changed before that.
func TestWhatWaitsIsForgotten(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	s := greeted(t, h, grant{watch: []string{"*"}})
	require.NoError(t, h.subscribe(t.Context(), s, "", uidsOf([]string{"a", "b", "c"}), ""))
	h.pull(s)
	for i, uid := range uidsOf([]string{"a", "b", "c"}) {
		h.Apply(entry(uint64(i+1), uid, online("1"), bridge.ChangedFirst))
	}
	h.unsubscribe(s, uidsOf([]string{"a"}))
	require.NoError(t, h.renew(s, "r", grant{watch: []string{"c"}}))
	frames := pulled(t, h, s)
	require.Len(t, frames, 3)
	require.Equal(t, map[bridge.UID]string{"c": "1"}, frames[0].exts())
	require.Equal(t, []bridge.UID{"b"}, frames[1].Denied)
	require.Empty(t, frames[1].Presences)
}

// TestPendingIsBounded: what waits for a client that pulls nothing is one note for each user it watches.
func TestPendingIsBounded(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", uidsOf(names(0, 100)), ""))
	h.pull(s)
	for i := range 10_000 {
		h.Apply(entry(uint64(i+1), uidsOf(names(i%100, 1))[0], online(fmt.Sprint(i)), bridge.ChangedExt))
		require.LessOrEqual(t, waiting(s), 100)
		require.Len(t, s.pending, 2, "a bit for each whom it watches")
		require.Empty(t, s.replies)
	}
	frames := pulled(t, h, s)
	require.Len(t, frames, 1)
	require.Len(t, frames[0].Presences, 100)
	for _, p := range frames[0].Presences {
		require.Greater(t, p.ObservedAt, int64(9_900))
	}
	require.Empty(t, pulled(t, h, s))
}

// waiting is how many users a session has yet to be told of.
func waiting(s *session) (n int) {
	for range s.pending.all() {
		n++
	}
	return n
}

// placeOf is where a user is in what a session watches.
func (h *Hub) placeOf(s *session, uid bridge.UID) int {
	return slices.IndexFunc(s.watches, func(w tie) bool { return h.people.at(w.to).uid == uid })
}

func uidsOf(list []string) []bridge.UID {
	uids, err := bridge.ParseUIDs(list)
	if err != nil {
		panic(err)
	}
	return uids
}

// TestAnswersAreBounded: a client that asks and does not read is not read from any more.
func TestAnswersAreBounded(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.MaxMessagesPerSecond = 10_000 }, func(t *testing.T, h *bubbleHub) {
		conn := h.dialConn()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for conn.Write(ctx, 1, []byte(`{"type":"ping"}`)) == nil {
			}
		}()
		synctest.Wait()
		h.peek(func() {
			for s := range h.sessions.all() {
				require.LessOrEqual(t, len(s.replies), maxReplies)
			}
		})
		for range 10 * maxReplies { // when it reads, it is read from
			_, _, err := conn.Read(ctx)
			require.NoError(t, err)
		}
		_ = conn.CloseNow()
	})
}

// TestStalledWrite: only a write that stalls past its deadline ends a connection, and one who just goes does
// not count as slow.
func TestStalledWrite(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		gone := h.dial()
		gone.expect("welcome")
		gone.hangUp()
		tooSlow := h.metrics.closed.WithLabelValues(closeTooSlow.name)
		conn := h.dialConn()
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"ping"}`)))
		synctest.Wait() // nobody reads the pong, and a pipe has no buffer
		time.Sleep(stallWithin - time.Millisecond)
		synctest.Wait()
		h.peek(func() { require.Equal(t, 1, h.sessions.len()) })
		require.Zero(t, testutil.ToFloat64(tooSlow))
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, 1.0, testutil.ToFloat64(tooSlow))
		time.Sleep(goodbyeWithin) // for the peer to learn why, should it read on
		synctest.Wait()
		h.peek(func() { require.Zero(t, h.sessions.len()) })
		_ = conn.CloseNow()

		late := h.dialConn()
		require.NoError(t, late.Write(t.Context(), websocket.MessageText, []byte(`{"type":"ping"}`)))
		time.Sleep(stallWithin + goodbyeWithin/2)
		for range 2 { // the welcome, and what stalled
			_, _, err := late.Read(t.Context())
			require.NoError(t, err)
		}
		_, _, err := late.Read(t.Context())
		require.Equal(t, closeTooSlow.code, websocket.CloseStatus(err))
	})
}

// TestVanishedPeer: one who is gone without a word is found out by two heartbeats.
func TestVanishedPeer(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		conn := h.dialConn()
		_, _, err := conn.Read(t.Context()) // the welcome; then nothing is read, so no ping is answered
		require.NoError(t, err)
		time.Sleep(heartbeat + stallWithin + heartbeat + time.Second)
		synctest.Wait()
		h.peek(func() { require.Zero(t, h.sessions.len()) })
		_ = conn.CloseNow()

		there := h.dial()
		there.expect("welcome")
		time.Sleep(10 * heartbeat)
		there.expectNothing()
	})
}

// TestWhoSaysOrReadsNothing: a request that does not arrive, and an answer that nobody reads, hold a connection for
// a while and no longer. A pipe has no buffer, so that even a short answer waits to be read.
func TestWhoSaysOrReadsNothing(t *testing.T) {
	const post = "POST " + CallbackPath + " HTTP/1.1\r\nHost: hub\r\n"
	for said, within := range map[string]time.Duration{
		"":                                   headerWithin,
		post:                                 headerWithin,
		post + "Content-Length: 99\r\n\r\n{": requestWithin + answerWithin,
		post + "Transfer-Encoding: chunked\r\n\r\n9\r\n{":     requestWithin + answerWithin,
		post + "Content-Length: 2\r\n\r\n{}":                  answerWithin,
		"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n":          answerWithin,
		"GET /v1/events?uids=a HTTP/1.1\r\nHost: hub\r\n\r\n": answerWithin,
	} {
		inBubble(t, withCallbacks, func(t *testing.T, h *bubbleHub) {
			conn, err := h.pipes.dial(t.Context(), "", "")
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, said)
			require.NoError(t, err)
			time.Sleep(within + time.Second)
			rest, _ := io.ReadAll(io.LimitReader(conn, 1))
			require.Empty(t, rest, "%q", said)
		})
	}
}

// TestOpeningAndWelcomeAreOneWrite: a pipe's reader gets what was written at once, and no more.
func TestOpeningAndWelcomeAreOneWrite(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		conn, err := h.pipes.dial(t.Context(), "", "")
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, handshake())
		require.NoError(t, err)
		first := make([]byte, 64<<10)
		n, err := conn.Read(first)
		require.NoError(t, err)
		require.Contains(t, string(first[:n]), "101 Switching Protocols")
		require.Contains(t, string(first[:n]), `"type":"welcome"`)
	})
}
