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
	waiting   *list.List              // of *entry, who came first in front
	parked    agenda                  // by notBefore
	dirty     map[bridge.UID]struct{} // whose line in the ledger is not what it should be
	paused    time.Time               // no call of any kind before
	walkAt    time.Time               // no list before: those of many operators come one by one
	walks     int                     // through lists
	gives     time.Duration           // how long a subscription lasts that was asked for, as the vendor told last

	jitter func(time.Duration) time.Duration // something up to, for back-offs and renewals
	news   news
}

// news is what somebody should hear of.
type news struct {
	lost, adopted int          // subscriptions that the vendor had dropped, or had without our knowing
	unconfirmed   int          // subscriptions that the answer left out, and the list as well
	refused       []bridge.UID // whom the vendor will not have subscribed
	selves        []bridge.UID // who is the only operator there is
}

func newBook(c Config, now time.Time) *book {
	b := &book{
		config:  c,
		gives:   c.TTL,
		byName:  map[string]*operator{},
		entries: map[bridge.UID]*entry{},
		waiting: list.New(),
		dirty:   map[bridge.UID]struct{}{},
		jitter:  func(most time.Duration) time.Duration { return rand.N(most + 1) },
	}
	for i, name := range c.Operators {
		uid, _ := bridge.ParseUID(name) // Validate has seen it
		// The first lists are asked for when they can tell of what was subscribed at the start, one after another.
		op := newOperator(string(uid), now.Add(c.Settle+c.Settle/4+time.Duration(i)*c.Settle))
		b.operators = append(b.operators, op)
		b.byName[op.name] = op
	}
	return b
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
		b.hold(e, e.op, now)
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
	for len(b.parked) > 0 && !b.parked[0].at.After(now) {
		b.assign(b.parked[0], now)
	}
}

// capacity is how many users there is room for.
func (b *book) capacity() int { return b.config.Capacity * len(b.operators) }

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

// hold puts a user among those whom an operator subscribes, and plans the renewal.
func (b *book) hold(e *entry, op *operator, now time.Time) {
	b.move(e, held, op)
	b.plan(e, now)
	if !e.sure() {
		op.confirmBy(b.confirm(e))
	}
}

// confirm is when a list is asked for that shows whether somebody is subscribed after all: a little later than it
// could be, so that it shows others as well.
func (b *book) confirm(e *entry) time.Time { return e.confirmAt.Add(b.config.Settle / 4) }

// move is the only way from one place to another. Whoever is to be subscribed by an operator is no mistake there
// any more.
func (b *book) move(e *entry, to place, op *operator) {
	b.leave(e)
	e.place, e.op = to, op
	b.entries[e.uid] = e
	if op != nil {
		delete(op.extras, e.uid)
	}
	switch to {
	case nowhere:
		delete(b.entries, e.uid)
	case waiting:
		e.node = b.waiting.PushBack(e)
	case parked:
		b.parked.put(e, e.notBefore)
	case queued:
		e.node = op.queue.PushBack(e)
	case leaving:
		op.leaving.put(e, e.goneAt())
	}
}

func (b *book) leave(e *entry) {
	switch e.place {
	case waiting:
		b.waiting.Remove(e.node)
	case parked:
		b.parked.drop(e)
	case queued:
		e.op.queue.Remove(e.node)
	case held:
		e.op.calendar.leave(e)
	case leaving:
		e.op.leaving.drop(e)
	}
	e.node = nil
}

// subscription is what the ledger should say of a user.
func (b *book) subscription(uid bridge.UID) (s bridge.Subscription, ok bool) {
	e := b.entries[uid]
	if e == nil || e.place != held && e.place != leaving {
		return s, false
	}
	return bridge.Subscription{Operator: e.op.name, Since: e.from.UnixMilli(), Until: e.until.UnixMilli()}, true
}

// maxBatch is how many users a call takes.
const maxBatch = easemob.MaxUIDs
