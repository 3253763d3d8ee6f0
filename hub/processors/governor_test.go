package processors

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAsManyAsTheWorkFills: twice as many when those at work are full and others idle, half as many when few have been
// enough for a while.
func TestAsManyAsTheWorkFills(t *testing.T) {
	g := &governor{now: 1, most: 6}
	steps := []struct {
		used, idle float64
		times      int
		want       int
	}{
		{used: 0.1, idle: 5.9, times: 100, want: 1},
		{used: 0.98, idle: 0.4, times: 100, want: 1}, // there is little to be had
		{used: 0.98, idle: 3, times: 1, want: 2},
		{used: 1.9, idle: 3, times: 1, want: 4},
		{used: 3.9, idle: 2, times: 5, want: 6},
		{used: 2.5, idle: 3, times: 100, want: 6},
		{used: 0.5, idle: 5, times: slowly - 1, want: 6},
		{used: 2.5, idle: 3, times: 1, want: 6}, // and the quiet begins anew
		{used: 0.5, idle: 5, times: slowly - 1, want: 6},
		{used: 0.5, idle: 5, times: 1, want: 3},
		{used: 0.5, idle: 5, times: slowly, want: 2},
		{used: 0.5, idle: 5, times: slowly, want: 1},
		{used: 0, idle: 6, times: 100, want: 1},
	}
	for i, step := range steps {
		got := 0
		for range step.times {
			got = g.next(step.used, step.idle)
		}
		require.Equal(t, step.want, got, "step %d", i)
	}
}

// TestNeverNoneNorTooMany, whatever is read.
func TestNeverNoneNorTooMany(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for most := 1; most <= 9; most++ {
		g := &governor{now: 1, most: most}
		for range 10_000 {
			n := g.next(random.Float64()*12-1, random.Float64()*12-1)
			require.GreaterOrEqual(t, n, 1)
			require.LessOrEqual(t, n, most)
		}
	}
}
