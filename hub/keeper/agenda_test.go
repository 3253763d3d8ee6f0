package keeper

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"

	"github.com/stretchr/testify/require"
)

// TestAgenda puts entries in and takes any of them out: the one in front is always the one whose time comes first.
func TestAgenda(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	var a agenda
	var there []*entry
	for i := range 2000 {
		if dice.IntN(5) < 3 {
			e := &entry{uid: bridge.UID(fmt.Sprint("u-", i))}
			a.put(e, time.Unix(dice.Int64N(50), 0)) // many at the same time
			there = append(there, e)
		} else if len(there) > 0 {
			out := dice.IntN(len(there))
			a.drop(there[out])
			there = slices.Delete(there, out, out+1)
		}
		at, ok := a.first()
		require.Equal(t, len(there) > 0, ok)
		if ok {
			first := slices.MinFunc(there, func(x, y *entry) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.uid, y.uid)) })
			require.Equal(t, first.uid, a[0].uid)
			require.Equal(t, first.at, at)
		}
	}
}
