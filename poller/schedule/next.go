package schedule

import (
	"math"
	"time"
)

const (
	frontShare = 0.8 // of a call, at most, is for those in front of their turn while others wait: nobody is starved

	// hintShare of a call, at most, is for hints while others wait: a flood of hints makes a turn twice as long at
	// the worst. What frontShare leaves beside it is for newcomers.
	hintShare = 0.5

	softShare  = 0.9  // of what the guarantee allows; from then on a user may use its lane
	laneMargin = 1.25 // by which the lane is wider than the guarantee needs in the mean
	turnMargin = 1.5  // where calls do not suffice for the guarantee, it is so many turns of everybody
	turnSlack  = 1.05 // turns of everybody, at the least, that calls suffice for where they do

	maxIdle = time.Hour // when nobody is there
)

// order is which line says whose call is next; one in which nobody waits is passed over. While turns wait, newcomers
// get four calls in a row, and hints every other one.
var order = [...]front{fresh, fresh, fresh, fresh, hinted, none}

// Idle is how long nobody will be there to be looked at, if nothing happens.
func (s *Schedule) Idle(now time.Time) time.Duration {
	at := s.seconds(now)
	s.thaw(at, 0)
	idle := math.Inf(1)
	for _, o := range s.operators {
		if o.waiting() && !o.trying {
			idle = min(idle, max(o.hold-at, 0))
		}
	}
	if c, ok := s.coolest(); ok {
		idle = min(idle, max(c.looked+s.spacing(s.config.Slack)-at, 0))
	}
	if idle >= maxIdle.Seconds() {
		return maxIdle
	}
	return time.Duration(math.Ceil(idle * 1e9))
}

func (s *Schedule) spacing(slack time.Duration) float64 { return (s.config.Revisit + slack).Seconds() }

// Next takes the users for one call of an operator, and appends them to picks. None: nobody is there.
func (s *Schedule) Next(now time.Time, picks []Pick) (operator int, _ []Pick) {
	at := s.seconds(now)
	s.thaw(at, 0)
	operator = s.choose(at)
	if operator < 0 {
		return 0, picks
	}
	s.thaw(at, s.config.Slack) // who would be a little later shares the call
	o := s.operators[operator]
	o.trying = o.trial
	s.pace.called(at)
	o.pace.called(at)
	c, size := call{s, o, picks, len(picks), at}, o.size
	before, hints, fronts := s.virtual, int(hintShare*float64(size)), int(frontShare*float64(size))
	c.line(own, size)
	c.line(again, size)
	c.line(fresh, fronts-hints)
	c.line(hinted, min(c.size()+hints, size))
	c.line(fresh, fronts)
	c.guarantee(size)
	c.turn(size)
	c.line(fresh, size)
	c.line(hinted, size)
	s.step += smoothing * (s.virtual - before - s.step)
	return operator, c.picks
}

// thaw puts those whose last look is long enough ago back in turn; early is by how much sooner than they are due.
func (s *Schedule) thaw(now float64, early time.Duration) {
	least := s.spacing(s.config.Slack - early)
	for c, ok := s.coolest(); ok && c.looked+least <= now; c, ok = s.coolest() {
		s.cool.pop()
		s.resumeTurn(c.id, now)
	}
}

// coolest is whose last look is the longest ago of those who rest, past those who have left meanwhile.
func (s *Schedule) coolest() (cooled, bool) {
	for c, ok := s.cool.first(); ok; c, ok = s.cool.first() {
		if u := &s.users[c.id]; u.where == cooling && u.looked == c.looked {
			return c, true
		}
		s.cool.pop()
	}
	return cooled{}, false
}

func (s *Schedule) resumeTurn(id int32, now float64) {
	u := &s.users[id]
	o := s.operators[u.op]
	u.where = inTurn
	o.heap.push(s.users, id)
	if u.after != none && u.front == none {
		s.line(o, u.after, id, now)
	}
	u.after = none
}

// choose finds the operator whose call it is; -1: nobody is there.
func (s *Schedule) choose(now float64) int {
	for _, f := range [...]front{own, again} {
		if o := s.longest(f, now); o >= 0 {
			return o
		}
	}
	for range order {
		f := order[s.next]
		s.next = (s.next + 1) % len(order)
		if f == none {
			if o := s.worth(now); o >= 0 {
				return o
			}
		} else if o := s.longest(f, now); o >= 0 {
			return o
		}
	}
	return -1
}

// longest is the operator in whose line somebody waits longest.
func (s *Schedule) longest(f front, now float64) int {
	best, since := -1, math.Inf(1)
	for i, o := range s.operators {
		if !o.ready(now) {
			continue
		}
		if e, ok := s.head(o, f); ok && e.since < since {
			best, since = i, e.since
		}
	}
	return best
}

// head is who comes next in a line, past stale entries.
func (s *Schedule) head(o *operator, f front) (entry, bool) {
	l := &o.fronts[f]
	for e, ok := l.first(); ok; e, ok = l.first() {
		if u := &s.users[e.id]; u.front == f && u.version == e.version {
			return e, true
		}
		l.pop()
	}
	return entry{}, false
}

// worth is the operator whose next call is worth the most: who has somebody close to the guarantee, else whose
// users are the most overdue.
func (s *Schedule) worth(now float64) int {
	best, least, eldest := -1, math.Inf(1), math.Inf(1)
	limit := s.limit()
	for i, o := range s.operators {
		if !o.ready(now) {
			continue
		}
		if id := o.oldest; id >= 0 && s.users[id].where == inTurn {
			if looked := s.users[id].looked; looked < eldest && s.pressing(now-looked, limit) {
				best, eldest = i, looked
			}
		}
		if math.IsInf(eldest, 1) {
			if c := o.crowd(); c < least {
				best, least = i, c
			}
		}
	}
	return best
}

// limit is the longest that a user is to go unlooked at: MaxStaleness, or what the calls there are suffice for.
func (s *Schedule) limit() float64 {
	n := 0
	for _, o := range s.operators {
		n += o.users
	}
	most, turn := s.config.MaxStaleness.Seconds(), float64(n)/float64(s.config.Batch)*s.pace.every
	most = max(most-s.late, most/2)
	if most >= turn*turnSlack {
		return most
	}
	return turn * turnMargin
}

// pressing says whether a look cannot wait for another turn.
func (s *Schedule) pressing(age, limit float64) bool {
	return age >= limit-float64(1+len(s.operators))*s.pace.every
}

// call is one that is being filled.
type call struct {
	s     *Schedule
	o     *operator
	picks []Pick
	first int
	at    float64
}

func (c *call) size() int { return len(c.picks) - c.first }

func (c *call) take(id int32, l Lane) {
	u := &c.s.users[id]
	c.s.leave(id)
	u.where, u.after = inCall, none
	u.set(quiet, l == LaneHint)
	c.picks = append(c.picks, Pick{id, l})
}

// line takes from a line in front until the call has a size.
func (c *call) line(f front, size int) {
	lane := LaneFront
	if f == hinted {
		lane = LaneHint
	}
	for c.size() < size {
		e, ok := c.s.head(c.o, f)
		if !ok {
			return
		}
		c.o.fronts[f].pop()
		c.take(e.id, lane)
	}
}

// guarantee takes those whom nobody has looked at for almost as long as is allowed: a lane of them, wide enough that
// they do not crowd at the end, and all who are at the end.
func (c *call) guarantee(size int) {
	limit := c.s.limit()
	lane := int(laneMargin*float64(c.o.users)*c.o.pace.every/limit) + 1
	for n := 0; c.size() < size; n++ {
		id := c.o.oldest
		if id < 0 || c.s.users[id].where != inTurn {
			return
		}
		age := c.at - c.s.users[id].looked
		if !c.s.pressing(age, limit) && (n >= lane || age < softShare*limit) {
			return
		}
		c.take(id, LaneGuarantee)
	}
}

// turn takes those whose looks are worth the most. Virtual time goes with the last of them; where a call is for one of
// many operators, with the first, since the last may be far ahead of those of the others.
func (c *call) turn(size int) {
	alone := len(c.s.operators) == 1
	for first := true; c.size() < size && len(c.o.heap) > 0; first = false {
		n := c.o.heap[0]
		if first || alone {
			c.s.virtual = max(c.s.virtual, n.key)
		}
		c.take(n.id, LaneTurn)
	}
}
