package keeper

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"

	"github.com/stretchr/testify/require"
)

// TestManyLifetimes: at a vendor that answers only for those whom the caller subscribes, for a minute each,
// nobody who is watched is ever missing in an answer.
func TestManyLifetimes(t *testing.T) {
	for name, faults := range map[string]emulator.Faults{
		"a vendor without fail": {},
		"one call in ten fails": {ErrorRate: 0.05, ResetRate: 0.05, DropEntryRate: 0.02, EmptyUIDRate: 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, emulator.Options{NeedSubscription: true}, Config{Operators: []string{"op-1", "op-2"},
					TTL: time.Minute, Reconcile: 5 * time.Minute})
				users := people("user", 250)
				s.watchers.watch(users...)
				require.NoError(t, s.emu.SetFaults(faults))
				s.start()
				time.Sleep(10 * time.Second)
				for range 30 * 12 {
					time.Sleep(5 * time.Second)
					s.requireSubscribed(users)
					if faults == (emulator.Faults{}) { // else an answer may leave somebody out for the fault's sake
						s.requireAnswered(users)
					}
				}
				require.NoError(t, s.emu.SetFaults(emulator.Faults{}))
				s.requireAnswered(users)
				if faults != (emulator.Faults{}) {
					require.NotZero(t, s.emu.FaultsFired().Error)
					require.NotZero(t, s.emu.FaultsFired().Reset)
				}
			})
		})
	}
}

func (s *stage) requireSubscribed(users []bridge.UID) {
	s.t.Helper()
	have := s.subscribed()
	for _, uid := range users {
		if _, ok := have[uid]; !ok {
			s.t.Fatalf("%s is watched and not subscribed", uid)
		}
	}
}

// requireAnswered polls as the poller does: everybody through the operator whom the ledger tells.
func (s *stage) requireAnswered(users []bridge.UID) {
	s.t.Helper()
	lines, err := s.ledger.Ledger(s.t.Context())
	require.NoError(s.t, err)
	require.Len(s.t, lines, len(users))
	by := map[string][]string{}
	for uid, line := range lines {
		by[line.Operator] = append(by[line.Operator], string(uid))
	}
	for op, uids := range by {
		for len(uids) > 0 {
			n := min(len(uids), maxBatch)
			answer, err := s.client.Get(s.t.Context(), op, uids[:n])
			require.NoError(s.t, err)
			require.Empty(s.t, answer.Missing)
			uids = uids[n:]
		}
	}
}

// TestRestart: a keeper that stops leaves everything as it is, and the next one subscribes nobody anew.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: []string{"op-1", "op-2"}})
		users := people("user", 500)
		s.watchers.watch(users...)
		s.start()
		time.Sleep(time.Minute)
		s.requireSubscribed(users)
		s.stop()
		s.requireSubscribed(users)
		requireLedgerTells(t, s.ledger, s.emu, s.config)
		s.emu.ResetStats()
		for range 5 {
			s.start()
			time.Sleep(time.Minute)
			s.stop()
		}
		calls := s.emu.Stats().Calls
		require.Zero(t, calls["subscribe"]+calls["unsubscribe"])
		require.NotZero(t, calls["sublist"])
		s.requireSubscribed(users)
	})
}

// TestSilentEviction: whom the vendor drops without a word is back within one reconciliation.
func TestSilentEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{MaxSubscriptions: 50}, Config{Operators: []string{"op-1"}})
		users := people("user", 40)
		s.watchers.watch(users...)
		s.start()
		time.Sleep(time.Hour)
		// Somebody else makes the operator subscribe strangers for longer, who push ours out.
		strangers := people("stranger", 30)
		_, err := s.client.Subscribe(t.Context(), "op-1", names(strangers), 25*time.Hour)
		require.NoError(t, err)
		require.NoError(t, s.client.Unsubscribe(t.Context(), "op-1", names(strangers)))
		require.Len(t, s.subscribed(), 20)
		time.Sleep(31 * time.Minute)
		s.requireSubscribed(users)
		require.Contains(t, s.logs.String(), "dropped subscriptions")
	})
}

// TestLingerAndRelease: who is watched no more stays for a while, and is then released and forgotten.
func TestLingerAndRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: []string{"op-1"}})
		users := people("user", 10)
		s.watchers.watch(users...)
		s.start()
		time.Sleep(time.Second)
		s.watchers.unwatch(users[:5]...)
		time.Sleep(time.Minute)
		s.watchers.watch(users[0])
		time.Sleep(time.Minute - time.Second)
		s.requireSubscribed(users)
		time.Sleep(3 * time.Second)
		require.Len(t, s.subscribed(), 6)
		requireLedgerTells(t, s.ledger, s.emu, s.config)
		require.Equal(t, 1, s.emu.Stats().Calls["unsubscribe"])
		require.Equal(t, 1, s.emu.Stats().Calls["subscribe"])
	})
}

// TestOverCapacity: the vendor never gets to push anybody out; it is said once that some go without.
func TestOverCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{MaxSubscriptions: 30}, Config{Operators: []string{"op-1", "op-2"}, Capacity: 30})
		users := people("user", 100)
		s.watchers.watch(users...)
		s.start()
		time.Sleep(3 * time.Hour)
		before := s.subscribed()
		require.Len(t, before, 60)
		require.Equal(t, 1, strings.Count(s.logs.String(), "operators are full"))
		for uid := range before {
			s.watchers.unwatch(uid)
		}
		time.Sleep(time.Hour)
		require.Len(t, s.subscribed(), 40)
		require.Contains(t, s.logs.String(), "room for a subscription again")
	})
}

// TestAnswerIsObserved: what a subscribe shows is told once of each, of when the call began; nothing of those
// who have gone meanwhile.
func TestAnswerIsObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{Users: 3, Faults: emulator.Faults{LatencyMS: 500}}, Config{Operators: []string{"op-1"}})
		s.emu.SetUser("user-0001", map[string]string{"android": "1"}, "busy")
		s.watchers.watch("user-0001", "user-0002")
		began := time.Now()
		s.start()
		time.Sleep(100 * time.Millisecond)
		s.watchers.unwatch("user-0002")
		time.Sleep(time.Second)
		require.Len(t, s.witness.of("user-0001"), 1)
		o := s.witness.of("user-0001")[0]
		require.True(t, o.State.Online)
		require.Equal(t, "busy", o.State.Ext)
		require.Equal(t, bridge.SourceSubscribe, o.Source)
		require.WithinDuration(t, began, o.At, 50*time.Millisecond)
		require.Empty(t, s.witness.of("user-0002"))
	})
}

// TestMissingIsNoObservation: who is left out of an answer is subscribed all the same, and unknown.
func TestMissingIsNoObservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{Faults: emulator.Faults{DropEntryRate: 1}}, Config{Operators: []string{"op-1"}})
		s.watchers.watch("user-0001", "user-0002")
		s.start()
		time.Sleep(time.Minute)
		require.Len(t, s.subscribed(), 2)
		require.Empty(t, s.witness.of("user-0001"))
		require.Empty(t, s.witness.of("user-0002"))
		require.NotZero(t, s.emu.FaultsFired().DropEntry)
		requireLedgerTells(t, s.ledger, s.emu, s.config)
	})
}

// TestNotSwitchedOn: nobody hammers at a vendor that nothing but the console can open, and the log says so.
func TestNotSwitchedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{NotActivated: true}, Config{Operators: []string{"op-1", "op-2"}})
		s.watchers.watch(people("user", 300)...)
		s.start()
		time.Sleep(10 * time.Minute)
		require.LessOrEqual(t, s.emu.Stats().Calls["subscribe"], 11)
		require.Contains(t, s.logs.String(), "EASEMOB_STATUS=online")
	})
}

// TestThrottled: a vendor that finds us too fast is asked less and less, and everybody gets theirs after it.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{Faults: emulator.Faults{ErrorRate: 1, ErrorStatus: 429}}, Config{Operators: []string{"op-1"}})
		users := people("user", 100)
		s.watchers.watch(users...)
		s.start()
		time.Sleep(10 * time.Minute)
		require.LessOrEqual(t, s.emu.Stats().Calls["subscribe"], 120)
		require.NoError(t, s.emu.SetFaults(emulator.Faults{}))
		time.Sleep(time.Minute)
		s.requireSubscribed(users)
	})
}

// TestLedgerAway: what could not be written is written when the ledger is back.
func TestLedgerAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: []string{"op-1"}})
		s.start()
		s.ledger.setAway(errors.New("NATS is away"))
		s.watchers.watch(people("user", 100)...)
		time.Sleep(time.Minute)
		require.Len(t, s.subscribed(), 100, "calls go on")
		require.Contains(t, s.logs.String(), "NATS is away")
		s.ledger.setAway(nil)
		time.Sleep(2 * time.Second)
		requireLedgerTells(t, s.ledger, s.emu, s.config)
	})
}

// TestLedgerLost: with an empty ledger everybody is subscribed anew, and strangers of ours are found and
// released.
func TestLedgerLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: []string{"op-1"}})
		users := people("user", 50)
		_, err := s.client.Subscribe(t.Context(), "op-1", names(users), time.Hour)
		require.NoError(t, err)
		s.watchers.watch(users[:30]...)
		s.start()
		time.Sleep(time.Minute)
		require.Len(t, s.subscribed(), 50)
		require.Equal(t, 50, s.ledger.len())
		time.Sleep(3 * time.Minute)
		s.requireSubscribed(users[:30])
		require.Len(t, s.subscribed(), 30)
		require.Equal(t, 30, s.ledger.len())
	})
}

// TestRoleLostMidway: a keeper whose role ends in the middle of a call stops at once, and the next one makes
// good what is missing.
func TestRoleLostMidway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{Faults: emulator.Faults{LatencyMS: 1000}}, Config{Operators: []string{"op-1"}})
		users := people("user", 350)
		s.watchers.watch(users...)
		s.start()
		time.Sleep(1500 * time.Millisecond)
		began := time.Now()
		s.stop()
		require.Less(t, time.Since(began), time.Second)
		require.Equal(t, 100, s.ledger.len(), "what was taken is written down")
		s.start()
		time.Sleep(time.Minute)
		s.requireSubscribed(users)
		requireLedgerTells(t, s.ledger, s.emu, s.config)
	})
}

// lastCall ends everything while the vendor's yes is on its way.
type lastCall struct {
	Vendor
	end context.CancelFunc
}

func (l lastCall) Subscribe(ctx context.Context, op string, uids []string, ttl time.Duration) (easemob.Answer, error) {
	answer, err := l.Vendor.Subscribe(ctx, op, uids, ttl)
	l.end()
	return answer, err
}

// TestLastCallIsWrittenDown: what the vendor took just before the end is in the ledger all the same.
func TestLastCallIsWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, emulator.Options{}, Config{Operators: []string{"op-1"}})
		s.watchers.watch(people("user", 10)...)
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, s.keeper(lastCall{s.client, cancel}).Run(ctx))
		require.Len(t, s.subscribed(), 10)
		requireLedgerTells(t, s.ledger, s.emu, s.config)
	})
}

// TestVerdicts: what becomes of each error.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		err  error
		want verdict
	}{
		{nil, fine},
		{errors.New("something else"), passing},
		{&easemob.Error{Status: 400}, refused},
		{&easemob.Error{Status: 200}, refused},
		{easemob.ErrInvalid, refused},
		{&easemob.Error{Status: 404}, blocked},
		{&easemob.Error{Status: 403}, blocked},
	} {
		require.Equal(t, c.want, verdictOf(c.err), "%v", c.err)
	}
}

func TestConfigTellsAllThatIsWrong(t *testing.T) {
	require.NoError(t, Config{Operators: []string{"op-1"}, ID: "k"}.Validate())
	err := Config{Operators: []string{"op-1", "OP-1", "not an id"}, TTL: 1500 * time.Hour, Linger: -1, Capacity: -1}.Validate()
	for _, part := range []string{"twice", "not a user id", "SUBSCRIPTION_TTL", "linger", "capacity", "id"} {
		require.ErrorContains(t, err, part)
	}
	require.ErrorContains(t, Config{ID: "k"}.Validate(), "EASEMOB_OPERATORS")
}

func TestLifetimesAreWholeSeconds(t *testing.T) {
	c := Config{Operators: []string{"op-1"}, ID: "k", TTL: 90 * time.Second}
	require.NoError(t, c.Validate())
	c.TTL += time.Millisecond
	require.ErrorContains(t, c.Validate(), "SUBSCRIPTION_TTL 1m30.001s: the vendor takes whole seconds")
}
