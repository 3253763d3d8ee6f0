package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func small(operators int) *Schedule {
	return New(Config{Operators: operators, Batch: 100, Rate: 40, MaxStaleness: 30 * time.Second, Revisit: 500 * time.Millisecond, Slack: 100 * time.Millisecond, Start: start})
}

func numbers(picks []Pick) (ids []int32) {
	for _, p := range picks {
		ids = append(ids, p.ID)
	}
	return ids
}

func lookedAt(ago time.Duration) Known { return Known{Looked: start.Add(-ago)} }

func TestNobodyIsThere(t *testing.T) {
	s := small(2)
	_, picks := s.Next(start, nil)
	require.Empty(t, picks)
	require.Equal(t, maxIdle, s.Idle(start))
}

func TestNewcomersAreInTheNextCall(t *testing.T) {
	s := small(1)
	for range 300 {
		s.Add(0, 1, lookedAt(time.Minute), start)
	}
	id := s.Add(0, 1, Known{}, start)
	_, picks := s.Next(start, nil)
	require.Len(t, picks, 100)
	require.Equal(t, Pick{id, LaneFront}, picks[0])
}

func TestOwnSetsGoBeforeNewcomers(t *testing.T) {
	s := small(1)
	var last int32
	for range 3000 {
		last = s.Add(0, 1, Known{}, start)
	}
	s.Hint(last, true, start)
	_, picks := s.Next(start, nil)
	require.Equal(t, Pick{last, LaneFront}, picks[0])
}

// TestShares: of a call that everybody wants, a fifth is for turns, a half for hints, and what is left for newcomers.
func TestShares(t *testing.T) {
	s := small(1)
	for i := range 600 {
		k := lookedAt(time.Minute)
		if i < 200 {
			k = Known{}
		}
		id := s.Add(0, 1, k, start)
		if i >= 400 {
			s.Hint(id, false, start)
		}
	}
	_, picks := s.Next(start, nil)
	lanes := map[Lane]int{}
	for _, p := range picks {
		lanes[p.Lane]++
	}
	require.Equal(t, map[Lane]int{LaneFront: 30, LaneHint: 50, LaneGuarantee: 20}, lanes)
}

// TestWatchersByTheSquareRoot: somebody whom a hundred watch is looked at ten times as often as one of the same kind.
func TestWatchersByTheSquareRoot(t *testing.T) {
	s := New(Config{Operators: 1, Batch: 100, Rate: 50, MaxStaleness: time.Hour, Revisit: time.Millisecond, Start: start})
	for i := range 5000 {
		watchers := 1.0
		if i == 0 {
			watchers = 100
		}
		s.Add(0, watchers, Known{Looked: start, Since: start.Add(-24 * time.Hour)}, start)
	}
	looks, now := map[int32]int{}, start
	for range 10_000 {
		now = now.Add(20 * time.Millisecond)
		_, picks := s.Next(now, nil)
		for _, p := range picks {
			looks[p.ID]++
			s.Done(p.ID, Look{At: now})
		}
	}
	require.InDelta(t, 10*looks[1], looks[0], float64(looks[1]))
}

func TestFailedCallsAreMadeAgain(t *testing.T) {
	s := small(1)
	for range 500 {
		s.Add(0, 1, lookedAt(time.Second), start)
	}
	_, first := s.Next(start, nil)
	_, second := s.Next(start, nil)
	for _, picks := range [][]Pick{first, second} {
		for _, p := range picks {
			s.Done(p.ID, Look{At: start, Outcome: Failed})
		}
	}
	for _, picks := range [][]Pick{first, second} {
		_, again := s.Next(start, nil)
		require.Equal(t, numbers(picks), numbers(again))
	}
}

func TestHeldOperatorsAreTriedOneCallAtATime(t *testing.T) {
	s := small(2)
	for i := range 400 {
		s.Add(i%2, 1, lookedAt(time.Hour), start)
	}
	s.Hold(0, start.Add(time.Second))
	for range 2 {
		operator, picks := s.Next(start, nil)
		require.Equal(t, 1, operator)
		require.Len(t, picks, 100)
	}
	_, picks := s.Next(start, nil)
	require.Empty(t, picks)
	require.Equal(t, time.Second, s.Idle(start))

	later := start.Add(time.Second)
	operator, picks := s.Next(later, nil)
	require.Equal(t, 0, operator)
	require.Len(t, picks, 100)
	_, picks = s.Next(later, nil)
	require.Empty(t, picks)
	s.Release(0)
	_, picks = s.Next(later, nil)
	require.Len(t, picks, 100)
}

// TestMoreWatchersBringATurnForward, and fewer put none off.
func TestMoreWatchersBringATurnForward(t *testing.T) {
	s := small(1)
	for range 1000 {
		s.Add(0, 1, lookedAt(time.Second), start)
	}
	soon, late := s.operators[0].heap[0].id, s.operators[0].heap[999].id
	s.Weigh(late, 1e6, start)
	_, picks := s.Next(start, nil)
	require.Contains(t, numbers(picks), late)
	require.Contains(t, numbers(picks), soon)

	s = small(1)
	for range 1000 {
		s.Add(0, 1e4, lookedAt(time.Second), start)
	}
	soon = s.operators[0].heap[0].id
	s.Weigh(soon, 1e-4, start)
	_, picks = s.Next(start, nil)
	require.Contains(t, numbers(picks), soon)
}

func TestWhoWasOvertakenGoesFirst(t *testing.T) {
	s := small(1)
	id := s.Add(0, 1, Known{}, start)
	_, picks := s.Next(start, nil)
	require.Len(t, picks, 1)
	s.Done(id, Look{At: start, Outcome: Overtaken})
	for range 1000 {
		s.Add(0, 1e6, lookedAt(time.Minute), start)
	}
	_, picks = s.Next(start.Add(499*time.Millisecond), nil)
	require.NotContains(t, numbers(picks), id, "not before Revisit")
	_, picks = s.Next(start.Add(500*time.Millisecond), nil)
	require.Equal(t, Pick{id, LaneFront}, picks[0])
}

// TestHintsDuringACallMeanAnotherLook: that call may have been answered before what the hint is about.
func TestHintsDuringACallMeanAnotherLook(t *testing.T) {
	for _, outcome := range []Outcome{Seen, Missing, Overtaken, Failed} {
		for own, lane := range map[bool]Lane{true: LaneFront, false: LaneHint} {
			s := small(1)
			id := s.Add(0, 1, lookedAt(time.Minute), start)
			s.Next(start, nil)
			s.Hint(id, own, start)
			_, picks := s.Next(start, nil)
			require.Empty(t, picks, "nobody is in two calls")
			s.Done(id, Look{At: start, Outcome: outcome})
			if outcome == Failed {
				lane = LaneFront
			}
			_, picks = s.Next(start, nil)
			require.Equal(t, []Pick{{id, lane}}, picks, "outcome %d, own %v", outcome, own)
		}
	}
}

func TestWhoIsMovedBeginsToWait(t *testing.T) {
	s := small(3)
	moved := s.Add(2, 1, Known{}, start)
	s.Add(1, 1, Known{}, start.Add(time.Second))
	s.Move(moved, 0, start.Add(2*time.Second))
	operator, _ := s.Next(start.Add(3*time.Second), nil)
	require.Equal(t, 1, operator)
}

func TestHundredsOfOperators(t *testing.T) {
	s := small(300)
	for o := range 300 {
		require.Equal(t, int32(o), s.Add(o, 1, lookedAt(time.Minute), start))
	}
	for range 300 {
		operator, picks := s.Next(start, nil)
		require.Equal(t, []int32{int32(operator)}, numbers(picks))
	}
}

func TestLooksAllocateNothing(t *testing.T) {
	s, now, picks := inTurns(5000), start, make([]Pick, 0, 100)
	call := func() {
		now = now.Add(20 * time.Millisecond)
		_, picks = s.Next(now, picks[:0])
		for i, p := range picks {
			s.Done(p.ID, Look{At: now, Online: i%2 == 0, Changed: i%50 == 0})
		}
	}
	for range 1000 { // until the queue of those who were looked at just now has its size
		call()
	}
	require.Zero(t, testing.AllocsPerRun(1000, call))
}

// TestWhateverHappens plays a schedule at random, with calls that take their time and fail: nobody is in two calls,
// nobody is starved, nobody comes too soon, calls are of one operator, and full while there are enough.
func TestWhateverHappens(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := &world{t: t, dice: rand.New(rand.NewPCG(seed, 1)), now: start, s: small(3), users: map[int32]*worldUser{}}
			w.s.config.MaxStaleness, w.s.config.Batch = 4*time.Second, 10
			for o := range 3 {
				w.s.Limit(o, 10)
			}
			for range 1500 {
				w.step()
			}
		})
	}
}

type world struct {
	t     *testing.T
	dice  *rand.Rand
	s     *Schedule
	now   time.Time
	users map[int32]*worldUser
	calls []worldCall
}

type worldUser struct {
	operator       int
	since          time.Time // when it came, or was last looked at
	looked, hinted time.Time // last look; last look for a hint
	inCall         bool
	again          bool // was in a call that failed
}

type worldCall struct {
	picks    []Pick
	at, back time.Time
	users    []*worldUser // who had the number then
}

func (w *world) step() {
	w.now = w.now.Add(25 * time.Millisecond)
	for range w.dice.IntN(8) {
		w.happen()
	}
	w.land()
	w.call()
	w.sound()
}

func (w *world) happen() {
	id, u := w.anybody()
	switch what := w.dice.IntN(6); {
	case u == nil || what > 3 && len(w.users) < 400:
		u := &worldUser{operator: w.dice.IntN(3), since: w.now}
		k := Known{}
		if w.dice.IntN(2) == 0 {
			u.looked = w.now.Add(-time.Duration(w.dice.IntN(2000)) * time.Millisecond)
			k = Known{Looked: u.looked, Online: w.dice.IntN(2) == 0}
		}
		w.users[w.s.Add(u.operator, float64(1+w.dice.IntN(100)), k, w.now)] = u
	case what == 0 && u.inCall:
	case what == 0:
		w.s.Drop(id)
		delete(w.users, id)
	case what == 1:
		w.s.Hint(id, false, w.now)
	case what == 2:
		u.operator = w.dice.IntN(3)
		w.s.Move(id, u.operator, w.now)
	default:
		w.s.Weigh(id, float64(1+w.dice.IntN(100)), w.now)
	}
}

func (w *world) anybody() (int32, *worldUser) {
	if len(w.s.users) == 0 {
		return 0, nil
	}
	id := int32(w.dice.IntN(len(w.s.users)))
	return id, w.users[id]
}

func (w *world) land() {
	kept := w.calls[:0]
	for _, c := range w.calls {
		if c.back.After(w.now) {
			kept = append(kept, c)
			continue
		}
		outcome := [...]Outcome{Failed, Missing, Overtaken, Seen, Seen, Seen, Seen, Seen}[w.dice.IntN(8)]
		for i, p := range c.picks {
			w.s.Done(p.ID, Look{At: c.at, Outcome: outcome, Online: w.dice.IntN(2) == 0, Changed: w.dice.IntN(4) == 0})
			w.landed(c.users[i], c.at, p.Lane, outcome == Failed)
		}
	}
	w.calls = kept
}

func (w *world) landed(u *worldUser, at time.Time, l Lane, failed bool) {
	if u.inCall, u.again = false, failed; failed {
		return
	}
	u.since, u.looked = at, at
	if l == LaneHint {
		u.hinted = at
	}
}

func (w *world) call() {
	idle := w.s.Idle(w.now)
	operator, picks := w.s.Next(w.now, nil)
	require.Equal(w.t, idle == 0, len(picks) > 0, "Idle promises what Next keeps")
	if len(picks) == 0 {
		return
	}
	w.expect(len(picks) == 10 || !w.s.operators[operator].waiting(), "a call of %d while others wait", len(picks))
	c := worldCall{picks: picks, at: w.now, back: w.now.Add(time.Duration(w.dice.IntN(200)) * time.Millisecond)}
	for _, p := range picks {
		u := w.users[p.ID]
		require.NotNil(w.t, u, "%d is not watched", p.ID)
		require.False(w.t, u.inCall, "%d is in two calls", p.ID)
		require.Equal(w.t, operator, u.operator)
		switch {
		case u.again:
		case p.Lane == LaneTurn, p.Lane == LaneGuarantee:
			require.GreaterOrEqual(w.t, w.now.Sub(u.looked), 500*time.Millisecond, "%d was looked at just now", p.ID)
		case p.Lane == LaneHint:
			require.GreaterOrEqual(w.t, w.now.Sub(u.hinted), 500*time.Millisecond, "%d was hinted at just now", p.ID)
		}
		u.inCall = true
		c.users = append(c.users, u)
	}
	w.calls = append(w.calls, c)
}

// sound looks into the schedule: nobody is lost in it, and nobody starves.
func (w *world) sound() {
	linked, waiting := 0, 0
	for _, o := range w.s.operators {
		linked += w.soundOperator(o)
		for f := range o.fronts {
			waiting += o.fronts[f].live
		}
	}
	fronts, inLists := 0, 0
	for id, u := range w.users {
		x := &w.s.users[id]
		if x.front != none {
			fronts++
		}
		if x.where == inTurn || x.where == cooling {
			inLists++
		}
		w.expect(w.now.Sub(u.since) <= 6*time.Second, "nobody has looked at %d for %v", id, w.now.Sub(u.since))
	}
	w.expect(linked == inLists && waiting == fronts, "%d of %d are in lists, %d of %d in front", linked, inLists, waiting, fronts)
}

// soundOperator counts who is in the list of an operator.
func (w *world) soundOperator(o *operator) (linked int) {
	last := int32(-1)
	for id := o.oldest; id >= 0; last, id = id, w.s.users[id].newer {
		w.expect(last < 0 || w.s.users[last].looked <= w.s.users[id].looked, "%d stands before %d in the list", last, id)
		linked++
	}
	for i, n := range o.heap {
		u := &w.s.users[n.id]
		w.expect(u.spot == int32(i) && u.key == n.key && o.heap[max(i-1, 0)/arity].key <= n.key, "%d is misplaced in the heap", n.id)
	}
	return linked
}

func (w *world) expect(ok bool, format string, args ...any) {
	if !ok {
		w.t.Helper()
		w.t.Fatalf(format, args...)
	}
}

// TestAnOwnSetGoesFirstAlsoAfterAFailedCall: of those in calls that failed, who has set a status of their own meanwhile.
func TestAnOwnSetGoesFirstAlsoAfterAFailedCall(t *testing.T) {
	s := small(1)
	for range 300 {
		s.Add(0, 1, lookedAt(time.Minute), start)
	}
	_, picks := s.Next(start, nil)
	_, others := s.Next(start, nil)
	s.Hint(picks[99].ID, true, start)
	for _, p := range append(others, picks...) {
		s.Done(p.ID, Look{At: start, Outcome: Failed})
	}
	_, again := s.Next(start, nil)
	require.Equal(t, picks[99].ID, again[0].ID)
}

func TestCallsOfAnOperatorAreNoLargerThanItsLimit(t *testing.T) {
	s := small(2)
	for i := range 600 {
		s.Hint(s.Add(i%2, 1, lookedAt(time.Minute), start), false, start)
	}
	s.Limit(0, 1)
	sizes := map[int]int{}
	for range 310 {
		operator, picks := s.Next(start, nil)
		sizes[operator] = max(sizes[operator], len(picks))
	}
	require.Equal(t, map[int]int{0: 1, 1: 100}, sizes)
}

// TestLateAnswersBringTheGuaranteeForward: a look is in time when it is answered.
func TestLateAnswersBringTheGuaranteeForward(t *testing.T) {
	for late, longest := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Second: 25 * time.Second} {
		s := small(1)
		s.Late(late)
		quiet := s.Add(0, 1e-9, lookedAt(0), start)
		for range 5000 {
			s.Add(0, 1, lookedAt(0), start)
		}
		last, gap, now := start, time.Duration(0), start
		for range 40 * 120 {
			now = now.Add(25 * time.Millisecond)
			_, picks := s.Next(now, nil)
			for _, p := range picks {
				if p.ID == quiet {
					last, gap = now, max(gap, now.Sub(last))
				}
				s.Done(p.ID, Look{At: now})
			}
		}
		require.LessOrEqual(t, gap, longest+50*time.Millisecond)
		require.Greater(t, gap, longest*4/5, "no sooner than needed")
	}
}
