package hub

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestHeartbeatsAreLevel: clients who come one a second are asked one a second, a heartbeat later, until they go.
func TestHeartbeatsAreLevel(t *testing.T) {
	var pace heart
	var list []*session
	for i := range len(pace.turns) - 1 {
		require.Empty(t, pace.next(), "nobody is asked before their time")
		list = append(list, newSession(fmt.Sprint(i)))
		pace.add(list[i])
	}
	for _, s := range list {
		require.Equal(t, map[*session]bool{s: true}, pace.next())
		pace.remove(s)
	}
	for range pace.turns {
		require.Empty(t, pace.next())
	}
}

// TestPongsAreBounded: who pings and does not read costs no more for it, and is answered the newest ping.
func TestPongsAreBounded(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.MaxMessagesPerSecond = 1000 }, func(t *testing.T, h *bubbleHub) {
		w := h.wire(t)
		w.upgrade() // a pipe has no buffer: the welcome waits to be read
		for i := range 200 {
			w.send(masked(fin|opPing, fmt.Sprint(i, strings.Repeat("p", 100))))
		}
		synctest.Wait()
		h.peek(func() {
			for s := range h.sessions.all() {
				require.NotEmpty(t, s.pulse.owed)
				require.Less(t, len(s.pulse.owed), maxOwed+200)
			}
		})
		require.Equal(t, "says welcome", w.hears())
		newest := fmt.Sprintf("pong %q", fmt.Sprint(199, strings.Repeat("p", 100)))
		require.Less(t, len(w.hearsUntil(newest)), 30)
	})
}
