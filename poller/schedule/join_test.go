package schedule

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// listed walks an operator's list from both ends, and holds that it is in order.
func listed(t *testing.T, s *Schedule, o *operator) (n int) {
	t.Helper()
	last := math.Inf(-1)
	newest := int32(-1)
	for id := o.oldest; id >= 0; id = s.users[id].newer {
		if s.users[id].looked < last || s.users[id].older != newest {
			require.Fail(t, "the list is out of order", "at %d of %d", n, o.users)
		}
		last, newest = s.users[id].looked, id
		n++
	}
	require.Equal(t, newest, o.newest)
	require.Equal(t, o.users, n)
	return n
}

// TestWhoeverJoinsIsWhereTheirLastLookBelongs: in order or not, and whoever of those beside them has left.
func TestWhoeverJoinsIsWhereTheirLastLookBelongs(t *testing.T) {
	for seed := range uint64(20) {
		dice := rand.New(rand.NewPCG(seed, 1))
		s, ids := small(1), []int32{}
		for range 500 {
			if i := len(ids); i > 0 && dice.IntN(3) == 0 {
				i = dice.IntN(i)
				s.Drop(ids[i])
				ids[i] = ids[len(ids)-1]
				ids = ids[:len(ids)-1]
				continue
			}
			ids = append(ids, s.Add(0, 1, lookedAt(time.Duration(1+dice.IntN(100))*time.Second), start))
			require.Equal(t, len(ids), listed(t, s, s.operators[0]), "seed %d", seed)
		}
	}
}

// TestTwoCrowdsBecomeOneSoon has as many come back as there are, who were looked at before them. Where each of them goes
// past all others, that takes many minutes.
func TestTwoCrowdsBecomeOneSoon(t *testing.T) {
	const n = 200_000
	s, began := inTurns(n), time.Now()
	for i := range n {
		s.Add(0, 1, lookedAt(time.Hour-time.Duration(i)*time.Millisecond), start)
		if i%1000 == 0 {
			require.Less(t, time.Since(began), time.Minute, "after %d", i)
		}
	}
	require.Equal(t, 2*n, listed(t, s, s.operators[0]))
}
