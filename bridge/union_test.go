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
	watches map[string]map[UID]int
}

// watched is who is watched, by how many.
func (n *naive) watched() map[UID]int {
	all := map[UID]int{}
	for holder := range n.live {
		for uid, watchers := range n.watches[holder] {
			all[uid] += watchers
		}
	}
	return all
}

func (n *naive) set(holder string, uid UID, watchers int) {
	if n.watches[holder] == nil {
		n.watches[holder] = map[UID]int{}
	}
	n.watches[holder][uid] = watchers
}

// Whatever happens in whatever order, the union is that of the live holders, and who was told of every step
// knows it too.
func TestWhoIsDeadForLongIsForgotten(t *testing.T) {
	u, now := newUnion(), time.Now()
	u.seen("h", now)
	u.watch("h", "a", 1)
	u.watch("stranger", "b", 1) // dead when we came
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
		u, model, told := newUnion(), &naive{live: map[string]bool{}, watches: map[string]map[UID]int{}}, map[UID]int{}
		for range 300 {
			holder, uid := fmt.Sprint("h", rnd.IntN(4)), UID(fmt.Sprint("u", rnd.IntN(6)))
			var d Watches
			switch rnd.IntN(6) {
			case 0:
				model.live[holder] = true
				d = u.seen(holder, time.Now())
			case 1:
				delete(model.live, holder)
				d = u.gone(holder)
			case 2, 3:
				watchers := rnd.IntN(3)
				model.set(holder, uid, watchers)
				d = u.watch(holder, uid, watchers)
			case 4:
				delete(model.watches[holder], uid)
				d = u.unwatch(holder, uid)
			case 5: // swept up, if dead
				if !model.live[holder] {
					delete(model.watches, holder)
				}
				u.buried(holder)
			}
			for _, uid := range d.Added {
				require.NotContains(t, told, uid, "seed %d", seed)
				told[uid] = u.demands[uid].watchers
			}
			for _, uid := range d.Removed {
				require.Contains(t, told, uid, "seed %d", seed)
				delete(told, uid)
			}
			for _, uid := range d.Weighed {
				require.NotEqual(t, told[uid], u.demands[uid].watchers, "seed %d", seed)
				told[uid] = u.demands[uid].watchers
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
	old.watch("absent", "a", 1)
	old.watch("dead", "b", 1)
	old.seen("present", now)
	old.watch("present", "c", 1)
	old.watch("present", "e", 1)
	fresh.seen("present", now)
	fresh.watch("present", "d", 1)
	fresh.watch("present", "e", 2)
	fresh.inherit(old, now)
	require.ElementsMatch(t, []UID{"a", "d", "e"}, fresh.all())
	d := old.differenceTo(fresh)
	require.Equal(t, Watches{Added: []UID{"d"}, Removed: []UID{"c"}, Weighed: []UID{"e"}}, d)
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

func FuzzWatchersIn(f *testing.F) {
	f.Add([]byte(`{"watchers":3}`))
	f.Add([]byte(`{"watchers":-1e300}`))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, value []byte) {
		n, _ := watchersIn(value)
		require.True(t, n >= 0 && n <= maxWatchers)
		var w Watch
		if len(value) == 0 || json.Unmarshal(value, &w) != nil {
			require.Equal(t, 1, n, "somebody watches")
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
		if ours, _ := ofApp(value, app); ours == foreign {
			t.Fatalf("%q counts for %s: %t", value, app, !foreign)
		}
	})
}
