package keeper

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// TestLateSubscriptions: a vendor that answers with nobody, and subscribes later (ED24, for two days). The list
// confirms them: one walk through it for all the calls of a settle time, and no call is made again.
func TestLateSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{AsyncAbove: 5, AsyncDelay: 4 * time.Second}, Config{Operators: operators(2)})
		users := people("user", 500)
		s.watchers.watch(users...)
		w := s.startWalks()
		time.Sleep(2 * time.Second)
		require.Empty(t, s.subscribed(), "it does come late")
		for _, uid := range users {
			require.Empty(t, s.witness.of(uid), "an empty answer shows nothing")
		}
		time.Sleep(3 * time.Second)
		s.requireSubscribed(users)
		calls := s.emu.Stats().Calls["subscribe"]
		require.LessOrEqual(t, calls, 6)
		time.Sleep(20 * time.Minute)
		require.Equal(t, calls, s.emu.Stats().Calls["subscribe"], "nothing is tried again")
		for _, op := range s.config.Operators {
			require.LessOrEqual(t, len(w.of(op)), 2, "one walk confirms them all, one more where it came too soon for some")
		}
		requireLedgerTells(t, s.ledger, s.emu, s.config)
		require.NotContains(t, s.logs.String(), "does not confirm")

		// Renewals come late as well, and are confirmed by the lists that are due anyway.
		s.emu.ResetStats()
		time.Sleep(24 * time.Hour)
		s.requireSubscribed(users)
		require.LessOrEqual(t, s.emu.Stats().Calls["subscribe"], 16, "once or twice each")
		require.LessOrEqual(t, len(w.all()), 2*(24*60/27+4), "no list for their sake")
	})
}

// TestTooLateSubscriptions: where they come later than the list is waited for, they are tried again, but once in a
// settle time, and ever more rarely, until they are there.
func TestTooLateSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{AsyncAbove: 5, AsyncDelay: 50 * time.Second}, Config{Operators: operators(1)})
		users := people("user", 300)
		s.watchers.watch(users...)
		w := s.startWalks()
		time.Sleep(25 * time.Minute)
		s.requireSubscribed(users)
		calls := s.emu.Stats().Calls["subscribe"]
		require.LessOrEqual(t, calls, 3*4, "after 15, 30 and 60 seconds")
		require.Greater(t, calls, 3)
		requireApart(t, w.of("op-1"), s.config.withDefaults().Settle)
		require.Contains(t, s.logs.String(), "does not confirm")
		time.Sleep(time.Hour)
		require.Equal(t, calls, s.emu.Stats().Calls["subscribe"])
	})
}

func requireApart(t *testing.T, at []time.Time, d time.Duration) {
	t.Helper()
	for i := range at[1:] {
		require.GreaterOrEqual(t, at[i+1].Sub(at[i]), d)
	}
}

// forgetful takes a subscribe without doing it, and answers with nobody, or with part of them.
type forgetful struct {
	*walks
	keeps int // users of each call it forgets that are subscribed, and answered

	mu      sync.Mutex
	forgets int // so many more calls
	calls   []time.Time
}

func (f *forgetful) Subscribe(ctx context.Context, op string, uids []string, ttl time.Duration) (easemob.Answer, error) {
	switch {
	case !f.forgetsOne():
		return f.walks.Subscribe(ctx, op, uids, ttl)
	case f.keeps == 0:
		return easemob.Answer{Missing: uids, Asked: time.Now()}, nil
	}
	return f.walks.Subscribe(ctx, op, uids[:f.keeps], ttl)
}

func (f *forgetful) forgetsOne() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, time.Now())
	f.forgets--
	return f.forgets >= 0
}

func (f *forgetful) forget(calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgets = calls
}

// made are the calls so far, forgets how many are yet to be forgotten.
func (f *forgetful) made() (calls []time.Time, forgets int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls), f.forgets
}

func requireMade(t *testing.T, n int, f *forgetful, why string) {
	t.Helper()
	calls, _ := f.made()
	require.Len(t, calls, n, why)
}

// TestPartialAnswers: who is left out of an answer is not taken for subscribed. The list tells, and exactly those
// are subscribed again, in full calls, a moment after it has settled.
func TestPartialAnswers(t *testing.T) {
	for _, keeps := range []int{0, 30} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, emulator.Options{}, Config{Operators: operators(1)})
			f := &forgetful{walks: &walks{Vendor: s.client, at: map[string][]time.Time{}}, forgets: 3, keeps: keeps}
			users := people("user", 300)
			s.watchers.watch(users...)
			s.stop = running(t, s.keeper(f).Run)
			time.Sleep(14 * time.Second)
			require.Len(t, s.subscribed(), 3*keeps)
			requireMade(t, 3, f, "no storm")
			time.Sleep(6 * time.Second)
			s.requireSubscribed(users)
			require.Len(t, f.of("op-1"), 1)
			requireMade(t, 6, f, "once more")
			require.Equal(t, 300, s.emu.Stats().UIDs["subscribe"], "and exactly those who were left out")
			time.Sleep(20 * time.Minute)
			requireMade(t, 6, f, "and that is all")
			requireLedgerTells(t, s.ledger, s.emu, s.config)
		})
	}
}

// TestNeverConfirmed: a vendor that never does what it is asked is not asked in a storm, nor is its list.
func TestNeverConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: operators(1)})
		f := &forgetful{walks: &walks{Vendor: s.client, at: map[string][]time.Time{}}, forgets: 1 << 30}
		s.watchers.watch(people("user", 100)...)
		s.stop = running(t, s.keeper(f).Run)
		time.Sleep(4 * time.Hour)
		// After 15 s, 30 s, ... 16 min, and then with every list.
		calls, _ := f.made()
		require.LessOrEqual(t, len(calls), 20)
		require.Greater(t, calls[4].Sub(calls[0]), 3*time.Minute, "ever more rarely")
		requireApart(t, calls, s.config.withDefaults().Settle)
		requireApart(t, f.of("op-1"), s.config.withDefaults().Settle)
		require.Greater(t, len(calls), 12)
	})
}

// TestLostRenewal: a renewal that came to nothing is found out by the list well before the subscription ends, also
// where lists are rare.
func TestLostRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: operators(1), TTL: time.Hour, Reconcile: 12 * time.Hour})
		f := &forgetful{walks: &walks{Vendor: s.client, at: map[string][]time.Time{}}}
		users := people("user", 100)
		s.watchers.watch(users...)
		s.stop = running(t, s.keeper(f).Run)
		time.Sleep(20 * time.Minute)
		f.forget(2)
		for range 120 {
			time.Sleep(time.Minute)
			s.requireSubscribed(users)
		}
		_, forgets := f.made()
		require.Negative(t, forgets, "two renewals were lost")
	})
}

// TestPushedOutByOthers: a user takes so many subscribers, and others may push ours out (ED24). It is back within one
// reconciliation, each time.
func TestPushedOutByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{MaxSubscribers: 3}, Config{Operators: operators(1)})
		users := people("user", 10)
		s.watchers.watch(users...)
		s.start()
		for range 3 {
			time.Sleep(time.Hour)
			s.requireSubscribed(users)
			for _, other := range []string{"other-1", "other-2", "other-3"} {
				_, err := s.client.Subscribe(t.Context(), other, names(users[:4]), 48*time.Hour)
				require.NoError(t, err)
			}
			require.Len(t, s.subscribed(), 6, "ours are pushed out")
			time.Sleep(31 * time.Minute)
			s.requireSubscribed(users)
			for _, other := range []string{"other-1", "other-2", "other-3"} {
				require.NoError(t, s.client.Unsubscribe(t.Context(), other, names(users[:4])))
			}
		}
	})
}

// stingy gives less than is asked for.
type stingy struct {
	Vendor
	most time.Duration
}

func (v stingy) Subscribe(ctx context.Context, op string, uids []string, ttl time.Duration) (easemob.Answer, error) {
	return v.Vendor.Subscribe(ctx, op, uids, min(ttl, v.most))
}

// TestVendorGivesLess: renewals go by what the vendor gives, and a keeper that takes over knows it.
func TestVendorGivesLess(t *testing.T) {
	for name, o := range map[string]emulator.Options{"at once": {}, "late": {AsyncAbove: 5}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, o, Config{Operators: operators(1), TTL: 720 * time.Hour})
				users := people("user", 200)
				s.watchers.watch(users...)
				v := stingy{s.client, 6 * time.Hour}
				stop := running(t, s.keeper(v).Run)
				time.Sleep(time.Hour)
				for range 48 {
					time.Sleep(time.Hour)
					s.requireSubscribed(users)
				}
				require.LessOrEqual(t, s.emu.Stats().UIDs["subscribe"], 200*(49/3+3))
				for ledgerOff(t, s.ledger, s.emu, s.config) != "" { // a renewal may wait for the list to confirm it
					time.Sleep(time.Second)
				}
				stop()
				requireLedgerTells(t, s.ledger, s.emu, s.config)

				s.emu.ResetStats()
				stop = running(t, s.keeper(v).Run)
				time.Sleep(time.Minute)
				stop()
				require.LessOrEqual(t, s.emu.Stats().Calls["subscribe"], 1, "a renewal may be due, no more")
			})
		})
	}
}

// TestLinesThatMakeNoSense: what the ledger says of others' operators stays as it is; what makes no sense does no
// harm, and goes.
func TestLinesThatMakeNoSense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: operators(2)})
		hour := time.Now().Add(time.Hour).UnixMilli()
		others := map[bridge.UID]bridge.Subscription{
			"theirs":        {Operator: "their-op", Until: hour},
			"theirs-over":   {Operator: "their-op", Until: 1},
			"theirs-wanted": {Operator: "their-op", Until: hour},
		}
		ours := map[bridge.UID]bridge.Subscription{
			"over":          {Operator: "op-1", Until: time.Now().Add(-time.Hour).UnixMilli()},
			"far":           {Operator: "op-1", Until: 1 << 62},
			"far-wanted":    {Operator: "op-1", Until: 1 << 62},
			"self":          {Operator: "op-1", Until: hour},
			"op-2":          {Operator: "op-2", Until: hour},
			"not-there":     {Operator: "op-2", Until: hour},
			"odd-since":     {Operator: "op-2", Since: 1 << 60, Until: hour},
			"nobodys-since": {Operator: "op-2", Since: -5, Until: hour},
		}
		for _, lines := range []map[bridge.UID]bridge.Subscription{others, ours} {
			for uid, line := range lines {
				s.ledger.lines[uid] = line
			}
		}
		wanted := []bridge.UID{"theirs-wanted", "far-wanted", "op-2", "not-there", "odd-since", "fresh"}
		s.watchers.watch(wanted...)
		s.start()
		time.Sleep(time.Minute)
		s.requireSubscribed(wanted)
		require.Len(t, s.subscribed(), len(wanted))
		time.Sleep(3 * time.Hour)
		s.stop()
		require.Equal(t, others["theirs"], s.ledger.lines["theirs"])
		require.Equal(t, others["theirs-over"], s.ledger.lines["theirs-over"])
		delete(s.ledger.lines, "theirs")
		delete(s.ledger.lines, "theirs-over")
		requireLedgerTells(t, s.ledger, s.emu, s.config)
	})
}

// TestMetrics: who reads them knows how many go without, and how many there is room for.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: operators(2), Capacity: 40})
		s.watchers.watch(people("user", 100)...)
		k := s.keeper(s.client)
		stop := running(t, k.Run)
		time.Sleep(10 * time.Second)
		require.Equal(t, 80.0, testutil.ToFloat64(k.metrics.capacity))
		require.Equal(t, 20.0, testutil.ToFloat64(k.metrics.without.WithLabelValues("full")))
		require.Zero(t, testutil.ToFloat64(k.metrics.without.WithLabelValues("refused")))
		require.Zero(t, testutil.ToFloat64(k.metrics.overdue))
		require.Equal(t, 40.0, testutil.ToFloat64(k.metrics.subscriptions.WithLabelValues("op-2")))
		require.Equal(t, 1.0, testutil.ToFloat64(k.metrics.leading))
		stop()
		require.Zero(t, testutil.ToFloat64(k.metrics.capacity))
		require.Zero(t, testutil.ToFloat64(k.metrics.leading))
	})
}

// TestOverdue: who should have been renewed by now is overdue, and nobody else.
func TestOverdue(t *testing.T) {
	now := time.Now()
	var c calendar
	for _, in := range []time.Duration{-time.Hour, -time.Second, 0, time.Second, time.Hour} {
		s := c.open(now.Add(in))
		c.seat(&entry{}, s)
		c.seat(&entry{}, s)
	}
	require.Equal(t, 4, c.overdue(now))
	require.Zero(t, c.overdue(now.Add(-2*time.Hour)))
	require.Equal(t, c.users, c.overdue(now.Add(2*time.Hour)))
}
