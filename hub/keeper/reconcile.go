package keeper

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// rounding is by how much two expiries may differ and be one: the vendor's are whole seconds.
const rounding = 2 * time.Second

// walk is one look at an operator's whole list.
type walk struct {
	number  int // counts those of all operators: users may go from one to another
	op      *operator
	at, now time.Time // when it was asked for, when it is judged
	settled time.Time // what the vendor took no later than this, the list knows
}

// reconcile holds an operator's list, asked for at a time, against the book. What is younger than the list
// can be is not judged.
func (b *book) reconcile(op *operator, list []easemob.Subscription, at, now time.Time) {
	op.lanes[inspect].passed()
	b.walks++
	op.listAt = now.Add(b.config.Reconcile - b.jitter(b.config.Reconcile/10))
	w := walk{b.walks, op, at, now, at.Add(-b.config.Settle)}
	for uid, when := range op.released {
		if when.Before(w.settled) {
			delete(op.released, uid)
		}
	}
	for _, s := range list {
		if uid, err := bridge.ParseUID(s.UID); err == nil && s.Expiry.After(now) {
			b.found(w, uid, s.Expiry)
		}
	}
	b.missed(w)
	b.doubts(w)
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
func (b *book) found(w walk, uid bridge.UID, expiry time.Time) {
	e := b.entry(uid)
	_, released := w.op.released[uid]
	switch {
	case e.op == w.op && (e.place == held || e.place == leaving):
		e.walk = w.number
		b.compare(w, e, expiry)
	case released: // the list has not heard of it yet
	case e.place == held || e.place == leaving:
		w.op.extras[uid] = struct{}{}
	case e.place == nowhere: // nobody wants it, but somebody may be about to: it lingers as others do
		e.releaseAt = w.now.Add(b.config.Linger)
		b.adopt(w, e, expiry)
		b.move(e, leaving, w.op)
	default:
		b.adopt(w, e, expiry)
		b.hold(e, w.op, w.now)
	}
}

// compare judges one who is in the list and in the book. The list's end of a subscription counts where it is
// before ours: a renewal came to nothing, or the vendor gave less than was asked for.
func (b *book) compare(w walk, e *entry, expiry time.Time) {
	ends := expiry.Add(rounding).Before(e.until)
	switch {
	case !ends:
		e.confirmed()
	case !e.accepted.After(w.settled):
		e.confirmed()
		e.runs(e.from, expiry)
		if e.place == held {
			b.hold(e, w.op, w.now)
		} else {
			b.move(e, leaving, w.op)
		}
		b.dirty[e.uid] = struct{}{}
	}
}

// adopt takes over a subscription of ours that the book did not know of. Nothing is planned beyond what would have
// been asked for.
func (b *book) adopt(w walk, e *entry, expiry time.Time) {
	expiry = earlier(expiry, w.now.Add(b.config.TTL))
	b.news.adopted++
	e.confirmed()
	e.runs(expiry.Add(-b.gives), expiry)
	e.accepted, e.walk = time.Time{}, w.number
	b.dirty[e.uid] = struct{}{}
}

// missed judges those who are in the book and not in the list: the vendor has dropped them, or never took them.
func (b *book) missed(w walk) {
	var lost, over []*entry
	for _, s := range w.op.calendar.slots {
		for _, e := range s.users {
			if w.misses(e) && e.until.After(w.now) && (e.misses == 0 || !e.confirmAt.After(w.at)) {
				lost = append(lost, e)
			}
		}
	}
	for _, e := range w.op.leaving {
		if w.misses(e) {
			over = append(over, e)
		}
	}
	for _, e := range lost {
		b.lose(e, w.now)
	}
	for _, e := range over {
		b.forget(e)
	}
}

// misses says whether the list should hold somebody, and does not.
func (w walk) misses(e *entry) bool { return e.walk != w.number && !e.accepted.After(w.settled) }

// lose has somebody subscribed again.
func (b *book) lose(e *entry, now time.Time) {
	if e.sure() {
		b.news.lost++
	} else {
		b.news.unconfirmed++
		e.misses++
	}
	e.since = now
	b.move(e, queued, e.op)
}

// doubts sets when the list is looked at again for those of whom it could not tell yet, which is no sooner than
// it has settled anew.
func (b *book) doubts(w walk) {
	w.op.confirmAt = time.Time{}
	for _, s := range w.op.calendar.slots {
		for _, e := range s.users {
			if !e.sure() {
				w.op.confirmBy(later(b.confirm(e), w.now.Add(b.config.Settle)))
			}
		}
	}
}
