package keeper

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"

	"github.com/stretchr/testify/require"
)

func oneOperator() Config { return Config{Operators: []string{"op-1"}} }

// TestBurstMakesFullCalls: newcomers are gathered for a moment, and a full call waits for nobody.
func TestBurstMakesFullCalls(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	for i, uid := range people("u", 250) {
		w.want(uid)
		w.now = worldStart.Add(time.Duration(i) * 100 * time.Microsecond)
	}
	c, ok := w.book.take(w.now)
	require.True(t, ok, "a full call is made at once")
	require.Len(t, c.uids, maxBatch)
	w.run(time.Second)
	require.Equal(t, 3, w.calls[subscribe])
	require.Equal(t, 250, w.uids[subscribe])

	w.want("u-late")
	_, ok = w.book.take(w.now)
	require.False(t, ok, "one alone is waited with")
	at, _ := w.book.next()
	require.Equal(t, w.now.Add(gather), at)
}

// TestTrickle: who comes one after another shares calls as well, four a second of an operator at most; nobody waits
// longer than that.
func TestTrickle(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	for _, uid := range people("u", 250) {
		w.want(uid)
		w.run(40 * time.Millisecond)
		for uid, since := range w.wanted {
			require.True(t, w.covered(uid) || w.now.Sub(since) <= tick+2*callTakes, "%s waits", uid)
		}
	}
	w.run(time.Second)
	require.LessOrEqual(t, w.calls[subscribe], 11*4)
	require.Equal(t, 250, w.uids[subscribe])
}

// TestRenewalsAreLevel subscribes users in one burst, and watches two weeks of renewals: in full calls, each within
// half and two thirds of its time, and level. At first they have a sixth of the lifetime to be level in, and no
// hour of its four has more than one and a half times its share. From the seventh lifetime on that holds of every
// minute and of every two hours, give or take one call.
func TestRenewalsAreLevel(t *testing.T) {
	for _, c := range []struct{ users, operators int }{{300, 1}, {3000, 1}, {1500, 10}, {30000, 10}} {
		t.Run(fmt.Sprintf("%d users of %d operators", c.users, c.operators), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{Operators: operators(c.operators), Capacity: 3300, Reconcile: 12 * time.Hour}, 1)
			w.quiet = true
			w.want(people("u", c.users)...)
			w.run(time.Minute)
			fresh := w.calls[subscribe]
			for range 14 * 2 {
				w.run(12 * time.Hour)
				for _, subs := range w.vendor {
					for _, until := range subs {
						require.GreaterOrEqual(t, until.Sub(w.now), w.config.TTL/3-time.Minute)
					}
				}
			}
			require.Equal(t, fresh, w.calls[subscribe], "nobody was subscribed anew")

			first := w.renewed(0, 20*time.Hour)
			require.Equal(t, c.users, sum(first), "each once in the first 20 hours")
			require.LessOrEqual(t, mostIn(first, time.Hour), c.users/4*3/2+maxBatch)
			steady := w.renewed(7*24*time.Hour, 14*24*time.Hour)
			mean := float64(sum(steady)) / (7 * 12)
			t.Logf("at most %d of %d in an hour at first, later %d in two hours, %.0f in the mean",
				mostIn(first, time.Hour), c.users, mostIn(steady, 2*time.Hour), mean)
			require.LessOrEqual(t, float64(mostIn(steady, 2*time.Hour)), 1.5*mean+maxBatch)
			require.LessOrEqual(t, float64(mostIn(steady, time.Minute)), 1.5*mean/120+maxBatch)
			require.InDelta(t, c.users*7*24/14, sum(steady), float64(c.users*3), "once in 12 to 16 hours")
			if c.users/c.operators%maxBatch == 0 {
				require.LessOrEqual(t, w.calls[renew]*maxBatch, w.uids[renew]*11/10, "calls are full")
			}
		})
	}
}

// TestRenewalsAreLevelByTheMinute has so many renewals that each minute sees several calls.
func TestRenewalsAreLevelByTheMinute(t *testing.T) {
	w := newWorld(t, Config{Operators: operators(10), TTL: time.Hour, Capacity: 3300, Reconcile: 12 * time.Hour}, 1)
	w.quiet = true
	w.want(people("u", 30000)...)
	w.run(12 * time.Hour)
	steady := w.renewed(7*time.Hour, 12*time.Hour)
	mean := float64(sum(steady)) / (5 * 60)
	t.Logf("at most %d in a minute, %.0f in the mean", mostIn(steady, time.Minute), mean)
	require.Greater(t, mean, 30000.0/40, "each within two thirds of its time")
	require.LessOrEqual(t, float64(mostIn(steady, time.Minute)), 1.5*mean+maxBatch)
}

// TestRenewalsFillUp: where many have gone since their renewal was planned, those who come next fill the call up.
func TestRenewalsFillUp(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	all := people("u", 3000)
	w.want(all...)
	w.run(time.Hour)
	for i, uid := range all {
		if i%3 != 0 {
			w.unwant(uid)
		}
	}
	w.run(20 * time.Hour)
	require.Equal(t, 1000, w.uids[renew])
	require.Equal(t, 10, w.calls[renew])
	w.run(10 * 24 * time.Hour)
	require.Equal(t, w.calls[renew]*maxBatch, w.uids[renew])
}

// renewal is how many users a call renewed.
type renewal struct {
	at    time.Time
	users int
}

func (w *world) renewed(from, to time.Duration) (renewals []renewal) {
	for i, at := range w.times[renew] {
		if after := at.Sub(worldStart); after >= from && after < to {
			renewals = append(renewals, renewal{at, w.sizes[i]})
		}
	}
	return renewals
}

func sum(renewals []renewal) (users int) {
	for _, r := range renewals {
		users += r.users
	}
	return users
}

// mostIn is how many are renewed in the worst span of some length.
func mostIn(renewals []renewal, span time.Duration) (most int) {
	from, users := 0, 0
	for _, r := range renewals {
		users += r.users
		for ; r.at.Sub(renewals[from].at) >= span; from++ {
			users -= renewals[from].users
		}
		most = max(most, users)
	}
	return most
}

func operators(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("op-%d", i+1))
	}
	return names
}

// TestRenewalIsBetweenHalfAndTwoThirds looks at the plan of one by one, of what is fresh and of what was taken
// over on its way.
func TestRenewalIsBetweenHalfAndTwoThirds(t *testing.T) {
	for _, life := range []time.Duration{2 * time.Second, time.Minute, 24 * time.Hour, 720 * time.Hour} {
		for _, gone := range []time.Duration{0, life / 4, life * 5 / 9} {
			w := newWorld(t, oneOperator(), 1)
			from := w.now.Add(-gone)
			for _, uid := range people("u", 1000) {
				e := &entry{uid: uid}
				e.runs(from, from.Add(life))
				w.book.hold(e, w.book.operators[0], w.now)
				part := float64(e.slot.at.Sub(from)) / float64(life)
				require.GreaterOrEqual(t, part, max(0.5, float64(gone)/float64(life)))
				require.LessOrEqual(t, part, 2.0/3)
			}
			require.Len(t, w.book.operators[0].calendar.slots, 10, "calls to come are full")
		}
		w := newWorld(t, oneOperator(), 1)
		e := &entry{uid: "late"}
		e.runs(w.now.Add(-life*3/4), w.now.Add(life/4))
		w.book.hold(e, w.book.operators[0], w.now)
		require.Equal(t, w.now, e.slot.at, "what is overdue is due")
	}
}

// TestSpread: users are spread evenly, and an operator more moves only its own share.
func TestSpread(t *testing.T) {
	three := newWorld(t, Config{Operators: []string{"op-1", "op-2", "op-3"}}, 1)
	three.want(people("u", 3000)...)
	three.run(time.Second)
	for op, subs := range three.vendor {
		require.InDelta(t, 1000, len(subs), 100, op)
	}

	w := newWorld(t, Config{Operators: []string{"op-1", "op-2", "op-3", "op-4"}}, 1)
	w.want(people("u", 3000)...)
	for _, op := range w.book.operators[:3] {
		for el := op.queue.Front(); el != nil; el = el.Next() {
			require.Contains(t, three.vendor[op.name], el.Value.(*entry).uid, "moved between old operators")
		}
	}
}

// TestOperatorAdded: whoever is subscribed stays where they are; only newcomers go to the new one.
func TestOperatorAdded(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1", "op-2"}}, 1)
	w.want(people("u", 300)...)
	w.run(time.Hour)
	w.config.Operators = append(w.config.Operators, "op-3")
	w.vendor["op-3"] = map[bridge.UID]time.Time{}
	w.restart()
	w.resetCounts()
	w.run(time.Hour)
	require.Zero(t, w.calls[subscribe])
	w.want(people("new", 300)...)
	w.run(time.Second)
	require.InDelta(t, 100, len(w.vendor["op-3"]), 30)
	require.Equal(t, 300, w.uids[subscribe])
}

// TestOperatorRemoved: its users go to the others, and it is left alone.
func TestOperatorRemoved(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1", "op-2"}}, 1)
	w.want(people("u", 300)...)
	w.run(time.Hour)
	moving := len(w.vendor["op-2"])
	w.config.Operators = []string{"op-1"}
	w.restart()
	w.resetCounts()
	w.run(time.Second)
	require.Equal(t, moving, w.uids[subscribe])
	require.Len(t, w.vendor["op-1"], 300)
	require.Zero(t, w.calls[release])
	for uid, line := range w.ledger {
		require.Equal(t, "op-1", line.Operator, uid)
	}
}

// TestCapacity: who finds no room waits, first come first served, and is subscribed when there is some.
func TestCapacity(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1", "op-2"}, Capacity: 100}, 1)
	all := people("u", 250)
	w.want(all...)
	w.run(time.Minute)
	require.Len(t, w.vendor["op-1"], 100)
	require.Len(t, w.vendor["op-2"], 100)
	require.Equal(t, 50, w.book.waiting.Len())

	w.unwant(all[:20]...)
	w.run(w.config.Linger - time.Second)
	require.Equal(t, 50, w.book.waiting.Len(), "who lingers takes up room at the vendor")
	w.run(5 * time.Second)
	require.Equal(t, 30, w.book.waiting.Len())
	require.True(t, w.covered(all[200]))
	require.False(t, w.covered(all[249]))
}

// TestLinger: nobody is released before their time, and who comes back in time costs nothing.
func TestLinger(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	w.want("u-1", "u-2")
	w.run(time.Minute)
	w.unwant("u-1", "u-2")
	w.run(w.config.Linger - time.Second)
	require.True(t, w.covered("u-1"))
	w.want("u-2")
	w.run(time.Minute)
	require.False(t, w.covered("u-1"))
	require.True(t, w.covered("u-2"))
	require.Equal(t, 1, w.calls[release])
	require.Equal(t, 1, w.calls[subscribe])
	require.NotContains(t, w.ledger, bridge.UID("u-1"))
}

// TestExpiredWhileLeaving: what is over by itself costs no release.
func TestExpiredWhileLeaving(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1"}, TTL: time.Minute, Linger: time.Hour}, 1)
	w.want("u-1")
	w.run(time.Second)
	w.unwant("u-1")
	w.run(2 * time.Minute)
	require.Zero(t, w.calls[release])
	require.Empty(t, w.ledger)
	require.Empty(t, w.book.entries)
}

// TestReleaseInDoubt: a release that seemed to fail may have worked, so who comes back is subscribed anew.
func TestReleaseInDoubt(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	w.want("u-1")
	w.run(time.Minute)
	w.unwant("u-1")
	w.run(w.config.Linger)
	w.now = w.now.Add(gatherRelease)
	c, ok := w.book.take(w.now)
	require.True(t, ok && c.kind == release)
	delete(w.vendor["op-1"], "u-1")
	w.book.failed(c, w.now)
	w.want("u-1")
	w.run(time.Second)
	require.True(t, w.covered("u-1"))
}

// TestOneBadUser finds the one whom the vendor refuses by halving; the others get theirs.
func TestOneBadUser(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	all := people("u", 100)
	w.bad[all[77]] = true
	w.want(all...)
	w.run(time.Minute)
	require.Len(t, w.vendor["op-1"], 99)
	require.LessOrEqual(t, w.calls[subscribe], 15)
	require.Equal(t, []bridge.UID{all[77]}, w.book.news.refused)

	w.bad = nil
	w.run(refusedFor)
	require.Len(t, w.vendor["op-1"], 100, "it is tried again after a while")
}

// TestBadRenewal: one whose renewal is refused spoils nobody else's.
func TestBadRenewal(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	all := people("u", 100)
	w.want(all...)
	w.run(time.Minute)
	w.bad[all[3]] = true
	w.run(2 * w.config.TTL)
	require.False(t, w.covered(all[3]))
	for _, uid := range slices.Delete(slices.Clone(all), 3, 4) {
		require.True(t, w.covered(uid), uid)
	}
	require.LessOrEqual(t, w.calls[renew], 100)
}

// TestEverythingRefused is not about users: the operator is left in peace for a while.
func TestEverythingRefused(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	all := people("u", 100)
	for _, uid := range all {
		w.bad[uid] = true
	}
	w.want(all...)
	w.run(30 * time.Second)
	require.LessOrEqual(t, w.calls[subscribe], maxRefusals+1)
}

// TestOperatorWatched: nobody subscribes themselves.
func TestOperatorWatched(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1", "op-2"}}, 1)
	w.want("op-1", "op-2", "u-1")
	w.run(time.Second)
	require.Contains(t, w.vendor["op-1"], bridge.UID("op-2"))
	require.Contains(t, w.vendor["op-2"], bridge.UID("op-1"))

	alone := newWorld(t, oneOperator(), 1)
	alone.want("op-1", "u-1")
	alone.run(time.Hour)
	require.Equal(t, []bridge.UID{"op-1"}, alone.book.news.selves)
	require.True(t, alone.covered("u-1"))
}

// TestBackOff: failures in a row are further and further apart, up to 30 s, and what is due stays due.
func TestBackOff(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	w.book.jitter = func(most time.Duration) time.Duration { return most }
	w.fails = math.Inf(1)
	w.want("u-1")
	w.run(3 * time.Minute)
	var gaps []time.Duration
	for i, at := range w.times[subscribe][1:] {
		gaps = append(gaps, (at.Sub(w.times[subscribe][i]) - callTakes).Round(100*time.Millisecond))
	}
	require.Equal(t, []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second,
		8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second}, gaps[:8])
	w.fails = 0
	w.run(30 * time.Second)
	require.True(t, w.covered("u-1"))
	require.Zero(t, w.book.operators[0].lanes[subscribe].tries)
}

// TestFreshComeFirst: then renewals, then releases, then lists.
func TestFreshComeFirst(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1"}, TTL: time.Hour, Reconcile: time.Hour}, 1)
	w.want("u-1", "u-2")
	w.run(time.Minute)
	w.now = w.now.Add(50 * time.Minute)
	w.unwant("u-2")
	w.now = w.now.Add(5 * time.Minute)
	w.want("u-3")
	w.now = w.now.Add(time.Second)
	w.book.operators[0].listAt = w.now
	w.resetCounts()
	var order []kind
	for c, ok := w.book.take(w.now); ok; c, ok = w.book.take(w.now) {
		order = append(order, c.kind)
		w.call(c)
	}
	require.Equal(t, []kind{subscribe, renew, release, inspect}, order)
}

// TestExpiryOfTheAnswer is taken as it is told, unless it makes no sense.
func TestExpiryOfTheAnswer(t *testing.T) {
	at := worldStart
	for name, test := range map[string]struct{ told, until, latest time.Duration }{
		"nothing said":         {0, time.Hour, 40 * time.Minute},
		"less than asked for":  {30 * time.Minute, 30 * time.Minute, 20 * time.Minute},
		"more than asked for":  {2 * time.Hour, 2 * time.Hour, 40 * time.Minute},
		"over before it began": {-time.Minute, time.Hour, 40 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Config{Operators: []string{"op-1"}, TTL: time.Hour}, 1)
			w.want("u-1")
			w.now = w.now.Add(time.Second)
			c, _ := w.book.take(w.now)
			expiry := map[bridge.UID]time.Time{"u-1": {}}
			if test.told != 0 {
				expiry["u-1"] = at.Add(test.told)
			}
			w.book.subscribed(c, at, expiry, w.now)
			e := w.book.entries["u-1"]
			require.Equal(t, at.Add(test.until), e.until)
			require.False(t, e.slot.at.After(at.Add(test.latest)))
			require.True(t, e.slot.at.After(at.Add(14*time.Minute)))
		})
	}
}

// TestReconcile holds lists against the book, case by case.
func TestReconcile(t *testing.T) {
	const old, young = 10 * time.Minute, 5 * time.Second // since the vendor took the subscription
	later := 20 * time.Hour
	cases := []struct {
		name     string
		held     string // by which operator; none when empty
		age      time.Duration
		wanted   bool
		listed   time.Duration // left in op-1's list; not in it when 0
		place    place
		extra    bool
		released bool // by us, a moment ago
	}{
		{name: "of one mind", held: "op-1", age: old, wanted: true, listed: later, place: held},
		{name: "dropped", held: "op-1", age: old, wanted: true, place: queued},
		{name: "too young to be in the list", held: "op-1", age: young, wanted: true, place: held},
		{name: "dropped, and nobody minds", held: "op-1", age: old, place: nowhere},
		{name: "nobody knew, and somebody wants it", wanted: true, listed: later, place: held},
		{name: "nobody knew, and nobody wants it", listed: later, place: leaving},
		{name: "held elsewhere as well", held: "op-2", age: old, wanted: true, listed: later, place: held, extra: true},
		{name: "released a moment ago", released: true, listed: later, place: nowhere},
		{name: "released a moment ago, held elsewhere", held: "op-2", age: old, wanted: true, released: true, listed: later, place: held},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, Config{Operators: []string{"op-1", "op-2"}}, 1)
			op := w.book.byName["op-1"]
			if c.held != "" {
				w.book.load(map[bridge.UID]bridge.Subscription{"u": {Operator: c.held, Until: w.now.Add(later).UnixMilli()}}, nil, w.now)
				w.book.entries["u"].accepted = w.now.Add(-c.age)
			}
			if c.wanted {
				w.book.want("u", w.now)
			}
			if c.released {
				op.released["u"] = w.now.Add(-young)
			}
			var list []easemob.Subscription
			if c.listed != 0 {
				list = append(list, easemob.Subscription{UID: "u", Expiry: w.now.Add(c.listed)})
			}
			w.book.reconcile(op, list, w.now, w.now)
			var at place
			if e := w.book.entries["u"]; e != nil {
				at = e.place
			}
			require.Equal(t, c.place, at)
			require.Equal(t, c.extra, len(op.extras) == 1)
		})
	}
}

// TestListKnowsAnEarlierEnd: the list's expiry counts where it is before ours.
func TestListKnowsAnEarlierEnd(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	w.want("u-1")
	w.run(time.Hour)
	w.vendor["op-1"]["u-1"] = w.now.Add(17 * time.Hour)
	w.run(w.config.Reconcile)
	require.Equal(t, worldStart.Add(18*time.Hour).UnixMilli(), w.ledger["u-1"].Until)
	w.run(18 * time.Hour)
	require.True(t, w.covered("u-1"))
}

// TestListKnowsAnEndBeyondReason: what is adopted is planned for no longer than we would have asked, whatever the list
// says, or it would be renewed in a hundred years.
func TestListKnowsAnEndBeyondReason(t *testing.T) {
	w := newWorld(t, oneOperator(), 1)
	w.book.want("u", w.now)
	list := []easemob.Subscription{{UID: "u", Expiry: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}}
	w.book.reconcile(w.book.operators[0], list, w.now, w.now)
	e := w.book.entries["u"]
	require.Equal(t, held, e.place)
	require.False(t, e.until.After(w.now.Add(w.config.TTL)), e.until)
	require.False(t, e.slot.at.After(w.now.Add(w.config.TTL*2/3)), e.slot.at)
}

// TestExtraIsReleasedOnce: who is subscribed twice is released where the book does not have it.
func TestExtraIsReleasedOnce(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1", "op-2"}}, 1)
	w.want(people("u", 300)...)
	w.run(time.Second)
	for uid := range w.vendor["op-1"] {
		w.vendor["op-2"][uid] = w.now.Add(time.Hour)
	}
	extra := len(w.vendor["op-1"])
	w.run(time.Hour)
	require.Equal(t, extra, w.uids[release])
	require.Len(t, w.vendor["op-2"], 300-extra)
	require.Len(t, w.vendor["op-1"], extra)
}

// TestExtraBecomesRight: who was to be released somewhere, and comes to be subscribed right there, is not.
func TestExtraBecomesRight(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1", "op-2"}}, 1)
	one, two := w.book.operators[0], w.book.operators[1]
	w.want("u")
	w.run(time.Minute)
	e := w.book.entries["u"]
	other := one
	if e.op == one {
		other = two
	}
	other.extras["u"] = struct{}{}
	w.book.move(e, queued, other)
	w.run(time.Hour)
	require.Contains(t, w.vendor[other.name], bridge.UID("u"))
	require.Equal(t, other.name, w.ledger["u"].Operator)
}

// TestAdoptedTakeUpRoom: what is found at the vendor counts, and those who were to come wait instead.
func TestAdoptedTakeUpRoom(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1"}, Capacity: 100}, 1)
	w.book.stopped(batch{kind: subscribe, op: w.book.operators[0]}, w.now)
	w.want(people("u", 100)...)
	for _, uid := range people("found", 40) {
		w.vendor["op-1"][uid] = w.now.Add(time.Hour)
	}
	w.now = w.now.Add(w.config.Settle)
	w.conclude(batch{kind: inspect, op: w.book.operators[0]}, w.now)
	require.Equal(t, 40, w.book.waiting.Len())
	w.run(time.Hour)
	require.Len(t, w.vendor["op-1"], 100)
	require.Zero(t, w.book.waiting.Len())
}

// TestRestartCostsNothing: a keeper that begins finds it all in the ledger.
func TestRestartCostsNothing(t *testing.T) {
	w := newWorld(t, Config{Operators: []string{"op-1", "op-2"}}, 1)
	w.want(people("u", 1000)...)
	w.run(time.Hour)
	w.resetCounts()
	for range 10 {
		w.restart()
		w.run(time.Minute)
	}
	require.Zero(t, w.calls[subscribe]+w.calls[renew]+w.calls[release])
	require.Equal(t, 20, w.calls[inspect])
}
