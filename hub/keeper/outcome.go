package keeper

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	backOffBase = 500 * time.Millisecond
	backOffCap  = 30 * time.Second
	backOffLong = 60 * time.Second // what only a person can cure
	refusedFor  = time.Hour        // until a user whom the vendor refused is tried again

	// maxRefusals in a row are not about users any more: to find one of a hundred takes eight.
	maxRefusals = 16
)

// subscribed notes that the vendor took a subscribe or a renewal that was sent at a time. expiry holds those in
// the answer, with what it says of each, if it says anything. Who is not in it may be subscribed later than the
// answer (ED24 knew of a queue for more than five users), or not at all: the list will tell.
func (b *book) subscribed(c batch, at time.Time, expiry map[bridge.UID]time.Time, now time.Time) {
	c.op.lanes[c.kind].passed()
	for _, uid := range c.uids {
		if !b.still(c, uid) {
			continue
		}
		e := b.entries[uid]
		until, answered := expiry[uid]
		if answered {
			e.confirmed()
		} else {
			e.confirmAt = now.Add(b.patience(e, now))
		}
		b.took(e, at, until)
		e.accepted, e.notBefore = now, time.Time{}
		b.hold(e, c.op, now)
		b.dirty[uid] = struct{}{}
	}
}

// took notes until when the vendor says that a subscription lasts which was asked for at a time. More than was
// asked for is a clock that runs ahead: never plan beyond what was asked.
func (b *book) took(e *entry, at, until time.Time) {
	asked := at.Add(b.config.TTL)
	if !until.After(at) { // it says nothing, or its clock is beside ours
		until = at.Add(b.gives)
	}
	e.runs(at, earlier(until, asked))
	e.until, b.gives = until, earlier(until, asked).Sub(at)
}

// patience is how long to wait for the list to confirm a user: until it has settled, longer each time in a row,
// and where a renewal is in doubt no less than half of what is left in any case.
func (b *book) patience(e *entry, now time.Time) time.Duration {
	wait := max(b.config.Reconcile, b.config.Settle)
	if e.misses < 8 {
		wait = min(wait, b.config.Settle<<e.misses)
	}
	if e.place == held {
		wait = max(wait, e.until.Sub(now)/2)
	}
	return wait
}

// dropped notes that the vendor took a release.
func (b *book) dropped(c batch, now time.Time) {
	c.op.lanes[c.kind].passed()
	for _, uid := range c.uids {
		b.gone(c.op, uid, now)
	}
}

func (b *book) gone(op *operator, uid bridge.UID, now time.Time) {
	delete(op.extras, uid)
	op.released[uid] = now
	if e := b.entries[uid]; e != nil && e.place == leaving && e.op == op {
		b.forget(e)
	}
}

// failed notes that a call failed in a way that passes: the same is tried again, later each time.
func (b *book) failed(c batch, now time.Time) {
	l := &c.op.lanes[c.kind]
	most := backOffCap
	if l.tries < 6 { // base<<6 is beyond the cap
		most = min(backOffCap, backOffBase<<l.tries)
	}
	l.tries++
	b.postpone(c, now.Add(b.jitter(most)))
}

// blocked notes that an operator can do nothing of this kind until somebody helps.
func (b *book) blocked(c batch, now time.Time) { b.postpone(c, now.Add(backOffLong)) }

// stopped notes that nobody can do anything until somebody helps.
func (b *book) stopped(c batch, now time.Time) {
	b.paused = now.Add(backOffLong)
	b.postpone(c, b.paused)
}

// postpone keeps a kind of work of an operator back. A release that failed may have worked all the same.
func (b *book) postpone(c batch, until time.Time) {
	c.op.lanes[c.kind].until = until
	if c.kind != release {
		return
	}
	for _, uid := range c.uids {
		if e := b.entries[uid]; e != nil && e.op == c.op && e.place == leaving {
			e.doubtful = true
		}
	}
}

// refused notes that the vendor will not have a call as it is. One user in it may be why, so its halves are
// tried by themselves, until one is left alone.
func (b *book) refused(c batch, now time.Time) {
	l := &c.op.lanes[c.kind]
	l.refusals++
	switch {
	case c.kind == inspect:
		b.blocked(c, now)
	case l.refusals > maxRefusals:
		l.refusals, l.splits = 0, nil
		b.blocked(c, now)
	case len(c.uids) > 1:
		half := len(c.uids) / 2
		l.splits = append([][]bridge.UID{c.uids[:half], c.uids[half:]}, l.splits...)
	default:
		b.refusedUser(c, c.uids[0], now)
	}
}

func (b *book) refusedUser(c batch, uid bridge.UID, now time.Time) {
	b.news.refused = append(b.news.refused, uid)
	e := b.entries[uid]
	switch {
	case c.kind == release:
		b.gone(c.op, uid, now)
	case !b.still(c, uid):
	case c.kind == subscribe:
		e.notBefore = now.Add(refusedFor)
		b.move(e, parked, nil)
	default:
		e.notBefore = now.Add(refusedFor)
		b.hold(e, c.op, now)
	}
}

func (l *lane) passed() { l.tries, l.refusals, l.until = 0, 0, time.Time{} }
