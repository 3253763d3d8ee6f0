package hub

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
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
