package schedule

import (
	"math"
	"math/rand/v2"
	"time"
)

// Config says how a schedule is to be. The first four, and Start, are needed.
type Config struct {
	Operators    int           // registered users of the app, up to 65,536; each call is for the users of one
	Batch        int           // users a call takes
	Rate         float64       // calls a second to be expected at first; then what there are is measured
	MaxStaleness time.Duration // nobody is to go unlooked at for longer, as far as the calls suffice
	Revisit      time.Duration // nobody is looked at again sooner, save for a first hint
	Slack        time.Duration // by so much longer a look may wait for others to share its call
	Seed         uint64
	Start        time.Time // from which times are counted
	Hazards      Hazards   // learned before; zero: nothing was
}

// Schedule decides whose look is worth most next. It is not safe for concurrent use.
type Schedule struct {
	config    Config
	users     []user
	free      []int32
	operators []*operator
	hazards   *hazards
	dice      *rand.Rand

	virtual float64       // the key served last
	step    float64       // by which virtual time goes with a call, of late
	cool    queue[cooled] // looked at less than Revisit ago, oldest first
	pace    pace
	late    float64 // seconds from a call to its answer
	next    int     // in order

	strides []float64 // of the users, in place of what is learned: for comparisons
}

type cooled struct {
	id     int32
	looked float64
}

// Lane is why somebody is in a call.
type Lane uint8

// The lanes of a call.
const (
	LaneTurn      Lane = iota // the look is worth the most
	LaneGuarantee             // MaxStaleness is near
	LaneFront                 // nothing is known yet, or a status of one's own was set
	LaneHint                  // the vendor's callback told
)

// String names a lane: turn, guarantee, front or hint.
func (l Lane) String() string { return [...]string{"turn", "guarantee", "front", "hint"}[l] }

// Pick is a user in a call.
type Pick struct {
	ID   int32
	Lane Lane
}

// New makes an empty schedule.
func New(c Config) *Schedule {
	s := &Schedule{config: c, hazards: newHazards(c.Hazards), dice: rand.New(rand.NewPCG(c.Seed, 1)), pace: newPace(1 / c.Rate)}
	for range c.Operators {
		s.operators = append(s.operators, newOperator(float64(c.Operators)/c.Rate, c.Batch))
	}
	return s
}

func (s *Schedule) seconds(t time.Time) float64 { return t.Sub(s.config.Start).Seconds() }

// Known is what is known of a user before the first look.
type Known struct {
	Looked time.Time // when the state was last verified; zero: it is not known, and the user goes first
	Online bool
	Since  time.Time // since when the state has been so; zero: that is not known
	Record Record    // what was learned of the user before
}

// Add takes a user in who is watched by so many, and returns the number by which it is called from then on. Many who
// are known are added in the order in which they were looked at, or it takes long.
func (s *Schedule) Add(operator int, watchers float64, k Known, now time.Time) int32 {
	id := s.number()
	u := &s.users[id]
	*u = user{op: uint16(operator), weight: float32(watchers), spot: -1, older: -1, newer: -1, looked: math.Inf(-1), version: u.version, record: k.Record}
	o := s.operators[operator]
	if k.Looked.IsZero() {
		u.where = lined
		s.line(o, fresh, id, s.seconds(now))
		return id
	}
	u.looked = s.seconds(k.Looked)
	s.meet(u, k.Online, k.Since)
	u.key = s.virtual + s.stride(id, s.seconds(now))*s.dice.Float64()
	o.join(s.users, id)
	if s.seconds(now)-u.looked < s.spacing(s.config.Slack) {
		s.rest(u, id)
		return id
	}
	u.where = inTurn
	o.heap.push(s.users, id)
	return id
}

// rest keeps a user out of turn who was looked at just now.
func (s *Schedule) rest(u *user, id int32) {
	u.where = cooling
	s.cool.push(cooled{id, u.looked})
}

func (s *Schedule) number() int32 {
	if n := len(s.free); n > 0 {
		id := s.free[n-1]
		s.free = s.free[:n-1]
		return id
	}
	s.users = append(s.users, user{})
	return int32(len(s.users) - 1)
}

// unknownAge is how old a state is taken to be of which nobody tells.
const unknownAge = 600

// meet notes the first state that is seen of a user.
func (s *Schedule) meet(u *user, isOnline bool, since time.Time) {
	u.set(known, true)
	u.set(online, isOnline)
	u.began = u.looked - unknownAge
	if !since.IsZero() {
		u.began = min(s.seconds(since), u.looked)
	}
}

// Drop takes a user out, for good. It is not for somebody in a call: Done comes first.
func (s *Schedule) Drop(id int32) {
	s.leave(id)
	s.users[id].where = away
	s.free = append(s.free, id)
}

// Move gives a user to another operator, in whose lines it begins to wait.
func (s *Schedule) Move(id int32, operator int, now time.Time) {
	u := &s.users[id]
	if int(u.op) == operator {
		return
	}
	if u.where == inCall {
		u.op = uint16(operator)
		return
	}
	where, front, key := u.where, u.front, u.key
	linked := s.leave(id)
	u.op, u.where, u.key = uint16(operator), where, key
	o := s.operators[operator]
	if where == inTurn {
		o.heap.push(s.users, id)
	}
	if linked {
		o.insert(s.users, id)
	}
	if front != none {
		s.line(o, front, id, s.seconds(now))
	}
}

// leave takes a user out of everything that it is in, and tells whether it was in the list of its operator.
func (s *Schedule) leave(id int32) (linked bool) {
	u := &s.users[id]
	o := s.operators[u.op]
	if u.spot >= 0 {
		o.heap.remove(s.users, id)
	}
	if linked = u.where == inTurn || u.where == cooling; linked {
		o.unlink(s.users, id)
	}
	s.unline(o, u)
	return linked
}

// stride is the time in virtual seconds from one turn of a user to the next: looks are worth the most where they are
// spread by the square root of watchers times hazard.
func (s *Schedule) stride(id int32, now float64) float64 {
	if s.strides != nil {
		return s.strides[id]
	}
	u := &s.users[id]
	return 1 / math.Sqrt(float64(u.weight)*u.hazard(s.hazards, now))
}

// Weigh notes by how many a user is watched now. Who is watched by fewer keeps the turn that is due.
func (s *Schedule) Weigh(id int32, watchers float64, now time.Time) {
	u := &s.users[id]
	u.weight = float32(watchers)
	key := s.virtual + s.stride(id, s.seconds(now))
	if key >= u.key {
		return
	}
	if u.spot < 0 {
		u.key = key
		return
	}
	o := s.operators[u.op]
	o.heap.remove(s.users, id)
	u.key = key
	o.heap.push(s.users, id)
}

// Hint has a user looked at ahead of its turn. Hints about one user are followed no more often than Revisit.
func (s *Schedule) Hint(id int32, ownSet bool, now time.Time) {
	u := &s.users[id]
	f := hinted
	if ownSet {
		f = own
	}
	switch {
	case u.where == away:
	case u.where == inCall, u.where == cooling && u.has(quiet) && f == hinted:
		if u.after == none || f < u.after {
			u.after = f
		}
	case u.front == none || f < u.front:
		o := s.operators[u.op]
		s.unline(o, u)
		s.line(o, f, id, s.seconds(now))
	}
}

// line puts a user in a line in front of the turn.
func (s *Schedule) line(o *operator, f front, id int32, since float64) {
	u := &s.users[id]
	u.front = f
	o.fronts[f].push(entry{id, u.version, since})
	o.fronts[f].live++
}

func (s *Schedule) unline(o *operator, u *user) {
	if u.front != none {
		o.fronts[u.front].live--
		u.front = none
		u.version++
	}
}

// Limit has calls of an operator take no more than so many users; there are operators whose full calls the vendor refuses.
func (s *Schedule) Limit(operator, users int) { s.operators[operator].size = users }

// Late tells how much later than calls leave their answers come. A look is in time for the guarantee when it is
// answered.
func (s *Schedule) Late(d time.Duration) { s.late = d.Seconds() }

// Hold lets nobody be asked by an operator before until, and from then on one call at a time.
func (s *Schedule) Hold(operator int, until time.Time) {
	o := s.operators[operator]
	o.hold, o.trial, o.trying = s.seconds(until), true, false
}

// Release ends a hold.
func (s *Schedule) Release(operator int) {
	o := s.operators[operator]
	o.hold, o.trial, o.trying = math.Inf(-1), false, false
}
