package poller

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	laneShare = 0.8 // of a call, at most, is for the front lane while others are due: nobody is starved by it
	laneCalls = 4   // in a row, at most, are made for front lanes while another operator's users are due

	maxIdle = time.Hour // when nobody is watched

	// ownAhead is how long whoever has just set a status of their own is taken to have waited: they want to see
	// it, and a crowd of newcomers must not stand before them. The budget for setting bounds how many they are.
	ownAhead = time.Minute
)

// roundRobin looks at everybody in turn: whoever was looked at longest ago is next. Each operator has a ring
// for those in turn, and a lane in front of it for the hinted and the new. It is a [scheduler].
type roundRobin struct {
	revisit, slack time.Duration
	operators      []*operator // as configured
	users          map[bridge.UID]*user
	tickets        uint64 // given so far
	lanes          int    // calls in a row that were made for a front lane
}

// operator is a service user, and those whom it asks for.
type operator struct {
	name       string
	lane, ring queue
	hold       time.Time // no call before
	trial      bool      // one call at a time
	trying     bool      // that one call is being made
}

// user is somebody in line, or in a call (in is nil).
type user struct {
	uid    bridge.UID
	home   *operator
	source bridge.Source

	in     *queue
	index  int
	due    time.Time // with ticket the place in line, kept through a call in case it fails
	ticket uint64
	lane   bool // the place is in the front lane

	hint   bridge.Source // came while in a call
	hinted time.Time
	gone   bool // unwatched while in a call
}

func (u *user) before(o *user) bool {
	if !u.due.Equal(o.due) {
		return u.due.Before(o.due)
	}
	return u.ticket < o.ticket
}

func newRoundRobin(operators []string, revisit, slack time.Duration) *roundRobin {
	r := &roundRobin{revisit: revisit, slack: slack, users: map[bridge.UID]*user{}}
	for _, name := range operators {
		r.operators = append(r.operators, &operator{name: name})
	}
	return r
}

// Watch implements [scheduler].
func (r *roundRobin) Watch(uid bridge.UID, looked, now time.Time) {
	if u := r.users[uid]; u != nil {
		u.gone = false
		return
	}
	u := &user{uid: uid, home: r.operatorOf(uid), source: bridge.SourcePoll}
	r.users[uid] = u
	if looked.IsZero() {
		r.place(u, true, now)
	} else {
		r.place(u, false, looked.Add(r.revisit+r.slack))
	}
}

// Unwatch implements [scheduler].
func (r *roundRobin) Unwatch(uid bridge.UID) {
	u := r.users[uid]
	switch {
	case u == nil:
	case u.in == nil:
		u.gone = true
	default:
		u.in.remove(u)
		delete(r.users, uid)
	}
}

// Assign implements [scheduler].
func (r *roundRobin) Assign(uid bridge.UID, name string) {
	u := r.users[uid]
	if u == nil {
		return
	}
	home := r.operatorOf(uid)
	if o := r.operatorNamed(name); o != nil {
		home = o
	}
	if home == u.home {
		return
	}
	u.home = home
	if u.in != nil {
		u.in.remove(u)
		r.enqueue(u)
	}
}

// Hint implements [scheduler].
func (r *roundRobin) Hint(uid bridge.UID, source bridge.Source, now time.Time) {
	u := r.users[uid]
	switch {
	case u == nil || u.gone:
	case u.in == nil:
		u.hint, u.hinted = source, now
	case u.lane && !u.due.After(now) && source != bridge.SourceBridge:
		u.source = source // it cannot be any further in front
	default:
		u.in.remove(u)
		u.source = source
		r.place(u, true, now.Add(-ahead(source)))
	}
}

// Hold implements [scheduler].
func (r *roundRobin) Hold(name string, until time.Time) {
	if o := r.operatorNamed(name); o != nil {
		o.hold, o.trial, o.trying = until, true, false
	}
}

// Release implements [scheduler].
func (r *roundRobin) Release(name string) {
	if o := r.operatorNamed(name); o != nil {
		o.hold, o.trial, o.trying = time.Time{}, false, false
	}
}

// Idle implements [scheduler].
func (r *roundRobin) Idle(now time.Time) time.Duration {
	idle := maxIdle
	for _, o := range r.operators {
		if !o.trying {
			idle = min(idle, o.idle(now))
		}
	}
	return idle
}

func (o *operator) idle(now time.Time) time.Duration {
	idle := maxIdle
	for _, q := range []queue{o.lane, o.ring} {
		if u := q.head(); u != nil {
			idle = min(idle, max(u.due.Sub(now), o.hold.Sub(now), 0))
		}
	}
	return idle
}

// Next implements [scheduler].
func (r *roundRobin) Next(now time.Time, size int) batch {
	o := r.choose(now)
	if o == nil {
		return batch{}
	}
	o.trying = o.trial
	b := batch{operator: o.name, picks: make([]pick, 0, size)}
	b.take(&o.lane, now, int(laneShare*float64(size)))
	b.take(&o.ring, now.Add(r.slack), size)
	b.take(&o.lane, now, size)
	return b
}

// take fills the batch up to size with those who are due by then.
func (b *batch) take(q *queue, then time.Time, size int) {
	for len(b.picks) < size && q.ready(then) {
		u := q.head()
		q.remove(u)
		b.picks = append(b.picks, pick{u.uid, u.source})
	}
}

// choose finds the operator whose turn it is: the one in whose front lane somebody waits longest, or, where
// lanes have had their share, the one whose ring has waited longest. nil: nothing is due.
func (r *roundRobin) choose(now time.Time) *operator {
	var lane, ring *operator
	for _, o := range r.operators {
		if o.trying || o.hold.After(now) {
			continue
		}
		if o.lane.ready(now) && (lane == nil || o.lane[0].before(lane.lane[0])) {
			lane = o
		}
		if o.ring.ready(now) && (ring == nil || o.ring[0].before(ring.ring[0])) {
			ring = o
		}
	}
	if lane != nil && (ring == nil || lane == ring || r.lanes < laneCalls) {
		r.lanes++
		return lane
	}
	r.lanes = 0
	return ring
}

// Done implements [scheduler].
func (r *roundRobin) Done(uid bridge.UID, l look) {
	u := r.users[uid]
	if u == nil || u.in != nil {
		return
	}
	if u.gone {
		delete(r.users, uid)
		return
	}
	hint, hinted := u.hint, u.hinted
	u.hint, u.hinted = "", time.Time{}
	if l.outcome == seen || l.outcome == missing { // else the reason to look stands
		u.source = bridge.SourcePoll
	}
	switch {
	case hint != "" && !(l.outcome == failed && u.lane):
		u.source = hint
		r.place(u, true, hinted.Add(-ahead(hint)))
	case l.outcome == failed:
		r.enqueue(u) // where it was
	case l.outcome == overtaken:
		r.place(u, true, l.at.Add(r.revisit))
	default:
		r.place(u, false, l.at.Add(r.revisit+r.slack))
	}
}

// Place implements [scheduler].
func (r *roundRobin) Place(uid bridge.UID) (place, bool) {
	u := r.users[uid]
	if u == nil || u.gone {
		return place{}, false
	}
	return place{operator: u.home.name, due: u.due, first: u.lane, source: u.source, inCall: u.in == nil}, true
}

func ahead(source bridge.Source) time.Duration {
	if source == bridge.SourceBridge {
		return ownAhead
	}
	return 0
}

// place gives a user a new place, behind all who are due at the same time.
func (r *roundRobin) place(u *user, lane bool, due time.Time) {
	r.tickets++
	u.lane, u.due, u.ticket = lane, due, r.tickets
	r.enqueue(u)
}

func (r *roundRobin) enqueue(u *user) {
	if u.lane {
		u.home.lane.push(u)
	} else {
		u.home.ring.push(u)
	}
}

func (r *roundRobin) operatorNamed(name string) *operator {
	for _, o := range r.operators {
		if o.name == name {
			return o
		}
	}
	return nil
}

// operatorOf finds an operator for a user whom none subscribes. Each operator draws a lot for the user and the
// highest wins, so that another operator takes users over and moves no others.
func (r *roundRobin) operatorOf(uid bridge.UID) *operator {
	best, highest := r.operators[0], uint64(0)
	for _, o := range r.operators {
		if lot := bridge.Lot(uid, o.name); lot > highest {
			best, highest = o, lot
		}
	}
	return best
}
