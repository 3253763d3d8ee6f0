package hub

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestRoam is TestModel with real parts: clients roam between two hubs over real sockets, resuming where they
// were, while users change. In the end each holds what the log says.
func TestRoam(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.eager.Store(true)
	generous := func(c *Config) { c.Limits.MaxMessagesPerSecond = 1000 }
	hubs := []*testHub{w.hub(generous), w.hub(generous)}
	for _, h := range hubs {
		h.hears(bridge.FeedLive)
	}
	r := rand.New(rand.NewPCG(1, 2))
	uid := func() string { return fmt.Sprintf("u%02d", r.IntN(20)) }
	clients := make([]*roamer, 6)
	for i := range clients {
		clients[i] = &roamer{view: newView(), t: t}
		clients[i].come(hubs[i%2])
	}
	for i := range 600 {
		c := clients[r.IntN(len(clients))]
		switch n := r.IntN(10); {
		case n < 6:
			w.look.see(bridge.UID(uid()), online(fmt.Sprint(i)))
		case n < 8:
			c.ask("", uid(), uid(), uid())
		case n < 9:
			c.client.hangUp()
			c.come(hubs[r.IntN(2)])
		default:
			gone := bridge.UID(uid())
			c.client.say(fields{"type": "unsubscribe", "id": "u", "uids": []bridge.UID{gone}})
			c.until("ok")
			c.forget(gone)
		}
	}
	for _, c := range clients {
		for end := time.Now().Add(soon); !c.agrees(w.look) && time.Now().Before(end); {
			c.client.say(fields{"type": "ping"})
			c.until("pong")
		}
		require.True(t, c.agrees(w.look), "%v", c.held)
		require.Empty(t, c.pending)
	}
}

// roamer is a client that comes back.
type roamer struct {
	*view
	t      *testing.T
	client *client
}

func (c *roamer) come(h *testHub) {
	c.client = h.dial()
	c.until("welcome")
	if len(c.uids) > 0 {
		c.ask(c.cursor, slices.Collect(maps.Keys(toText(c.uids)))...)
	}
}

func toText(uids map[bridge.UID]bool) map[string]bool {
	text := map[string]bool{}
	for uid := range uids {
		text[string(uid)] = true
	}
	return text
}

func (c *roamer) ask(since string, uids ...string) {
	c.client.say(fields{"type": "subscribe", "uids": uids, "since": since})
	c.until("subscribed")
}

// until takes whatever comes, up to a message of that kind.
func (c *roamer) until(kind string) {
	c.t.Helper()
	for {
		f := c.client.next()
		require.NoError(c.t, c.take(f))
		if f.Type == kind {
			return
		}
	}
}

func (c *roamer) agrees(l *looker) bool {
	for uid := range c.uids {
		last, _, ok := l.journal.Last(uid)
		if held := c.held[uid]; !ok || held.ObservedAt != last.ObservedAt || !held.State.Equal(last.State) {
			return false
		}
	}
	return true
}
