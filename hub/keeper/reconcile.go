package keeper

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// rounding is by how much two expiries may differ and be one: the vendor's are whole seconds.
const rounding = 2 * time.Second

// reconcile holds an operator's list, asked for at a time, against the book. What is younger than the list
// can be is not judged.
func (b *book) reconcile(op *operator, list []easemob.Subscription, at, now time.Time) {
	op.lanes[inspect].passed()
	op.listAt = now.Add(b.config.Reconcile - b.jitter(b.config.Reconcile/10))
	settled := at.Add(-b.config.Settle)
	for uid, when := range op.released {
		if when.Before(settled) {
			delete(op.released, uid)
		}
	}
	listed := make(map[bridge.UID]bool, len(list))
	for _, s := range list {
		uid, err := bridge.ParseUID(s.UID)
		if err != nil || !s.Expiry.After(now) {
			continue
		}
		listed[uid] = true
		b.found(op, uid, s.Expiry, settled, now)
	}
	b.missed(op, listed, settled, now)
	b.trim(op)
}

// trim sends those away for whom there is no room after all: what was found takes it up at the vendor, where
// one too many would silently push another out.
func (b *book) trim(op *operator) {
	for op.load() > b.config.Capacity && op.queue.Len() > 0 {
		b.move(op.queue.Back().Value.(*entry), waiting, nil)
	}
}

// found judges one who is in the list.
func (b *book) found(op *operator, uid bridge.UID, expiry, settled, now time.Time) {
	e := b.entry(uid)
	_, released := op.released[uid]
	switch {
	case e.place == held || e.place == leaving:
		b.compare(op, e, expiry, settled)
	case released: // the list has not heard of it yet
	case e.place == nowhere: // nobody wants it, but somebody may be about to: it lingers as others do
		e.releaseAt = now.Add(b.config.Linger)
		b.adopt(op, e, leaving, expiry)
	default:
		b.adopt(op, e, held, expiry)
	}
}

// compare judges one who is in the list and in the book.
func (b *book) compare(op *operator, e *entry, expiry, settled time.Time) {
	_, released := op.released[e.uid]
	switch {
	case e.op != op && !released:
		op.extras[e.uid] = struct{}{}
	case e.op == op && e.accepted.Before(settled) && expiry.Add(rounding).Before(e.until):
		e.runs(expiry.Add(-b.config.TTL), expiry)
		b.dirty[e.uid] = struct{}{}
	}
}

// adopt takes over a subscription of ours that the book did not know of.
func (b *book) adopt(op *operator, e *entry, to place, expiry time.Time) {
	b.news.adopted++
	e.runs(expiry.Add(-b.config.TTL), expiry)
	b.move(e, to, op)
	b.dirty[e.uid] = struct{}{}
}

// missed judges those who are in the book and not in the list: the vendor has dropped them.
func (b *book) missed(op *operator, listed map[bridge.UID]bool, settled, now time.Time) {
	for uid, e := range op.held {
		if !listed[uid] && e.accepted.Before(settled) && e.until.After(now) {
			b.news.lost++
			e.since = now
			b.move(e, queued, op)
		}
	}
	for uid, e := range op.leaving {
		if !listed[uid] && e.accepted.Before(settled) {
			b.forget(e)
		}
	}
}
