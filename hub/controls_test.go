package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	usage "runtime/metrics"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	for range clients {
		w := h.wire()
		w.upgrade()
		require.Equal(t, "says welcome", w.hears())
		w.send(masked(fin|opPing, "here") + masked(fin|opText, named("a")))
		require.Equal(t, []string{`pong "here"`, "says pong a"}, w.hearsUntil("says pong a"))
	}
	most := uint64(3 << 10)
	if raced {
		most = 6 << 10
	}
	require.Less(t, (stacks()-before)/clients, most)
}

// stacks is how many bytes goroutines have for their stacks.
func stacks() uint64 {
	sample := []usage.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	usage.Read(sample)
	return sample[0].Value.Uint64()
}

// TestWhoWasToldGoodbye has no say any more, has a while to answer it, and hears nothing after it.
func TestWhoWasToldGoodbye(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth = hmacAuth }, func(t *testing.T, h *bubbleHub) {
		w := h.wire(t)
		w.upgrade(bearing(t, "me"))
		require.Equal(t, "says welcome", w.hears())
		h.peek(func() {
			for s := range h.sessions.all() {
				h.Hub.end(s, closeToken.because("the token has expired"))
			}
		})
		op, _, err := w.read()
		require.NoError(t, err)
		require.Equal(t, byte(opClose), op)
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
