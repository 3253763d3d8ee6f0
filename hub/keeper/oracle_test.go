package keeper

import (
	"fmt"
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// oracle judges a simulation by what people want and by what the vendor has, and knows of the keeper only the
// calls that it makes. The bounds are those that doc.go states.
type oracle struct {
	s       *sim
	users   []*simUser
	excused time.Time // until then nobody can be blamed
	full    time.Time // there was less room than people
	demand  int       // subscriptions that are needed, or held by our operators all the same
	crowded time.Time // there was less room than people and doubts: the keeper cannot have known that there was more
	doubted int       // users who may take up room, for all that the keeper knows
	ours    []*simOperator
	since   map[*simOperator]time.Time // since when it is one of ours
	err     error

	calls   [kinds]int // that the vendor took
	allowed [kinds]int // by whom they were about
	ticks   map[simLane]*simTick
	tries   map[simTry]time.Time // when the vendor took the last one; of this keeper alone
	renewed map[int]int          // users, by a 48th of a lifetime, while it is calm

	longestWithout, longestUnwanted time.Duration
}

// simTry is a list of an operator, where uid is empty, or a subscribe of a user.
type simTry struct {
	op  string
	uid bridge.UID
}

type simLane struct {
	op   string
	kind kind
}

// simTick is the span of time within which users could have shared calls.
type simTick struct {
	number int64
	users  int
}

// simUser is one user as the oracle sees it.
type simUser struct {
	uid      bridge.UID
	wanted   bool
	since    time.Time // when it came to be wanted, or not wanted
	covered  time.Time // subscribed by one of ours until then
	excused  time.Time // until then nobody can be blamed for this one
	badUntil time.Time // the vendor refuses it until then
	demand   int

	// The operators of whom the keeper cannot know what they have of this user, a bit each.
	doubts  uint64
	doubted bool // and it counts as such
	trusted bool // there were none when the last call about it was made
}

func newOracle(s *sim) *oracle {
	o := &oracle{s: s, since: map[*simOperator]time.Time{}, ticks: map[simLane]*simTick{}, renewed: map[int]int{},
		tries: map[simTry]time.Time{}}
	o.reconfigured()
	return o
}

func (o *oracle) user(uid bridge.UID) *simUser {
	u := o.s.byUID[uid]
	if u == nil {
		u = &simUser{uid: uid, since: o.s.now}
		o.s.byUID[uid] = u
		o.users = append(o.users, u)
	}
	return u
}

func (o *oracle) fail(format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf("after %v: "+format, append([]any{o.s.now.Sub(worldStart)}, args...)...)
	}
}

// retries is how long it may take until a call that can fail goes through.
func (o *oracle) retries() time.Duration { return 5 * time.Minute }

// withoutBound is how long somebody who is watched may be without a subscription: a list that comes before it
// has heard is no use, so the next has to; at a start the operators' lists come one settle time apart.
func (o *oracle) withoutBound() time.Duration {
	c := o.s.config
	return c.Reconcile + time.Duration(len(c.Operators)+1)*c.Settle + o.retries()
}

// unwantedBound is how long somebody may be subscribed whom nobody watches.
func (o *oracle) unwantedBound() time.Duration { return o.s.config.Linger + o.withoutBound() }

// promptly is how soon somebody who comes is subscribed where nothing goes wrong.
const promptly = 5 * time.Second

// prompt says whether nothing but the events goes wrong.
func (o *oracle) prompt() bool {
	return o.s.plan.fails == 0 && o.s.plan.loses == 0 && o.s.vendor.lateAbove == 0 && !o.s.plan.bad
}

// look judges a user, and has to be called before anything about it changes.
func (o *oracle) look(u *simUser) {
	now := o.s.now
	o.room()
	if u.wanted {
		from := later(later(u.covered, u.since), later(u.excused, later(o.excused, o.full)))
		without := now.Sub(from)
		o.longestWithout = max(o.longestWithout, without)
		if without > o.withoutBound() {
			o.fail("%s has been without a subscription for %v", u.uid, without)
		}
		return
	}
	for _, op := range o.ours {
		sub := op.subs[u.uid]
		if sub == nil {
			continue
		}
		from := later(later(sub.from, u.since), later(later(u.excused, o.excused), o.since[op]))
		unwanted := earlier(now, sub.until).Sub(from)
		o.longestUnwanted = max(o.longestUnwanted, unwanted)
		if unwanted > o.unwantedBound() {
			o.fail("%s is subscribed by %s for nobody since %v", u.uid, op.name, unwanted)
		}
	}
}

// room notes whether there was any until now.
func (o *oracle) room() {
	capacity := o.s.config.Capacity * len(o.ours)
	if o.demand > capacity {
		o.full = o.s.now
	}
	if o.demand+o.doubted > capacity {
		o.crowded = o.s.now
	}
}

// subscribed hears that an operator has come to subscribe somebody.
func (o *oracle) subscribed(op *simOperator, u *simUser, until time.Time) {
	began := later(o.excused, o.crowded).Add(o.retries())
	if o.prompt() && u.wanted && u.trusted && !u.covered.After(u.since) && u.since.After(began) && u.since.After(u.excused) {
		if took := o.s.now.Sub(u.since); took > promptly {
			o.fail("%s waits %v for its first subscription", u.uid, took)
		}
		o.s.fired["a first subscription is prompt"]++
	}
	if slices.Contains(o.ours, op) {
		u.covered = later(u.covered, until)
	}
	o.count(u)
}

// dropped hears that an operator has lost somebody, or let somebody go.
func (o *oracle) dropped(_ *simOperator, u *simUser) {
	o.look(u)
	o.recover(u)
}

// recover finds out anew until when somebody is covered.
func (o *oracle) recover(u *simUser) {
	covered := earlier(u.covered, o.s.now)
	for _, op := range o.ours {
		if sub := op.subs[u.uid]; sub != nil {
			covered = later(covered, sub.until)
		}
	}
	u.covered = covered
	o.count(u)
}

// count notes how many subscriptions a user takes up, or should.
func (o *oracle) count(u *simUser) {
	o.demand -= u.demand
	u.demand = 0
	for _, op := range o.ours {
		if op.subs[u.uid].live(o.s.now) {
			u.demand++
		}
	}
	if u.wanted && u.demand == 0 {
		u.demand = 1
	}
	o.demand += u.demand
	o.countDoubt(u)
}

// countDoubt notes whether a user may take up room that the keeper does not know to be there.
func (o *oracle) countDoubt(u *simUser) {
	o.room()
	if u.doubted {
		o.doubted--
	}
	if u.doubted = u.demand == 0 && u.doubts != 0; u.doubted {
		o.doubted++
	}
}

func (o *oracle) reconfigured() {
	for _, u := range o.users {
		o.look(u)
	}
	ours := o.ours
	o.ours = nil
	for _, name := range o.s.config.Operators {
		op := o.s.vendor.op(name)
		o.ours = append(o.ours, op)
		if slices.Contains(ours, op) {
			continue
		}
		o.since[op] = o.s.now
		for _, u := range o.users {
			o.doubt(op, u.uid)
		}
	}
	for _, u := range o.users {
		o.recover(u)
	}
}

func (o *oracle) excuseAll(until time.Time) { o.excused = later(o.excused, until) }

func (o *oracle) excuse(u *simUser, until time.Time) {
	o.look(u)
	u.excused = later(u.excused, until)
}

// doubt notes that the keeper cannot know what an operator, or nil: any, has of some users.
func (o *oracle) doubt(op *simOperator, uids ...bridge.UID) {
	for _, uid := range uids {
		u := o.user(uid)
		if op == nil {
			u.doubts = ^uint64(0)
		} else {
			u.doubts |= 1 << op.number
		}
		o.countDoubt(u)
	}
}

// resumed hears that another keeper begins.
func (o *oracle) resumed() { clear(o.tries) }

// called hears of every call.
func (o *oracle) called(c batch) {
	if c.kind != inspect && (len(c.uids) == 0 || len(c.uids) > maxBatch) {
		o.fail("a call to %s %d users", c.kind, len(c.uids))
	}
}

// taken hears of a call that goes through, before the vendor does it. Every user in it has to be worth it.
func (o *oracle) taken(c batch) {
	o.calls[c.kind]++
	if c.kind == inspect {
		o.once(simTry{op: c.op.name}, time.Time{})
		return
	}
	op := o.s.vendor.op(c.op.name)
	for _, uid := range c.uids {
		u := o.user(uid)
		if u.doubts>>op.number&1 == 0 {
			o.worth(c.kind, op, u)
		}
		if c.kind == subscribe {
			o.once(simTry{op.name, uid}, u.since)
		}
		u.trusted = u.doubts == 0
		u.doubts &^= 1 << op.number
		o.countDoubt(u)
	}
	o.tick(c)
}

// once holds that nothing is tried again before a list has had time to settle, save for who has come anew.
func (o *oracle) once(t simTry, since time.Time) {
	if last, ok := o.tries[t]; ok && last.After(since) && o.s.now.Sub(last) < o.s.config.Settle {
		o.fail("%v is tried again after %v", t, o.s.now.Sub(last))
	}
	o.tries[t] = o.s.now
}

func (o *oracle) worth(k kind, op *simOperator, u *simUser) {
	sub := op.subs[u.uid]
	now := o.s.now
	switch {
	case k == subscribe && sub.live(now):
		o.fail("%s is subscribed by %s, and is once more", u.uid, op.name)
	case k == release && !sub.live(now):
		o.fail("%s is released by %s, which does not subscribe it", u.uid, op.name)
	case k == release && u.wanted && u.covered.Equal(sub.until) && u.demand < 2:
		o.fail("%s is released, and somebody watches it", u.uid)
	case k == release && !u.wanted && now.Sub(u.since) < o.s.config.Linger:
		o.fail("%s is released before its time", u.uid)
	case k != release && !u.wanted:
		o.fail("%s is to %s, and nobody watches it", u.uid, k)
	case k == renew && sub.live(now):
		o.renewal(op, u, sub)
	}
}

// renewal is due between half and two thirds of a lifetime.
func (o *oracle) renewal(op *simOperator, u *simUser, sub *simSub) {
	now, life := o.s.now, sub.until.Sub(sub.from)
	if now.Before(sub.from.Add(life/2 - 2*time.Second - o.s.vendor.late)) {
		o.fail("%s is renewed by %s after %v of %v", u.uid, op.name, now.Sub(sub.from), life)
	}
	due := later(later(sub.from.Add(life/3*2), u.since), later(u.excused, o.excused))
	if now.Sub(due) > o.retries() {
		o.fail("%s is renewed by %s %v too late", u.uid, op.name, now.Sub(due))
	}
}

// tick adds a call to what is allowed: users who come due within one tick share calls.
func (o *oracle) tick(c batch) {
	span := map[kind]time.Duration{subscribe: tick, release: gatherRelease, renew: o.life() / 24}[c.kind]
	number := o.s.now.Sub(worldStart).Nanoseconds() / int64(span)
	t := o.ticks[simLane{c.op.name, c.kind}]
	if t == nil {
		t = &simTick{number: -1}
		o.ticks[simLane{c.op.name, c.kind}] = t
	}
	if t.number != number {
		o.allowed[c.kind] += (t.users + maxBatch - 1) / maxBatch
		*t = simTick{number: number}
	}
	t.users += len(c.uids)
	if c.kind == renew && o.s.plan.calm && o.s.now.Sub(worldStart) > simDays/2*24*time.Hour+7*o.life() {
		o.renewed[int(o.s.now.Sub(worldStart)*48/o.life())] += len(c.uids)
	}
}

// life is how long a subscription lasts.
func (o *oracle) life() time.Duration {
	if l := o.s.vendor.life; l > 0 {
		return min(l, o.s.config.TTL)
	}
	return o.s.config.TTL
}

// finish judges what can only be judged at the end.
func (o *oracle) finish() {
	for _, u := range o.users {
		o.look(u)
	}
	for l, t := range o.ticks {
		o.allowed[l.kind] += (t.users + maxBatch - 1) / maxBatch
	}
	for k := range inspect {
		if o.calls[k]*5 > (o.allowed[k]+o.s.plan.operators)*6 {
			o.fail("%d calls to %s where %d are enough", o.calls[k], k, o.allowed[k])
		}
	}
	o.level()
}

// level holds every twelfth of a lifetime against their mean.
func (o *oracle) level() {
	first := int((simDays/2*24*time.Hour+7*o.life())*48/o.life()) + 1
	last := int(o.s.end.Sub(worldStart) * 48 / o.life())
	if !o.s.plan.calm || last-first < 48 {
		return
	}
	total := 0
	for i := first; i < last; i++ {
		total += o.renewed[i]
	}
	mean := float64(total) * 4 / float64(last-first)
	for i := first; i+4 <= last; i++ {
		window := 0
		for j := range 4 {
			window += o.renewed[i+j]
		}
		if float64(window) > 1.5*mean+maxBatch {
			o.fail("%d renewals in a twelfth of a lifetime, of %.0f in the mean", window, mean)
		}
	}
	o.s.fired["a calm time is judged"]++
}
