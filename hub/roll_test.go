package hub

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRoll holds a roll against a map: whoever comes and goes, all who are there are found by their numbers, and numbers are
// given again.
func TestRoll(t *testing.T) {
	var (
		r    roll[int]
		here = map[uint32]*int{}
		most int
	)
	for i := range 1_000 {
		if len(here) > 0 && rand.N(2) == 0 {
			for n := range here {
				delete(here, n)
				r.leave(n)
				break
			}
		} else {
			n := r.enter(&i)
			require.NotContains(t, here, n)
			here[n] = &i
		}
		most = max(most, len(here))
		require.Equal(t, len(here), r.len())
		for n, x := range here {
			require.Same(t, x, r.at(n))
		}
	}
	require.Len(t, slices.Collect(r.all()), len(here))
	require.Len(t, r.places, most, "a number that was given back is given again")
	for range r.all() {
		break
	}
}
