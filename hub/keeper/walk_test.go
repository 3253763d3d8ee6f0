package keeper

import (
	"fmt"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"

	"github.com/stretchr/testify/require"
)

// TestRandomWalks lets people come and go, calls fail, subscriptions vanish and keepers restart. However it
// goes, no operator carries too many, and whoever is wanted is subscribed soon.
func TestRandomWalks(t *testing.T) {
	t.Parallel()
	walks := []struct {
		name   string
		fails  float64
		evicts bool
		bad    int
		bound  time.Duration // of being wanted and not subscribed
	}{
		{name: "a vendor without fail", bound: time.Second},
		{name: "one call in five fails", fails: 0.2, bound: 3 * time.Minute},
		{name: "subscriptions vanish", evicts: true, bound: 11 * time.Minute},
		{name: "all of it", fails: 0.2, evicts: true, bad: 3, bound: 13 * time.Minute},
	}
	for _, walk := range walks {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s/%d", walk.name, seed), func(t *testing.T) {
				w := newWorld(t, Config{Operators: []string{"op-1", "op-2", "u-00003"}, Capacity: 150,
					TTL: 2 * time.Hour, Reconcile: 10 * time.Minute}, seed)
				w.fails = walk.fails
				for _, uid := range people("u", walk.bad) {
					w.bad[uid] = true
				}
				w.walk(people("u", 400), walk.evicts, walk.bound)
			})
		}
	}
}

func (w *world) walk(everybody []bridge.UID, evicts bool, bound time.Duration) {
	for range 60 {
		uid := everybody[w.dice.IntN(len(everybody))]
		switch d := w.dice.IntN(20); {
		case d < 6:
			w.want(everybody[:w.dice.IntN(len(everybody))]...)
		case d < 10:
			w.want(uid)
		case d < 14:
			w.unwant(uid)
		case d < 17:
			w.unwant(everybody[w.dice.IntN(len(everybody)):]...)
		case d == 17:
			w.flush()
			w.restart()
		case evicts:
			delete(w.vendor[w.config.Operators[w.dice.IntN(3)]], uid)
		}
		w.run(time.Duration(w.dice.Int64N(int64(20 * time.Minute))))
		w.requireCovered(bound)
	}
	w.fails = 0
	w.run(w.config.Reconcile + time.Hour)
	w.requireNothingLeftOver()
}

// requireCovered runs until whoever lacks a subscription has had time to get one.
func (w *world) requireCovered(bound time.Duration) {
	w.t.Helper()
	w.run(bound)
	for uid := range w.wanted {
		if at := w.book.entries[uid].place; at == waiting || at == parked {
			require.True(w.t, at == waiting && !w.book.room() || w.bad[uid], "%s has no place", uid)
			continue
		}
		if !w.covered(uid) {
			w.t.Fatalf("%s is wanted and has no subscription", uid)
		}
	}
}

// requireNothingLeftOver finds the vendor, the ledger and the book of one mind.
func (w *world) requireNothingLeftOver() {
	w.t.Helper()
	w.flush()
	for op, subs := range w.vendor {
		for uid, until := range subs {
			if until.After(w.now) {
				require.Contains(w.t, w.wanted, uid, "%s still subscribes %s", op, uid)
				require.Equal(w.t, op, w.ledger[uid].Operator)
				require.Equal(w.t, until.UnixMilli(), w.ledger[uid].Until)
			}
		}
	}
	for uid := range w.ledger {
		require.True(w.t, w.covered(uid), "the ledger tells of a subscription of %s that is none", uid)
	}
}
