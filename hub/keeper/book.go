package keeper

import (
	"container/list"
	"math"
	"math/rand/v2"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

const never = math.MaxInt64 * time.Nanosecond // some 292 years

// book is the whole plan: who is wanted, who is subscribed by whom until when, and so which call comes next.
// It has no goroutine, no clock and no network; one loop owns it.
//
// Everybody who is wanted has an entry, and so has everybody whom one of our operators is known to subscribe.
// An entry is in exactly one place.
type book struct {
	config    Config
	operators []*operator // in the order of the configuration
	byName    map[string]*operator
	entries   map[bridge.UID]*entry
	waiting   *list.List // of *entry, who came first in front
	parked    map[bridge.UID]*entry
	dirty     map[bridge.UID]struct{} // whose line in the ledger is not what it should be
	paused    time.Time               // no call of any kind before

	jitter func(time.Duration) time.Duration // something up to, for back-offs
	news   news
}

// news is what somebody should hear of.
type news struct {
	lost, adopted int          // subscriptions that the vendor had dropped, or had without our knowing
	refused       []bridge.UID // whom the vendor will not have subscribed
	selves        []bridge.UID // who is the only operator there is
}

// place is where an entry is.
type place int

const (
	nowhere place = iota // not in the book
	waiting              // wanted; every operator is full
	parked               // wanted; the vendor refused, or nobody can do it, until notBefore
	queued               // wanted; its operator's next call subscribes it
	held                 // wanted and subscribed
	leaving              // subscribed and not wanted any more
)

// entry is one user. What is said of the subscription holds in the places held and leaving.
type entry struct {
	uid   bridge.UID
	place place
	op    *operator     // queued, held, leaving
	node  *list.Element // waiting, queued

	since     time.Time // when it came to be wanted
	notBefore time.Time // the vendor refused it: no subscribe before
	releaseAt time.Time // leaving

	until         time.Time // when the subscription ends
	accepted      time.Time // when the vendor took it; zero when that was before our time
	half, planned time.Time // may be renewed from half on, is due when planned
	doubtful      bool      // a release failed, and may have worked all the same
}

func newBook(c Config, now time.Time) *book {
	b := &book{
		config:  c,
		byName:  map[string]*operator{},
		entries: map[bridge.UID]*entry{},
		waiting: list.New(),
		parked:  map[bridge.UID]*entry{},
		dirty:   map[bridge.UID]struct{}{},
		jitter:  func(most time.Duration) time.Duration { return rand.N(most + 1) },
	}
	for _, name := range c.Operators {
		uid, _ := bridge.ParseUID(name) // Validate has seen it
		op := newOperator(string(uid), now.Add(c.Settle))
		b.operators = append(b.operators, op)
		b.byName[op.name] = op
	}
	return b
}

// load takes over what an earlier keeper has written down, and who is watched. What is written down and valid
// stays as it is and costs nothing. Lines about operators that are not ours are left to expire: whoever is
// wanted gets one of ours.
func (b *book) load(lines map[bridge.UID]bridge.Subscription, wanted []bridge.UID, now time.Time) {
	for uid, line := range lines {
		op, until := b.byName[line.Operator], time.UnixMilli(line.Until)
		if op == nil || !until.After(now) {
			continue
		}
		e := b.entry(uid)
		e.runs(until.Add(-b.config.TTL), until)
		e.releaseAt = now.Add(b.config.Linger)
		b.move(e, leaving, op)
	}
	for _, uid := range wanted {
		b.want(uid, now)
	}
	for uid, line := range lines {
		if b.entries[uid] == nil && !time.UnixMilli(line.Until).After(now) {
			b.dirty[uid] = struct{}{}
		}
	}
}

// want notes that a user is watched.
func (b *book) want(uid bridge.UID, now time.Time) {
	e := b.entry(uid)
	switch {
	case e.place == nowhere:
		e.since = now
		b.assign(e, now)
	case e.place != leaving:
	case e.doubtful || !e.until.After(now):
		e.since = now
		b.move(e, queued, e.op)
	default:
		b.move(e, held, e.op)
	}
}

// unwant notes that nobody watches a user any more.
func (b *book) unwant(uid bridge.UID, now time.Time) {
	e := b.entries[uid]
	switch {
	case e == nil || e.place == leaving:
	case e.place == held && e.until.After(now):
		e.releaseAt = now.Add(b.config.Linger)
		b.move(e, leaving, e.op)
	default:
		b.forget(e)
	}
}

// assign gives a wanted user to an operator, or lets it wait for one to have room.
func (b *book) assign(e *entry, now time.Time) {
	if len(b.operators) == 1 && b.operators[0].name == string(e.uid) {
		b.news.selves = append(b.news.selves, e.uid)
		e.notBefore = now.Add(never)
		b.move(e, parked, nil)
		return
	}
	if op := b.best(e.uid); op != nil {
		b.move(e, queued, op)
		return
	}
	b.move(e, waiting, nil)
}

// best is the operator with room who is first by rendezvous hashing, nil where all are full. Nobody can
// subscribe themselves.
func (b *book) best(uid bridge.UID) *operator {
	var best *operator
	var most uint64
	for _, op := range b.operators {
		if op.name == string(uid) || op.load() >= b.config.Capacity {
			continue
		}
		if s := bridge.Lot(uid, op.name); best == nil || s > most {
			best, most = op, s
		}
	}
	return best
}

// fill gives room that has appeared to those who wait, first come first served.
func (b *book) fill() {
	for el := b.waiting.Front(); el != nil && b.room(); {
		e := el.Value.(*entry)
		el = el.Next()
		if op := b.best(e.uid); op != nil {
			b.move(e, queued, op)
		}
	}
}

func (b *book) room() bool {
	for _, op := range b.operators {
		if op.load() < b.config.Capacity {
			return true
		}
	}
	return false
}

// unpark gives those whom the vendor refused another chance when their time has come.
func (b *book) unpark(now time.Time) {
	for _, e := range b.parked {
		if !e.notBefore.After(now) {
			b.assign(e, now)
		}
	}
}

func (b *book) entry(uid bridge.UID) *entry {
	if e := b.entries[uid]; e != nil {
		return e
	}
	return &entry{uid: uid}
}

// forget drops an entry, and its line in the ledger if it may have one.
func (b *book) forget(e *entry) {
	b.move(e, nowhere, nil)
	if !e.until.IsZero() {
		b.dirty[e.uid] = struct{}{}
	}
}

// move is the only way from one place to another.
func (b *book) move(e *entry, to place, op *operator) {
	switch e.place {
	case waiting:
		b.waiting.Remove(e.node)
	case parked:
		delete(b.parked, e.uid)
	case queued:
		e.op.queue.Remove(e.node)
	case held:
		delete(e.op.held, e.uid)
	case leaving:
		delete(e.op.leaving, e.uid)
	}
	e.place, e.op, e.node = to, op, nil
	b.entries[e.uid] = e
	switch to {
	case nowhere:
		delete(b.entries, e.uid)
	case waiting:
		e.node = b.waiting.PushBack(e)
	case parked:
		b.parked[e.uid] = e
	default:
		op.take(e)
	}
}

// subscription is what the ledger should say of a user.
func (b *book) subscription(uid bridge.UID) (s bridge.Subscription, ok bool) {
	e := b.entries[uid]
	if e == nil || e.place != held && e.place != leaving {
		return s, false
	}
	return bridge.Subscription{Operator: e.op.name, Until: e.until.UnixMilli()}, true
}

// runs notes how long a subscription lasts: when it may be renewed, and when it is due.
func (e *entry) runs(from, until time.Time) {
	life := max(until.Sub(from), time.Second)
	e.until = until
	e.half = from.Add(life / 2)
	e.planned = e.half.Add(time.Duration(fraction(e.uid, until) * float64(life/6)))
	e.doubtful = false
}

// maxBatch is how many users a call takes.
const maxBatch = easemob.MaxUIDs
