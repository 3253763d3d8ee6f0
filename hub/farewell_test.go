package hub

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// comingMost is how many clients may come to the other hubs in a second.
const comingMost = 1500

func TestFarewell(t *testing.T) {
	for _, c := range []struct {
		i                   int
		patience, at, after time.Duration
	}{
		{0, 10 * time.Second, 0, 0},
		{12, 10 * time.Second, 10 * time.Millisecond, 0},
		{9_999, 10 * time.Second, 8332500 * time.Microsecond, 0},
		{12_000, 10 * time.Second, 10 * time.Second, 0},
		{24_000, 10 * time.Second, 10 * time.Second, 10 * time.Second},
		{100_000, time.Minute, time.Minute, 23333333333},
		{1200, 0, 0, time.Second},
	} {
		f := farewellOf(c.i, c.patience, 0)
		require.Equal(t, farewell{c.at, c.after + comeBackFrom}, f, "%+v", c)
		require.Equal(t, f.after+scatter, farewellOf(c.i, c.patience, 1).after)
	}
}

// TestFarewellsAreLevel: however many leave, however much time they have, and whatever the dice say, no second has too
// many come back, nobody is let go late, and nobody waits who has the time to be served.
func TestFarewellsAreLevel(t *testing.T) {
	for seed := range uint64(24) {
		dice := rand.New(rand.NewPCG(seed, 1))
		n, patience := 1+dice.IntN(100_000), time.Duration(dice.Int64N(int64(2*time.Minute)))
		back := make([]time.Duration, n)
		for i := range back {
			f := farewellOf(i, patience, worstDice(dice, seed, i))
			if f.at > patience || f.after < comeBackFrom || f.at < patience && f.after > comeBackFrom+scatter {
				t.Fatalf("client %d within %s: %+v", i, patience, f)
			}
			told := f.at + dismissEvery - f.at%dismissEvery // by the next tick
			back[i] = told + f.after
		}
		require.LessOrEqual(t, most(back, time.Second), comingMost, "seed %d: %d clients within %s", seed, n, patience)
		require.LessOrEqual(t, back[n-1], time.Duration(n)*time.Second/leavePerS+comeBackFrom+scatter+dismissEvery)
	}
}

// worstDice are honest in one case of three; else they bring those who would have come early late and the late early.
func worstDice(dice *rand.Rand, seed uint64, i int) float64 {
	switch seed % 3 {
	case 0:
		return dice.Float64()
	case 1:
		return float64(1 - i/leavePerS%2)
	}
	return 1
}

// most is how many moments there are in the window that has the most.
func most(moments []time.Duration, window time.Duration) (n int) {
	slices.Sort(moments)
	first := 0
	for i, at := range moments {
		for moments[first] <= at-window {
			first++
		}
		n = max(n, i-first+1)
	}
	return n
}
