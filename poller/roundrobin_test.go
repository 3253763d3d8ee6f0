package poller

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const testRevisit, testSlack = 500 * time.Millisecond, 100 * time.Millisecond

func newTestRobin(operators ...string) *roundRobin {
	return newRoundRobin(operators, testRevisit, testSlack)
}

func uidsFrom(from, n int) []bridge.UID {
	uids := make([]bridge.UID, n)
	for i := range uids {
		uids[i] = bridge.UID(fmt.Sprintf("u%05d", from+i))
	}
	return uids
}

func watchAll(r *roundRobin, looked, now time.Time, uids ...bridge.UID) {
	for _, uid := range uids {
		r.Watch(uid, looked, now)
	}
}

func (b batch) uids() []bridge.UID {
	uids := []bridge.UID{}
	for _, p := range b.picks {
		uids = append(uids, p.uid)
	}
	return uids
}

func doneAll(r *roundRobin, b batch, at time.Time, o outcome) {
	for _, p := range b.picks {
		r.Done(p.uid, look{at, o})
	}
}

func TestNobodyIsDueWhereNobodyIsWatched(t *testing.T) {
	r := newTestRobin("a")
	require.Empty(t, r.Next(noon, 100).picks)
	require.Equal(t, maxIdle, r.Idle(noon))
}

func TestNewUsersAreAskedInTheNextCall(t *testing.T) {
	r := newTestRobin("a")
	watchAll(r, noon.Add(-time.Minute), noon, uidsFrom(0, 300)...)
	require.Zero(t, r.Idle(noon))
	r.Watch("new", time.Time{}, noon)
	b := r.Next(noon, 100)
	require.Len(t, b.picks, 100)
	require.Equal(t, bridge.UID("new"), b.picks[0].uid)
}

func TestUsersInTurnAreOldestFirst(t *testing.T) {
	r := newTestRobin("a")
	for i, uid := range uidsFrom(0, 250) {
		r.Watch(uid, noon.Add(-time.Duration(i)*time.Minute), noon)
	}
	b := r.Next(noon, 100)
	require.Equal(t, bridge.UID("u00249"), b.picks[0].uid)
	require.Equal(t, bridge.UID("u00150"), b.picks[99].uid)
}

func TestAHintIsInTheNextCall(t *testing.T) {
	r := newTestRobin("a", "b", "c")
	uids := uidsFrom(0, 3000)
	watchAll(r, noon.Add(-time.Minute), noon, uids...)
	last := uids[2999]
	r.Hint(last, bridge.SourceBridge, noon)
	b := r.Next(noon, 100)
	require.Equal(t, pick{last, bridge.SourceBridge}, b.picks[0])
	require.Len(t, b.picks, 100, "a hint does not cost the others their places")
}

func TestAnOwnSetGoesBeforeACrowdOfNewcomers(t *testing.T) {
	r := newTestRobin("a")
	watchAll(r, time.Time{}, noon, uidsFrom(0, 3000)...)
	r.Hint("u02999", bridge.SourceBridge, noon.Add(time.Second)) // new as well, and the last of them
	b := r.Next(noon.Add(time.Second), 100)
	require.Equal(t, pick{"u02999", bridge.SourceBridge}, b.picks[0])
}

func TestAHintAboutSomebodyJustLookedAtCostsOneCall(t *testing.T) {
	r := newTestRobin("a")
	watchAll(r, time.Time{}, noon, uidsFrom(0, 50)...)
	doneAll(r, r.Next(noon, 100), noon, seen)
	now := noon.Add(10 * time.Millisecond)
	r.Hint("u00007", bridge.SourceHint, now)
	require.Equal(t, []pick{{"u00007", bridge.SourceHint}}, r.Next(now, 100).picks)
	require.Empty(t, r.Next(now, 100).picks)
}

func TestAHintDuringACallMeansAnotherLook(t *testing.T) {
	for _, o := range []outcome{seen, missing, overtaken, failed} {
		r := newTestRobin("a")
		r.Watch("u", noon.Add(-time.Minute), noon)
		doing := r.Next(noon, 100)
		r.Hint("u", bridge.SourceHint, noon.Add(time.Millisecond))
		require.Empty(t, r.Next(noon.Add(time.Millisecond), 100).picks, "nobody is in two calls")
		doneAll(r, doing, noon, o)
		require.Equal(t, []pick{{"u", bridge.SourceHint}}, r.Next(noon.Add(time.Millisecond), 100).picks, "outcome %d", o)
	}
}

func TestTheSourceOfAHintIsForgottenWhenItWasSeen(t *testing.T) {
	r := newTestRobin("a")
	r.Watch("u", noon, noon)
	r.Hint("u", bridge.SourceHint, noon)
	for _, o := range []outcome{failed, seen} {
		b := r.Next(noon, 100)
		require.Equal(t, []pick{{"u", bridge.SourceHint}}, b.picks, "a call that failed has shown nothing")
		doneAll(r, b, noon, o)
	}
	require.Equal(t, []pick{{"u", bridge.SourcePoll}}, r.Next(noon.Add(time.Second), 100).picks)
}

func TestNobodyIsLookedAtAgainTooSoon(t *testing.T) {
	r := newTestRobin("a")
	r.Watch("u", time.Time{}, noon)
	doneAll(r, r.Next(noon, 100), noon, seen)
	require.Equal(t, testRevisit+testSlack, r.Idle(noon))
	require.Empty(t, r.Next(noon.Add(testRevisit-1), 100).picks)
	require.Len(t, r.Next(noon.Add(testRevisit+testSlack), 100).picks, 1)
}

func TestStragglersComeBackToTheOthers(t *testing.T) {
	r := newTestRobin("a")
	uids := uidsFrom(0, 50)
	for i, uid := range uids { // looked at one by one, within the slack
		r.Watch(uid, noon.Add(time.Duration(i)*time.Millisecond), noon)
	}
	now := noon.Add(testRevisit + testSlack)
	require.Len(t, r.Next(now, 100).picks, 50)
}

func TestOvertakenUsersAreLookedAtSoonButNotAtOnce(t *testing.T) {
	r := newTestRobin("a")
	watchAll(r, noon.Add(-time.Minute), noon, uidsFrom(0, 1000)...)
	b := r.Next(noon, 100)
	doneAll(r, b, noon, overtaken)
	require.NotContains(t, r.Next(noon.Add(testRevisit-1), 100).uids(), b.picks[0].uid)
	require.Subset(t, r.Next(noon.Add(testRevisit), 100).uids(), b.uids()[:80])
}

func TestAFailedCallLeavesTheOrderAsItWas(t *testing.T) {
	r := newTestRobin("a")
	for i, uid := range uidsFrom(0, 500) {
		r.Watch(uid, noon.Add(time.Duration(i-1000)*time.Second), noon)
	}
	watchAll(r, time.Time{}, noon, uidsFrom(900, 90)...)
	r.Hint("u00400", bridge.SourceHint, noon)
	first, second, third := r.Next(noon, 100), r.Next(noon, 100), r.Next(noon, 100)
	for _, b := range []batch{second, third, first} { // they fail in any order
		doneAll(r, b, noon.Add(time.Second), failed)
	}
	require.Equal(t, first, r.Next(noon.Add(time.Second), 100))
	require.Equal(t, second, r.Next(noon.Add(time.Second), 100))
	require.Equal(t, third, r.Next(noon.Add(time.Second), 100))
}

func TestTheFrontLaneLeavesRoomInEachCall(t *testing.T) {
	r := newTestRobin("a")
	watchAll(r, noon.Add(-time.Minute), noon, uidsFrom(0, 100)...)
	watchAll(r, time.Time{}, noon, uidsFrom(1000, 1000)...)
	b := r.Next(noon, 100)
	inTurn := 0
	for _, uid := range b.uids() {
		if uid < "u01000" {
			inTurn++
		}
	}
	require.Equal(t, 20, inTurn)
}

func TestFrontLanesLeaveCallsToOtherOperators(t *testing.T) {
	r := newTestRobin("a", "b")
	for i, uid := range uidsFrom(0, 2000) {
		looked := noon.Add(-time.Minute)
		if i%2 == 0 {
			looked = time.Time{} // all of them of operator a: its lane alone would do for ten calls
		}
		r.Watch(uid, looked, noon)
		r.Assign(uid, []string{"a", "b"}[i%2])
	}
	var calls []string
	for range 10 {
		calls = append(calls, r.Next(noon, 100).operator)
	}
	require.Equal(t, []string{"a", "a", "a", "a", "b", "a", "a", "a", "a", "b"}, calls)
}

func TestUsersAreAskedByTheOperatorThatSubscribesThem(t *testing.T) {
	r := newTestRobin("a", "b")
	watchAll(r, time.Time{}, noon, uidsFrom(0, 100)...)
	for _, uid := range uidsFrom(0, 100) {
		r.Assign(uid, "b")
	}
	b := r.Next(noon, 100)
	require.Equal(t, "b", b.operator)
	require.Len(t, b.picks, 100)
	r.Assign("u00005", "a") // while in a call
	doneAll(r, b, noon, seen)
	later := noon.Add(time.Second)
	got := map[string]int{}
	for range 2 {
		b := r.Next(later, 100)
		got[b.operator] = len(b.picks)
	}
	require.Equal(t, map[string]int{"a": 1, "b": 99}, got)
}

func TestUsersOfNoOperatorOfOursStayWhereTheyAre(t *testing.T) {
	r := newTestRobin("a", "b", "c")
	for _, uid := range uidsFrom(0, 20) {
		r.Watch(uid, time.Time{}, noon)
		before, _ := r.Place(uid)
		for _, name := range []string{"gone", ""} {
			r.Assign(uid, name)
			after, _ := r.Place(uid)
			require.Equal(t, before, after)
		}
	}
}

func TestAnotherOperatorMovesNobodyButToItself(t *testing.T) {
	three, four := newTestRobin("a", "b", "c"), newTestRobin("a", "b", "c", "d")
	share := map[string]int{}
	for _, uid := range uidsFrom(0, 4000) {
		before, after := three.operatorOf(uid).name, four.operatorOf(uid).name
		share[after]++
		if after != "d" {
			require.Equal(t, before, after)
		}
	}
	for name, n := range share {
		require.InDelta(t, 1000, n, 150, name)
	}
}

func TestAHeldOperatorLeavesTheCallsToTheOthers(t *testing.T) {
	r := newTestRobin("a", "b")
	for i, uid := range uidsFrom(0, 400) {
		r.Watch(uid, noon.Add(-time.Hour), noon)
		r.Assign(uid, []string{"a", "b"}[i%2])
	}
	r.Hold("a", noon.Add(time.Second))
	require.Equal(t, "b", r.Next(noon, 100).operator)
	require.Equal(t, "b", r.Next(noon, 100).operator)
	require.Empty(t, r.Next(noon, 100).picks)
	require.Equal(t, time.Second, r.Idle(noon))

	later := noon.Add(time.Second)
	trial := r.Next(later, 100)
	require.Equal(t, "a", trial.operator)
	require.Empty(t, r.Next(later, 100).picks, "one call at a time until it goes again")
	require.Equal(t, maxIdle, r.Idle(later))
	r.Release("a")
	require.Equal(t, "a", r.Next(later, 100).operator)
}

func TestWhoIsUnwatchedIsForgotten(t *testing.T) {
	r := newTestRobin("a")
	watchAll(r, time.Time{}, noon, "x", "y")
	r.Unwatch("x")
	b := r.Next(noon, 100)
	require.Equal(t, []bridge.UID{"y"}, b.uids())
	r.Unwatch("y") // in a call
	_, there := r.Place("y")
	require.False(t, there)
	doneAll(r, b, noon, seen)
	require.Empty(t, r.users)
	require.Equal(t, maxIdle, r.Idle(noon))
}

func TestWhoIsWatchedAgainDuringTheCallStays(t *testing.T) {
	r := newTestRobin("a")
	r.Watch("y", time.Time{}, noon)
	b := r.Next(noon, 100)
	r.Unwatch("y")
	r.Watch("y", time.Time{}, noon)
	require.Empty(t, r.Next(noon, 100).picks, "it is in a call still")
	doneAll(r, b, noon, seen)
	require.Len(t, r.Next(noon.Add(time.Second), 100).picks, 1)
}

func TestStrangersAreNoMatter(t *testing.T) {
	r := newTestRobin("a")
	r.Unwatch("x")
	r.Assign("x", "a")
	r.Hint("x", bridge.SourceHint, noon)
	r.Done("x", look{noon, seen})
	r.Hold("x", noon)
	r.Release("x")
	require.Empty(t, r.Next(noon, 100).picks)
}

// world plays a round robin at random, with calls that take their time and fail, and holds it against what it
// knows itself.
type world struct {
	t      *testing.T
	rng    *rand.Rand
	r      *roundRobin
	now    time.Time
	looked map[bridge.UID]time.Time // watched -> last look that was answered, or since when it is watched
	seen   map[bridge.UID]time.Time // last look that was answered
	in     map[bridge.UID]bool      // in a call
	calls  []worldCall
}

type worldCall struct {
	batch
	at, back time.Time
}

// TestRoundRobinHoldsUnderEverything is the property test: whatever happens, nobody is in two calls at once,
// nobody is starved, nobody comes too soon, calls are of one operator, and full while enough are due.
func TestRoundRobinHoldsUnderEverything(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: noon, r: newTestRobin("a", "b", "c"),
				looked: map[bridge.UID]time.Time{}, seen: map[bridge.UID]time.Time{}, in: map[bridge.UID]bool{}}
			for range 1500 {
				w.step()
			}
		})
	}
}

const (
	worldUsers = 400
	worldSize  = 10
	worldTick  = 25 * time.Millisecond // a call each: some 40 for everybody, so a turn is about a second
)

func (w *world) step() {
	w.now = w.now.Add(worldTick)
	for range w.rng.IntN(8) {
		w.happen(bridge.UID(fmt.Sprintf("u%03d", w.rng.IntN(worldUsers))))
	}
	w.land()
	w.call()
	w.nobodyStarves()
}

func (w *world) happen(uid bridge.UID) {
	_, watched := w.looked[uid]
	switch w.rng.IntN(6) {
	case 0:
		w.r.Unwatch(uid)
		delete(w.looked, uid)
	case 1:
		w.r.Hint(uid, bridge.SourceHint, w.now)
	case 2:
		name := []string{"a", "b", "c", "", "gone"}[w.rng.IntN(5)]
		w.r.Assign(uid, name)
	default:
		w.r.Watch(uid, time.Time{}, w.now)
		if !watched {
			w.looked[uid] = w.now
		}
	}
}

func (w *world) land() {
	kept := w.calls[:0]
	for _, c := range w.calls {
		if c.back.After(w.now) {
			kept = append(kept, c)
			continue
		}
		o := failed
		if w.rng.IntN(10) > 0 {
			o = seen
		}
		for _, p := range c.picks {
			require.True(w.t, w.in[p.uid])
			delete(w.in, p.uid)
			w.r.Done(p.uid, look{c.at, o})
			if o == seen {
				w.seen[p.uid] = c.at
			}
			if _, watched := w.looked[p.uid]; watched && o == seen {
				w.looked[p.uid] = c.at
			}
		}
	}
	w.calls = kept
}

func (w *world) call() {
	due := map[string]int{}
	for uid := range w.looked {
		if p, _ := w.r.Place(uid); !p.inCall && !p.due.After(w.now) {
			due[p.operator]++
		}
	}
	idle := w.r.Idle(w.now)
	b := w.r.Next(w.now, worldSize)
	require.Equal(w.t, idle == 0, len(b.picks) > 0, "Idle promises what Next keeps")
	require.GreaterOrEqual(w.t, len(b.picks), min(due[b.operator], worldSize), "a call is full while enough are due")
	for _, p := range b.picks {
		require.False(w.t, w.in[p.uid], "%s is in two calls", p.uid)
		w.in[p.uid] = true
		_, watched := w.looked[p.uid]
		require.True(w.t, watched, "%s is not watched", p.uid)
		place, _ := w.r.Place(p.uid)
		require.Equal(w.t, b.operator, place.operator)
		if p.source == bridge.SourcePoll && w.now.Sub(w.seen[p.uid]) < testRevisit {
			require.True(w.t, place.first, "%s was looked at just now", p.uid)
		}
	}
	if len(b.picks) > 0 {
		latency := time.Duration(w.rng.IntN(200)) * time.Millisecond
		w.calls = append(w.calls, worldCall{batch: b, at: w.now, back: w.now.Add(latency)})
	}
}

func (w *world) nobodyStarves() {
	for uid, at := range w.looked {
		if w.now.Sub(at) > 4*time.Second {
			w.t.Fatalf("nobody has looked at %s for %s", uid, w.now.Sub(at))
		}
	}
}
