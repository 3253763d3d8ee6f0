package hub

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// comingMost is how many clients may come to the other hubs in a second.
const comingMost = 1500

func TestTurns(t *testing.T) {
	for _, c := range []struct {
		i           int
		now, waited time.Duration
	}{
		{0, 0, 0},
		{11, 0, 10 * time.Millisecond},
		{11, 20 * time.Millisecond, 0},
		{9_999, 8 * time.Second, 1090 * time.Millisecond},
		{22_000, 10 * time.Second, 10 * time.Second},
		{100_000, time.Minute, 30909090909},
	} {
		require.Equal(t, c.waited+comeBackFrom, comeBackAfter(c.i, c.now, 0), "%+v", c)
		require.Equal(t, c.waited+comeBackFrom+scatter, comeBackAfter(c.i, c.now, 1), "%+v", c)
	}
}

// TestPatience: whoever's turn has not come when a hub has to be gone is let go then, and told to wait for it. What they
// were not told yet comes first.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, patience = 200, 60 * time.Millisecond
		h := quietHub(t, func(c *Config) { c.DrainTimeout = patience })
		h.hear(live())
		var all []*session
		for range clients {
			s := greeted(t, h, grant{open: true})
			require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a"}, ""))
			h.pull(s)
			all = append(all, s)
		}
		h.Apply(entry(1, "a", online("last"), bridge.ChangedFirst))
		begun := time.Now()
		require.InDelta(t, clients-int(leavePerS*patience.Seconds()), h.sayGoodbye(), 25)
		require.Equal(t, patience, time.Since(begun))
		longest := int64(0)
		for _, s := range all {
			frames := pulled(t, h, s)
			require.Len(t, frames, 2)
			require.Equal(t, "last", frames[0].exts()["a"])
			require.Equal(t, "bye", frames[1].Type)
			longest = max(longest, frames[1].ReconnectAfterMS)
		}
		require.GreaterOrEqual(t, longest, (turn(clients-1) - patience).Milliseconds())
	})
}

// TestTurnsAreLevel: however many leave, however much time they have, however often the hub is held up, and whatever the
// dice say, no second has too many come back, and nobody waits who has the time to be served.
func TestTurnsAreLevel(t *testing.T) {
	for seed := range uint64(24) {
		dice := rand.New(rand.NewPCG(seed, 1))
		n, patience := 1+dice.IntN(100_000), time.Duration(dice.Int64N(int64(2*time.Minute)))
		var back []time.Duration
		step := time.Duration(0)
		for clock, now := step, step; len(back) < n; now, clock = advance(now, step), clock+step {
			over := clock >= patience
			for i := len(back); i < n && (over || turn(i) <= now); i++ {
				after := comeBackAfter(i, now, worstDice(dice, seed, i))
				if after < comeBackFrom || turn(i) <= now && after > comeBackFrom+scatter {
					t.Fatalf("client %d waits %s", i, after)
				}
				back = append(back, clock+after)
			}
			if step = dismissEvery; dice.IntN(20) == 0 {
				step += time.Duration(dice.IntN(500)) * time.Millisecond
			}
		}
		require.LessOrEqual(t, most(back, time.Second), comingMost, "seed %d: %d clients within %s", seed, n, patience)
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
