package poller

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// lineup is everybody who is watched, by name, in a schedule that knows them by number. Like the schedule it has no
// goroutine and no clock, and is not safe for concurrent use. A user is in one of two states, in line or in a call;
// next takes from the line, done puts back.
type lineup struct {
	schedule  *schedule.Schedule
	operators []string // as configured
	members   map[bridge.UID]*member
	numbers   []*member // by number
	memory    memory    // of those who are not here
	picks     []schedule.Pick
}

// member is a user in the lineup.
type member struct {
	uid      bridge.UID
	number   int32
	operator int
	source   bridge.Source // what the next look will say made us look
	inCall   bool
	gone     bool          // unwatched while in a call
	hint     bridge.Source // came while in a call
}

// batch is one call to be made.
type batch struct {
	operator string
	picks    []pick
}

// pick is a user in a call, and what made us look.
type pick struct {
	uid    bridge.UID
	source bridge.Source
	lane   schedule.Lane
}

// newLineup makes an empty lineup for these operators.
func newLineup(operators []string, c schedule.Config, m memory) *lineup {
	c.Operators, c.Hazards = len(operators), m.hazards
	if m.records == nil {
		m.records = map[bridge.UID]schedule.Record{}
	}
	return &lineup{schedule: schedule.New(c), operators: operators, members: map[bridge.UID]*member{}, memory: m}
}

// watch puts a user in line, whom so many watch. Who is in line already stays there. Many who are known are put in
// line in the order in which they were looked at, or it takes long.
func (l *lineup) watch(uid bridge.UID, weight float64, k schedule.Known, now time.Time) {
	if m := l.members[uid]; m != nil {
		m.gone = false
		l.schedule.Weigh(m.number, weight, now)
		return
	}
	k.Record = l.memory.take(uid)
	m := &member{uid: uid, operator: operatorOf(uid, l.operators), source: bridge.SourcePoll}
	m.number = l.schedule.Add(m.operator, weight, k, now)
	l.members[uid] = m
	for int(m.number) >= len(l.numbers) {
		l.numbers = append(l.numbers, nil)
	}
	l.numbers[m.number] = m
}

// unwatch takes a user out of the line, or out of the call it is in: nobody else hears of it from done on.
func (l *lineup) unwatch(uid bridge.UID) {
	m := l.members[uid]
	switch {
	case m == nil:
	case m.inCall:
		m.gone = true
	default:
		l.drop(m)
	}
}

func (l *lineup) drop(m *member) {
	l.memory.keep(m.uid, l.schedule.Record(m.number))
	l.schedule.Drop(m.number)
	l.numbers[m.number] = nil
	delete(l.members, m.uid)
}

// weigh notes how many watch a user now.
func (l *lineup) weigh(uid bridge.UID, weight float64, now time.Time) {
	if m := l.members[uid]; m != nil {
		l.schedule.Weigh(m.number, weight, now)
	}
}

// assign moves a user to the operator that subscribes it. One that is not ours, "" for instance, means whichever draws
// the highest lot.
func (l *lineup) assign(uid bridge.UID, name string, now time.Time) {
	m := l.members[uid]
	if m == nil {
		return
	}
	if o, ok := l.operatorNamed(name); ok {
		m.operator = o
	} else {
		m.operator = operatorOf(uid, l.operators)
	}
	l.schedule.Move(m.number, m.operator, now)
}

// hint puts a user ahead of those who are looked at in turn. A hint about somebody in a call means another look: that
// call may have been answered before what the hint is about. One's own set is first in any case.
func (l *lineup) hint(uid bridge.UID, source bridge.Source, now time.Time) {
	m := l.members[uid]
	if m == nil || m.gone {
		return
	}
	says := &m.source
	if m.inCall {
		says = &m.hint
	}
	if *says != bridge.SourceBridge {
		*says = source
	}
	l.schedule.Hint(m.number, source == bridge.SourceBridge, now)
}

// hold lets nobody be asked by an operator before until, and from then on one call at a time.
func (l *lineup) hold(operator string, until time.Time) {
	if o, ok := l.operatorNamed(operator); ok {
		l.schedule.Hold(o, until)
	}
}

// release ends a hold.
func (l *lineup) release(operator string) {
	if o, ok := l.operatorNamed(operator); ok {
		l.schedule.Release(o)
	}
}

// limit has calls of an operator take no more than so many users.
func (l *lineup) limit(operator string, users int) {
	if o, ok := l.operatorNamed(operator); ok {
		l.schedule.Limit(o, users)
	}
}

// next takes the users for one call. No picks: nobody is due.
func (l *lineup) next(now time.Time) batch {
	var o int
	o, l.picks = l.schedule.Next(now, l.picks[:0])
	b := batch{operator: l.operators[o], picks: make([]pick, len(l.picks))}
	for i, p := range l.picks {
		m := l.numbers[p.ID]
		m.inCall = true
		b.picks[i] = pick{m.uid, m.source, p.Lane}
	}
	return b
}

// done puts back a user whom next took.
func (l *lineup) done(uid bridge.UID, k schedule.Look) {
	m := l.members[uid]
	if m == nil || !m.inCall {
		return
	}
	m.inCall = false
	l.schedule.Done(m.number, k)
	if m.gone {
		l.drop(m)
		return
	}
	if k.Outcome == schedule.Seen || k.Outcome == schedule.Missing { // else the reason to look stands
		m.source = bridge.SourcePoll
	}
	if m.hint != "" && m.source != bridge.SourceBridge {
		m.source = m.hint
	}
	m.hint = ""
}

// inCall says whether a call about the user is under way, also where nobody watches it any more.
func (l *lineup) inCall(uid bridge.UID) bool {
	m := l.members[uid]
	return m != nil && m.inCall
}

// place is where a user is in the schedule.
type place struct {
	schedule.Place
	operator string
	source   bridge.Source
}

// place tells where a user is.
func (l *lineup) place(uid bridge.UID, now time.Time) (place, bool) {
	m := l.members[uid]
	if m == nil || m.gone {
		return place{}, false
	}
	return place{l.schedule.Place(m.number, now), l.operators[m.operator], m.source}, true
}

func (l *lineup) operatorNamed(name string) (int, bool) {
	for i, n := range l.operators {
		if n == name {
			return i, true
		}
	}
	return 0, false
}

// operatorOf finds an operator for a user whom none subscribes. Each operator draws a lot for the user and the
// highest wins, so that another operator takes users over and moves no others.
func operatorOf(uid bridge.UID, operators []string) (best int) {
	highest := uint64(0)
	for i, name := range operators {
		if lot := bridge.Lot(uid, name); lot > highest {
			best, highest = i, lot
		}
	}
	return best
}
