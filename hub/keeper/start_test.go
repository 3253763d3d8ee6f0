package keeper

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"

	"github.com/stretchr/testify/require"
)

// walks notes when lists are walked through.
type walks struct {
	Vendor
	mu sync.Mutex
	at map[string][]time.Time // by operator
}

func (w *walks) AllSubscriptions(ctx context.Context, operator string, read func(int)) ([]easemob.Subscription, error) {
	w.mu.Lock()
	w.at[operator] = append(w.at[operator], time.Now())
	w.mu.Unlock()
	return w.Vendor.AllSubscriptions(ctx, operator, read)
}

func (w *walks) of(operator string) []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.at[operator])
}

// all are the walks of all operators, in order.
func (w *walks) all() (all []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.at {
		all = append(all, at...)
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

func (s *stage) startWalks() *walks {
	w := &walks{Vendor: s.client, at: map[string][]time.Time{}}
	s.stop = running(s.t, s.keeper(w).Run)
	synctest.Wait()
	return w
}

// TestStartIsLevel has thirty thousand watched from the start, ten operators that are full to the last place, and a
// vendor whose own clients take their share of its budget. It refuses no call: calls leave one after another, a
// start takes as long as it takes, and lists are walked through one by one.
func TestStartIsLevel(t *testing.T) {
	t.Parallel()
	pages := []int{100, 500}
	if raced {
		pages = pages[:1]
	}
	for _, page := range pages {
		t.Run(fmt.Sprintf("pages of %d", page), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, emulator.Options{LimitPerS: 50, MaxPageSize: page, Users: -1,
					Faults: emulator.Faults{ClientCallsPerS: 5}}, Config{Operators: operators(10)})
				users := people("user", 30000)
				s.watchers.watch(users...)
				w := s.startWalks()
				time.Sleep(15 * time.Second)
				s.requireSubscribed(users)
				for op, n := range s.emu.Stats().Subscriptions {
					require.LessOrEqual(t, n, 3000, op)
				}
				stats := s.emu.Stats()
				require.LessOrEqual(t, stats.Calls["subscribe"], 310, "calls are full")
				require.LessOrEqual(t, stats.PeakPerS["subscribe"], 40)
				time.Sleep(35 * time.Minute)
				s.stop()
				require.Zero(t, s.emu.Stats().Rejected["429"])
				require.LessOrEqual(t, s.emu.Stats().PeakPerS["sublist"], 40)
				require.GreaterOrEqual(t, len(w.all()), 20, "each operator at the start and half an hour later")
				for i, at := range w.all()[1:] {
					require.GreaterOrEqual(t, at.Sub(w.all()[i]), s.config.withDefaults().Settle/10, "lists in a heap")
				}
				require.Equal(t, stats.Calls["subscribe"], s.emu.Stats().Calls["subscribe"], "the lists say nothing new")
				requireLedgerTells(t, s.ledger, s.emu, s.config)

				// Whoever takes over asks for nothing but lists.
				s.emu.ResetStats()
				s.start()
				time.Sleep(5 * time.Minute)
				s.stop()
				calls := s.emu.Stats().Calls
				require.Zero(t, calls["subscribe"]+calls["unsubscribe"])
				require.NotZero(t, calls["sublist"])
				require.LessOrEqual(t, s.emu.Stats().PeakPerS["sublist"], 40)
				require.Zero(t, s.emu.Stats().Rejected["429"])
			})
		})
	}
}

// TestOperatorsComeAndGo: however many operators there are, one more or one less moves no more than its own share.
func TestOperatorsComeAndGo(t *testing.T) {
	const users = 6000
	for _, n := range []int{2, 5, 10} {
		t.Run(fmt.Sprintf("%d operators", n), func(t *testing.T) {
			w := newWorld(t, Config{Operators: operators(n)}, 1)
			w.quiet = true
			w.want(people("u", users)...)
			w.run(10 * time.Second)
			before := w.assigned()

			w.config.Operators = operators(n + 1)
			w.vendor[fmt.Sprintf("op-%d", n+1)] = map[bridge.UID]time.Time{}
			w.restart()
			w.run(time.Hour)
			require.Equal(t, before, w.assigned(), "one more, and the ledger says who has whom: nobody moves")

			w.ledger = map[bridge.UID]bridge.Subscription{}
			for _, subs := range w.vendor { // where nothing is known, the choice is made anew
				clear(subs)
			}
			w.restart()
			w.run(10 * time.Second)
			moved := differ(before, w.assigned())
			t.Logf("one more than %d moves %d of %d where nothing is written down; its share is %d", n, moved, users, users/(n+1))
			require.LessOrEqual(t, moved, users/(n+1)*11/10)
			require.Greater(t, moved, users/(n+1)*9/10)

			before = w.assigned()
			w.config.Operators = operators(n)
			w.restart()
			w.resetCounts()
			w.run(10 * time.Second)
			moved = differ(before, w.assigned())
			t.Logf("one less than %d moves %d, all of them its own", n+1, moved)
			require.Equal(t, len(w.vendor[fmt.Sprintf("op-%d", n+1)]), moved)
			require.Equal(t, moved, w.uids[subscribe])

			w.config.Operators = operators(n + 1)
			before = w.assigned()
			w.restart()
			w.resetCounts()
			w.run(3 * time.Hour)
			require.Equal(t, before, w.assigned(), "it comes back, and nobody moves back")
			require.Zero(t, w.uids[subscribe])
			require.Equal(t, moved, w.uids[release], "what it still had is released, once")
		})
	}
}

// assigned is who is subscribed by whom, as the ledger has it.
func (w *world) assigned() map[bridge.UID]string {
	w.flush()
	by := map[bridge.UID]string{}
	for uid, line := range w.ledger {
		by[uid] = line.Operator
	}
	return by
}

func differ(x, y map[bridge.UID]string) (n int) {
	for uid, op := range x {
		if y[uid] != op {
			n++
		}
	}
	return n
}
