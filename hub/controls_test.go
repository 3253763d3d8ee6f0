package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	usage "runtime/metrics"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestControlsHoweverCut: pings, pongs and messages that come together, or in two pieces, are each answered once, and nobody
// is kept busy with one whose turn is over.
func TestControlsHoweverCut(t *testing.T) {
	long := strings.Repeat("p", maxControl)
	all := masked(fin|opPing, "") + masked(fin|opPong, "x") + masked(fin|opPing, long) + masked(fin|opText, named("a")) +
		masked(fin|opPing, "b") + masked(fin|opText, named("c")) + masked(fin|opPong, "")
	want := []string{`pong ""`, fmt.Sprintf("pong %q", long), "says pong a", `pong "b"`, "says pong c"}
	inBubble(t, func(c *Config) { c.Limits.MaxMessagesPerSecond = 10_000 }, func(t *testing.T, h *bubbleHub) {
		w := h.wire(t)
		w.upgrade()
		require.Equal(t, "says welcome", w.hears())
		for cut := range all {
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				w.send(all[:cut])
				synctest.Wait()
				w.send(all[cut:])
			}()
			heard := make([]string, len(want))
			for i := range heard {
				heard[i] = w.hears()
			}
			require.ElementsMatch(t, want, heard, cut)
			<-sent
		}
		time.Sleep(messageWithin + time.Second) // in which nothing is late
		w.send(masked(fin|opPing, "still here"))
		require.Equal(t, `pong "still here"`, w.hears())
	})
}

// TestAPingTooLong is not answered as if it were one.
func TestAPingTooLong(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		w := h.wire(t)
		w.upgrade()
		require.Equal(t, "says welcome", w.hears())
		w.send(masked(fin|opPing, strings.Repeat("p", maxControl+1))[:controlHead+maskKey+maxControl+1]) // a ping by its first byte
		require.Equal(t, "closes 1002", w.hears())
	})
}

// TestAnAnswerMayTakeLonger than what it answers: only who is late with a message is let go.
func TestAnAnswerMayTakeLonger(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth, c.Vendor = hmacAuth, stubborn(messageWithin+time.Second) }, func(t *testing.T, h *bubbleHub) {
		w := h.wire(t)
		w.upgrade("Authorization: Bearer " + token(t, fields{"set": true}))
		require.Equal(t, "says welcome", w.hears())
		w.send(masked(fin|opText, `{"type":"set","id":"late","resource":"web","status":"1"}`))
		require.Equal(t, "says error late", w.hears())
	})
}

// stubborn takes so long to refuse, whatever anybody says.
type stubborn time.Duration

func (v stubborn) SetPresence(context.Context, string, string, string, string) error {
	time.Sleep(time.Duration(v))
	return errors.New("no")
}

// TestWhoWaitsKeepsASmallStack: what a client costs at rest has no room for what reading or answering it takes.
func TestWhoWaitsKeepsASmallStack(t *testing.T) {
	h := serveQuiet(t, quietHub(t))
	require.Equal(t, http.StatusOK, h.ask("GET", "/healthz", "").status)
	const clients = 400
	before := stacks()
	require.Positive(t, before)
	for range clients {
		w := h.wire()
		w.upgrade()
		require.Equal(t, "says welcome", w.hears())
		w.send(masked(fin|opPing, "here") + masked(fin|opText, named("a")))
		require.Equal(t, []string{`pong "here"`, "says pong a"}, w.hearsUntil("says pong a"))
	}
	most := 2600 // and twice as much without clerks
	if raced {
		most *= 2
	}
	require.Less(t, (stacks()-before)/clients, most)
}

// stacks is how many bytes goroutines have for their stacks.
func stacks() int {
	runtime.GC()
	sample := []usage.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	usage.Read(sample)
	return int(sample[0].Value.Uint64())
}

// TestWhoWasToldGoodbye has no say any more, has a while to answer it, and hears nothing after it.
func TestWhoWasToldGoodbye(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth = hmacAuth }, func(t *testing.T, h *bubbleHub) {
		w := h.wire(t)
		w.upgrade(bearing(t, "me"))
		require.Equal(t, "says welcome", w.hears())
		h.expireAll()
		op, _, err := w.read()
		require.NoError(t, err)
		require.Equal(t, byte(opClose), op)
		h.peek(func() {
			for s := range h.sessions.all() {
				h.expireAt(s, time.Now().Add(time.Hour)) // a token that was on its way
			}
		})
		told := time.Now()
		w.send(masked(fin|opText, `{"type":"subscribe","uids":["late"]}`) + masked(fin|opPing, "late"))
		require.Equal(t, "ends", w.hears())
		require.Equal(t, partWithin, time.Since(told))
		h.peek(func() { require.NotContains(t, h.users, bridge.UID("late")) })

		w = h.wire(t)
		w.upgrade(bearing(t, "me"))
		require.Equal(t, "says welcome", w.hears())
		told = time.Now()
		w.send(masked(fin|opBinary, ""))
		require.Equal(t, []string{"closes 4400", "ends"}, w.hearsUntil("ends"))
		require.Equal(t, told, time.Now(), "who answers is let go at once")
	})
}

// TestAFloodAfterGoodbye is not listened to: it would take the hub's mutex for each ping.
func TestAFloodAfterGoodbye(t *testing.T) {
	log := prometheus.NewRegistry()
	inBubble(t, func(c *Config) { c.Limits.MaxMessagesPerSecond, c.Registerer = 5, log }, func(t *testing.T, h *bubbleHub) {
		w := h.wire(t)
		w.upgrade()
		require.Equal(t, "says welcome", w.hears())
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			w.send(strings.Repeat(masked(fin|opPing, "p"), 1000))
			time.Sleep(time.Second) // in which five more would do
			w.send(masked(fin|opPing, "p"))
		}()
		for op := byte(opPong); op != opClose; {
			var err error
			op, _, err = w.read()
			require.NoError(t, err)
		}
		<-sent
		synctest.Wait()
		h.peek(func() {
			for s := range h.sessions.all() {
				require.Empty(t, s.pulse.owed)
			}
		})
		require.Equal(t, "ends", w.hears())
		require.Equal(t, 1.0, sum(t, log, "closed_total", ""))
	})
}

// TestGoodbyeWhileTheVendorIsAsked: its connection ends in time, though nobody reads what the client says to it.
func TestGoodbyeWhileTheVendorIsAsked(t *testing.T) {
	change := func(c *Config) { c.Auth, c.Vendor = hmacAuth, stubborn(time.Minute) }
	inBubble(t, change, func(t *testing.T, h *bubbleHub) {
		w, begun := h.wire(t), time.Now()
		w.upgrade("Authorization: Bearer " + token(t, fields{"set": true, "exp": time.Now().Add(2 * time.Second).Unix()}))
		require.Equal(t, "says welcome", w.hears())
		w.send(masked(fin|opText, `{"type":"set","id":"late","resource":"web","status":"1"}`))
		require.Equal(t, []string{"closes 4401", "ends"}, w.hearsUntil("ends"))
		require.Equal(t, 2*time.Second+partWithin, time.Since(begun))
	})
}

// TestGarbageForAGoodbye does not count twice who was let go.
func TestGarbageForAGoodbye(t *testing.T) {
	log := prometheus.NewRegistry()
	inBubble(t, func(c *Config) { c.Registerer = log }, func(t *testing.T, h *bubbleHub) {
		w := h.wire(t)
		w.upgrade()
		require.Equal(t, "says welcome", w.hears())
		h.expireAll()
		op, _, err := w.read()
		require.NoError(t, err)
		require.Equal(t, byte(opClose), op)
		w.send(masked(fin|opClose, closeWith(1005, "")))
		require.Equal(t, "ends", w.hears())
		synctest.Wait()
		require.Equal(t, 1.0, sum(t, log, "closed_total", ""))
	})
}

// TestWhoIsLetGoHearsNoNews: who reads slowly, of users who change all the time, would else put it off for good.
func TestWhoIsLetGoHearsNoNews(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	s, buf := greeted(t, h, grant{open: true}), []byte(nil)
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a"}, ""))
	h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
	h.pull(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(s, 0)
	require.NotEmpty(t, h.take(s, &buf))
	h.note(s, 0)
	s.reply([]byte("bye"))
	h.end(s, closeToken.because("the token has expired"))
	require.Contains(t, string(h.take(s, &buf)), "bye")
	h.note(s, 0)
	require.Empty(t, h.take(s, &buf))
}

// expireAll ends everybody's session.
func (h *bubbleHub) expireAll() {
	h.peek(func() {
		for s := range h.sessions.all() {
			h.Hub.end(s, closeToken.because("the token has expired"))
		}
	})
}
