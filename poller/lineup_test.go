package poller

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const testRevisit = DefaultRevisit

func newTestLineup(operators ...string) *lineup {
	return newLineup(operators, Config{MaxStaleness: 4 * time.Minute}.schedule(noon.Add(-time.Hour)), memory{})
}

// known is what is known of somebody who was looked at then; the zero time: nothing.
func known(looked time.Time) schedule.Known { return schedule.Known{Looked: looked} }

func uidsFrom(from, n int) []bridge.UID {
	uids := make([]bridge.UID, n)
	for i := range uids {
		uids[i] = bridge.UID(fmt.Sprintf("u%05d", from+i))
	}
	return uids
}

func watchAll(l *lineup, looked, now time.Time, uids ...bridge.UID) {
	for _, uid := range uids {
		l.watch(uid, 1, known(looked), now)
	}
}

func (b batch) uids() []bridge.UID {
	uids := []bridge.UID{}
	for _, p := range b.picks {
		uids = append(uids, p.uid)
	}
	return uids
}

// sources is why users are in a call.
func (b batch) sources() map[bridge.UID]bridge.Source {
	sources := map[bridge.UID]bridge.Source{}
	for _, p := range b.picks {
		sources[p.uid] = p.source
	}
	return sources
}

func doneAll(l *lineup, b batch, at time.Time, o schedule.Outcome) {
	for _, p := range b.picks {
		l.done(p.uid, schedule.Look{At: at, Outcome: o})
	}
}

// TestTheSourceOfAHintIsForgottenWhenItWasSeen: a call that failed has shown nothing, so what made us look stands.
func TestTheSourceOfAHintIsForgottenWhenItWasSeen(t *testing.T) {
	for _, o := range []schedule.Outcome{schedule.Seen, schedule.Missing} {
		l := newTestLineup("a")
		l.watch("u", 1, known(noon), noon)
		l.hint("u", bridge.SourceHint, noon)
		for _, o := range []schedule.Outcome{schedule.Failed, o} {
			b := l.next(noon)
			require.Equal(t, map[bridge.UID]bridge.Source{"u": bridge.SourceHint}, b.sources(), "outcome %d", o)
			doneAll(l, b, noon, o)
		}
		b := l.next(noon.Add(time.Second))
		require.Equal(t, map[bridge.UID]bridge.Source{"u": bridge.SourcePoll}, b.sources(), "outcome %d", o)
	}
}

func TestAHintDuringACallMeansAnotherLook(t *testing.T) {
	for _, o := range []schedule.Outcome{schedule.Seen, schedule.Missing, schedule.Overtaken, schedule.Failed} {
		l := newTestLineup("a")
		l.watch("u", 1, known(noon.Add(-time.Minute)), noon)
		doing := l.next(noon)
		l.hint("u", bridge.SourceHint, noon.Add(time.Millisecond))
		require.Empty(t, l.next(noon.Add(time.Millisecond)).picks, "nobody is in two calls")
		doneAll(l, doing, noon, o)
		again := l.next(noon.Add(time.Millisecond))
		require.Equal(t, map[bridge.UID]bridge.Source{"u": bridge.SourceHint}, again.sources(), "outcome %d", o)
		doneAll(l, again, noon.Add(time.Millisecond), schedule.Seen)
		require.Equal(t, map[bridge.UID]bridge.Source{"u": bridge.SourcePoll}, l.next(noon.Add(time.Second)).sources(), "and no more")
	}
}

// TestAnOwnSetGoesBeforeHints has a set come among hints, and hints come about who has set.
func TestAnOwnSetGoesBeforeHints(t *testing.T) {
	l := newTestLineup("a")
	watchAll(l, noon.Add(-time.Minute), noon, uidsFrom(0, 1000)...)
	for _, uid := range uidsFrom(0, 1000) {
		l.hint(uid, bridge.SourceHint, noon)
	}
	set := func(at time.Time) {
		l.hint("u00999", bridge.SourceBridge, at)
		l.hint("u00999", bridge.SourceHint, at)
	}
	set(noon)
	require.Equal(t, pick{"u00999", bridge.SourceBridge, schedule.LaneFront}, l.next(noon).picks[0])
	set(noon.Add(time.Second)) // while in the call
	l.done("u00999", schedule.Look{At: noon})
	require.Equal(t, pick{"u00999", bridge.SourceBridge, schedule.LaneFront}, l.next(noon.Add(time.Second)).picks[0])
	l.hint("u00999", bridge.SourceHint, noon.Add(time.Second)) // while in a call that fails
	l.done("u00999", schedule.Look{At: noon.Add(time.Second), Outcome: schedule.Failed})
	require.Equal(t, bridge.SourceBridge, l.next(noon.Add(2 * time.Second)).sources()["u00999"])
}

// TestAFlappingUserIsAskedNoMoreOftenThanRevisit has one user flap a hundred times a second, for ten seconds.
func TestAFlappingUserIsAskedNoMoreOftenThanRevisit(t *testing.T) {
	l, now := newTestLineup("a"), noon
	watchAll(l, noon, noon, uidsFrom(0, 1000)...)
	const flapping = bridge.UID("u00500")
	var looks []time.Time
	step := func() {
		now = now.Add(25 * time.Millisecond)
		b := l.next(now)
		if b.sources()[flapping] == bridge.SourceHint {
			looks = append(looks, now)
		}
		doneAll(l, b, now, schedule.Seen)
	}
	for range 400 {
		for range 3 {
			l.hint(flapping, bridge.SourceHint, now)
		}
		step()
	}
	for i, at := range looks[1:] {
		require.GreaterOrEqual(t, at.Sub(looks[i]), testRevisit)
	}
	require.InDelta(t, 18, len(looks), 2, "every Revisit and the slack, and no less often")
	l.hint(flapping, bridge.SourceHint, now)
	before := len(looks)
	for range 100 {
		step()
	}
	require.Len(t, looks, before+1, "the last one is followed too, once")
}

// TestAFloodOfHintsStarvesNobody has a quarter of an operator's users flap as fast as they can: looks at them for that
// alone would take all there are.
func TestAFloodOfHintsStarvesNobody(t *testing.T) {
	for name, operators := range map[string][]string{"alone": {"a"}, "beside others": {"a", "b", "c", "d"}} {
		t.Run(name, func(t *testing.T) {
			const tick = 25 * time.Millisecond
			users := 8000 * len(operators)
			turn := time.Duration(users/100) * tick
			l := newLineup(operators, Config{MaxStaleness: 2 * turn}.schedule(noon), memory{})
			looked, flapping := map[bridge.UID]time.Time{}, []bridge.UID{}
			for i, uid := range uidsFrom(0, users) {
				l.watch(uid, 1, known(noon), noon)
				l.assign(uid, operators[i%len(operators)], noon)
				looked[uid] = noon
				if i%len(operators) == 0 && i/len(operators)%4 == 0 {
					flapping = append(flapping, uid)
				}
			}
			l.schedule.Next(noon, nil) // from which the pace is measured
			now, longest := noon, time.Duration(0)
			for range int(4 * turn / tick) {
				for _, uid := range flapping {
					l.hint(uid, bridge.SourceHint, now)
				}
				now = now.Add(tick)
				b := l.next(now)
				require.Len(t, b.picks, 100, "the budget is used")
				for _, p := range b.picks {
					longest, looked[p.uid] = max(longest, now.Sub(looked[p.uid])), now
				}
				doneAll(l, b, now, schedule.Seen)
			}
			t.Logf("a turn takes %v; nobody was unlooked at for longer than %v", turn, longest)
			require.LessOrEqual(t, longest, 2*turn+time.Duration(2+len(operators))*tick)
		})
	}
}

func TestUsersAreAskedByTheOperatorThatSubscribesThem(t *testing.T) {
	l := newTestLineup("a", "b")
	watchAll(l, time.Time{}, noon, uidsFrom(0, 100)...)
	for _, uid := range uidsFrom(0, 100) {
		l.assign(uid, "b", noon)
	}
	b := l.next(noon)
	require.Equal(t, "b", b.operator)
	require.Len(t, b.picks, 100)
	l.assign("u00005", "a", noon) // while in a call
	doneAll(l, b, noon, schedule.Seen)
	got := map[string]int{}
	for range 2 {
		b := l.next(noon.Add(time.Second))
		got[b.operator] = len(b.picks)
	}
	require.Equal(t, map[string]int{"a": 1, "b": 99}, got)
}

func TestUsersOfNoOperatorOfOursStayWhereTheyAre(t *testing.T) {
	l := newTestLineup("a", "b", "c")
	for _, uid := range uidsFrom(0, 20) {
		l.watch(uid, 1, known(time.Time{}), noon)
		before, _ := l.place(uid, noon)
		for _, name := range []string{"gone", ""} {
			l.assign(uid, name, noon)
			after, _ := l.place(uid, noon)
			require.Equal(t, before, after)
		}
		for _, name := range l.operators {
			l.assign(uid, name, noon)
			l.assign(uid, "", noon)
			after, _ := l.place(uid, noon)
			require.Equal(t, before.operator, after.operator, "back from %s", name)
		}
	}
}

func TestAnotherOperatorMovesNobodyButToItself(t *testing.T) {
	three, four := []string{"a", "b", "c"}, []string{"a", "b", "c", "d"}
	share := map[string]int{}
	for _, uid := range uidsFrom(0, 4000) {
		before, after := three[operatorOf(uid, three)], four[operatorOf(uid, four)]
		share[after]++
		if after != "d" {
			require.Equal(t, before, after)
		}
	}
	for name, n := range share {
		require.InDelta(t, 1000, n, 150, name)
	}
}

func TestWhoIsUnwatchedIsForgotten(t *testing.T) {
	l := newTestLineup("a")
	watchAll(l, time.Time{}, noon, "x", "y")
	l.unwatch("x")
	b := l.next(noon)
	require.Equal(t, []bridge.UID{"y"}, b.uids())
	l.unwatch("y") // in a call
	_, there := l.place("y", noon)
	require.False(t, there)
	l.hint("y", bridge.SourceBridge, noon)
	doneAll(l, b, noon, schedule.Seen)
	require.Empty(t, l.members)
	require.Equal(t, time.Hour, l.schedule.Idle(noon))
}

func TestWhoIsWatchedAgainDuringTheCallStays(t *testing.T) {
	l := newTestLineup("a")
	l.watch("y", 1, known(time.Time{}), noon)
	b := l.next(noon)
	l.unwatch("y")
	l.watch("y", 1, known(time.Time{}), noon)
	require.Empty(t, l.next(noon).picks, "it is in a call still")
	doneAll(l, b, noon, schedule.Seen)
	require.Len(t, l.next(noon.Add(time.Second)).picks, 1)
}

func TestWhoIsWatchedAgainWeighsWhatTheyWeighNow(t *testing.T) {
	l := newTestLineup("a")
	l.watch("y", 1, known(noon), noon)
	before, _ := l.place("y", noon)
	l.watch("y", 100, known(noon), noon)
	after, _ := l.place("y", noon)
	require.InEpsilon(t, before.Stride/10, after.Stride, 1e-6)
}

func TestStrangersAreNoMatter(t *testing.T) {
	l := newTestLineup("a")
	l.unwatch("x")
	l.assign("x", "a", noon)
	l.weigh("x", 3, noon)
	l.hint("x", bridge.SourceHint, noon)
	l.done("x", schedule.Look{At: noon})
	l.hold("x", noon)
	l.release("x")
	l.limit("x", 1)
	require.False(t, l.inCall("x"))
	require.Empty(t, l.next(noon).picks)
}

// TestTheLineupHoldsUnderEverything plays a lineup at random, with calls that take their time and fail: nobody is in
// two calls, nobody who is not watched is in one, and each is asked by their operator. TestWhateverHappens of the
// schedule holds the rest.
func TestTheLineupHoldsUnderEverything(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := &world{t: t, dice: rand.New(rand.NewPCG(seed, 1)), now: noon, l: newTestLineup("a", "b", "c"),
				watched: map[bridge.UID]bool{}, in: map[bridge.UID]bool{}}
			for range 1500 {
				w.step()
			}
		})
	}
}

type world struct {
	t       *testing.T
	dice    *rand.Rand
	l       *lineup
	now     time.Time
	watched map[bridge.UID]bool
	in      map[bridge.UID]bool // in a call
	calls   []worldCall
}

type worldCall struct {
	batch
	at, back time.Time
}

func (w *world) step() {
	w.now = w.now.Add(25 * time.Millisecond)
	for range w.dice.IntN(8) {
		w.happen(bridge.UID(fmt.Sprintf("u%03d", w.dice.IntN(400))))
	}
	w.land()
	w.call()
	require.Equal(w.t, len(w.l.members), len(w.l.numbers)-w.unused(), "everybody has one number")
}

// unused is how many numbers nobody has.
func (w *world) unused() (n int) {
	for _, m := range w.l.numbers {
		if m == nil {
			n++
		}
	}
	return n
}

func (w *world) happen(uid bridge.UID) {
	switch w.dice.IntN(6) {
	case 0:
		w.l.unwatch(uid)
		delete(w.watched, uid)
	case 1:
		w.l.hint(uid, []bridge.Source{bridge.SourceHint, bridge.SourceBridge}[w.dice.IntN(2)], w.now)
	case 2:
		w.l.assign(uid, []string{"a", "b", "c", "", "gone"}[w.dice.IntN(5)], w.now)
	default:
		w.l.watch(uid, float64(w.dice.IntN(5)+1), known(time.Time{}), w.now)
		w.watched[uid] = true
	}
}

func (w *world) land() {
	kept := w.calls[:0]
	for _, c := range w.calls {
		if c.back.After(w.now) {
			kept = append(kept, c)
			continue
		}
		o := schedule.Outcome(w.dice.IntN(4))
		for _, p := range c.picks {
			require.True(w.t, w.in[p.uid])
			delete(w.in, p.uid)
			w.l.done(p.uid, schedule.Look{At: c.at, Outcome: o})
		}
	}
	w.calls = kept
}

func (w *world) call() {
	b := w.l.next(w.now)
	for _, p := range b.picks {
		require.False(w.t, w.in[p.uid], "%s is in two calls", p.uid)
		require.True(w.t, w.watched[p.uid], "%s is not watched", p.uid)
		require.True(w.t, w.l.inCall(p.uid))
		w.in[p.uid] = true
		place, _ := w.l.place(p.uid, w.now)
		require.Equal(w.t, b.operator, place.operator)
	}
	if len(b.picks) > 0 {
		w.calls = append(w.calls, worldCall{b, w.now, w.now.Add(time.Duration(w.dice.IntN(200)) * time.Millisecond)})
	}
}
