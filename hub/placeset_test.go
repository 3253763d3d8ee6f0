package hub

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestPlacesStayWithWhoMoves holds a set of places against a list whose members know themselves whether they are in it,
// while some come, some go, and the last takes the place of who went.
func TestPlacesStayWithWhoMoves(t *testing.T) {
	type member struct{ in bool }
	r := rand.New(rand.NewPCG(1, 2))
	var list []*member
	var set placeSet
	for range 20_000 {
		switch i := r.IntN(len(list) + 1); {
		case i == len(list) || len(list) < 3:
			set.reach(len(list))
			list = append(list, &member{})
		case r.IntN(3) == 0 && len(list) > 130: // longer than two words, then shorter and longer in turns
			last := len(list) - 1
			set.cut(i, last)
			list[i] = list[last]
			list = list[:last]
		case r.IntN(500) == 0:
			clear(set)
			for _, m := range list {
				m.in = false
			}
		default:
			set.add(i)
			list[i].in = true
		}
		var want []int
		for i, m := range list {
			if m.in {
				want = append(want, i)
			}
		}
		require.Equal(t, want, slices.Collect(set.all()))
	}
}

// TestWhoLeavesTakesNobodysNews: of three who have changed one is watched no more, and another takes their place.
func TestWhoLeavesTakesNobodysNews(t *testing.T) {
	h := quietHub(t)
	h.hear(live())
	s := greeted(t, h, grant{open: true})
	all := uidsOf([]string{"a", "b", "c"})
	require.NoError(t, h.subscribe(t.Context(), s, "", all, ""))
	h.pull(s)
	h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
	h.Apply(entry(2, "c", online("2"), bridge.ChangedFirst))
	h.unsubscribe(s, all[:1])
	require.Equal(t, 1, waiting(s))
	frames := pulled(t, h, s)
	require.Len(t, frames, 1)
	require.Equal(t, map[bridge.UID]string{"c": "2"}, frames[0].exts())
}
