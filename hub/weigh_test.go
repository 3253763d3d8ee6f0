package hub

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestTheRegistryKnowsHowManyLook: looks go where many do, and who is kept for those who may come back counts for little.
func TestTheRegistryKnowsHowManyLook(t *testing.T) {
	w := newWorld(t)
	h := w.hub(func(c *Config) { c.WatchUIDs = []bridge.UID{"pinned"} })
	look := func(uid bridge.UID, n int) {
		t.Helper()
		h.until(func() bool { return w.look.registry.Watched(uid) && w.look.registry.Watchers(uid) == n })
	}
	look("pinned", 1)
	var all []*client
	for _, n := range []int{1, 2, 4} {
		for len(all) < n {
			c := h.dial()
			c.expect("welcome")
			c.subscribe("alice", "pinned")
			all = append(all, c)
		}
		look("alice", n)
	}
	for _, backend := range []string{"billing", "audit"} {
		_, err := h.bus.Lease(t.Context(), backend, []bridge.UID{"leased"}, time.Minute)
		require.NoError(t, err)
	}
	look("leased", 2)
	all[0].say(map[string]any{"type": "unsubscribe", "uids": []string{"alice"}})
	all[1].hangUp()
	look("alice", 2)
	for _, c := range all {
		c.hangUp()
	}
	look("alice", 0)
	look("pinned", 1)
	require.True(t, w.look.registry.Watched("alice"), "for a while")
}
