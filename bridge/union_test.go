package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// naive is the union as one would write it who has all the time in the world.
type naive struct {
	live    map[string]bool
	watches map[string]map[UID]bool
}

func (n *naive) watched() map[UID]bool {
	all := map[UID]bool{}
	for holder := range n.live {
		maps.Copy(all, n.watches[holder])
	}
	return all
}

func (n *naive) set(holder string, uid UID, watched bool) {
	if n.watches[holder] == nil {
		n.watches[holder] = map[UID]bool{}
	}
	if watched {
		n.watches[holder][uid] = true
	} else {
		delete(n.watches[holder], uid)
	}
}

// Whatever happens in whatever order, the union is that of the live holders, and who was told of every step
// knows it too.
func TestWhoIsDeadForLongIsForgotten(t *testing.T) {
	u, now := newUnion(), time.Now()
	u.seen("h", now)
	u.watch("h", "a")
	u.watch("stranger", "b") // dead when we came
	u.gone("h")
	u.prune(now.Add(time.Minute), 2*time.Minute)
	require.Len(t, u.holders, 2, "whoever sweeps the bucket needs them yet")
	u.prune(now.Add(150*time.Second), 2*time.Minute)
	require.NotContains(t, u.holders, "h")
	require.Contains(t, u.holders, "stranger", "its time began when we came")
	u.prune(now.Add(10*time.Minute), 2*time.Minute)
	require.Empty(t, u.holders)
}

func TestUnionIsThatOfTheLiveHolders(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		u, model, told := newUnion(), &naive{live: map[string]bool{}, watches: map[string]map[UID]bool{}}, map[UID]bool{}
		for range 300 {
			holder, uid := fmt.Sprint("h", rnd.IntN(4)), UID(fmt.Sprint("u", rnd.IntN(6)))
			var d delta
			switch rnd.IntN(6) {
			case 0:
				model.live[holder] = true
				d = u.seen(holder, time.Now())
			case 1:
				delete(model.live, holder)
				d = u.gone(holder)
			case 2, 3:
				model.set(holder, uid, true)
				d = u.watch(holder, uid)
			case 4:
				model.set(holder, uid, false)
				d = u.unwatch(holder, uid)
			case 5: // swept up, if dead
				if !model.live[holder] {
					delete(model.watches, holder)
				}
				u.buried(holder)
			}
			for _, uid := range d.added {
				require.False(t, told[uid], "seed %d: %s was told already", seed, uid)
				told[uid] = true
			}
			for _, uid := range d.removed {
				require.True(t, told[uid], "seed %d: %s was not told", seed, uid)
				delete(told, uid)
			}
			require.Equal(t, model.watched(), told, "seed %d", seed)
			require.ElementsMatch(t, slices.Collect(maps.Keys(told)), u.all())
		}
	}
}

func TestHoldersInheritTheirLifeNotTheirDeath(t *testing.T) {
	now := time.Now()
	old, fresh := newUnion(), newUnion()
	old.seen("absent", now)
	old.watch("absent", "a")
	old.watch("dead", "b")
	old.seen("present", now)
	old.watch("present", "c")
	fresh.seen("present", now)
	fresh.watch("present", "d")
	fresh.inherit(old, now)
	require.ElementsMatch(t, []UID{"a", "d"}, fresh.all())
	d := old.differenceTo(fresh)
	require.Equal(t, delta{added: []UID{"d"}, removed: []UID{"c"}}, d)
	require.ElementsMatch(t, []string{"absent", "present"}, fresh.silentSince(now.Add(1)))
	require.Equal(t, []string{"dead"}, old.dead())
}

func FuzzSplitWatchKey(f *testing.F) {
	f.Add("hub-1.alice=2Eb")
	f.Add("hub.Alice")
	f.Add(".")
	f.Fuzz(func(t *testing.T, key string) {
		if holder, uid, err := splitWatchKey(key); err == nil {
			require.Equal(t, key, holder+"."+EncodeToken(string(uid)))
		}
	})
}

func FuzzOfApp(f *testing.F) {
	app := App{"demo", "presence"}
	f.Add([]byte(`{"app":"demo#presence"}`))
	f.Add([]byte(`{"app":"other#app"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, value []byte) {
		var h Holding
		foreign := json.Unmarshal(value, &h) == nil && h.App != "" && h.App != app.String()
		if ofApp(value, app) == foreign {
			t.Fatalf("%q counts for %s: %t", value, app, !foreign)
		}
	})
}
