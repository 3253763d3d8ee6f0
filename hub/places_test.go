package hub

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func TestPlacesAreTheNewest(t *testing.T) {
	var p places
	_, ok := p.at(1)
	require.False(t, ok, "nothing is remembered yet")
	note := func(seq uint64) bridge.Cursor {
		c := bridge.Cursor{Stream: 1, Seq: seq, Stored: int64(seq)}
		p.note(c)
		return c
	}
	old, other := note(1), note(2)
	got, ok := p.at(1)
	require.True(t, ok)
	require.Equal(t, old, got)
	young := note(1 + recent)
	_, ok = p.at(1)
	require.False(t, ok, "it has made room")
	got, _ = p.at(1 + recent)
	require.Equal(t, young, got)
	got, ok = p.at(2)
	require.True(t, ok)
	require.Equal(t, other, got)
}

// TestRememberedPlacesAreNotLookedUp asks a hub whose log would take any place for its own.
func TestRememberedPlacesAreNotLookedUp(t *testing.T) {
	h := quietHub(t)
	c := bridge.Cursor{Stream: 1, Seq: 7, Stored: 9}
	h.mu.Lock()
	h.places.note(c)
	h.mu.Unlock()
	require.True(t, h.holds(t.Context(), c))
	c.Stored++
	require.False(t, h.holds(t.Context(), c))
}
