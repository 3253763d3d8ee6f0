package keeper

import (
	"cmp"
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// batch is one call to make. An inspection names nobody.
type batch struct {
	kind kind
	op   *operator
	uids []bridge.UID
}

// take is the call to make now, if there is one. It stays to be made until the book hears how it ended.
func (b *book) take(now time.Time) (batch, bool) {
	if now.Before(b.paused) {
		return batch{}, false
	}
	b.unpark(now)
	b.fill()
	for k := range kinds {
		for op := b.mostOverdue(k, now); op != nil; op = b.mostOverdue(k, now) {
			// An empty batch has used up what made it due, so the loop ends.
			if next := b.batch(k, op, now); len(next.uids) > 0 || k == inspect {
				return next, true
			}
		}
	}
	return batch{}, false
}

func (b *book) mostOverdue(k kind, now time.Time) *operator {
	var most *operator
	var first time.Time
	for _, op := range b.operators {
		at, ok := op.due(k)
		if ok && !at.After(now) && (most == nil || at.Before(first)) {
			most, first = op, at
		}
	}
	return most
}

// next is when take will have something, if nothing else happens.
func (b *book) next() (first time.Time, ok bool) {
	sooner := func(at time.Time, there bool) {
		if there && (!ok || at.Before(first)) {
			first, ok = at, true
		}
	}
	for _, op := range b.operators {
		for k := range kinds {
			sooner(op.due(k))
		}
	}
	sooner(earliest(b.parked, func(e *entry) time.Time { return e.notBefore }))
	if first.Before(b.paused) {
		first = b.paused
	}
	return first, ok
}

func (b *book) batch(k kind, op *operator, now time.Time) batch {
	next := batch{kind: k, op: op}
	if lane := &op.lanes[k]; len(lane.splits) > 0 {
		next.uids = slices.DeleteFunc(lane.splits[0], func(uid bridge.UID) bool { return !b.still(next, uid) })
		lane.splits = lane.splits[1:]
		return next
	}
	switch k {
	case subscribe:
		for el := op.queue.Front(); el != nil && len(next.uids) < maxBatch; el = el.Next() {
			next.uids = append(next.uids, el.Value.(*entry).uid)
		}
	case renew:
		next.uids = renewals(op, now)
	case release:
		next.uids = b.releases(op, now)
	}
	return next
}

// still says whether a user is still where a call found it.
func (b *book) still(c batch, uid bridge.UID) bool {
	e := b.entries[uid]
	if c.kind == release {
		if _, extra := c.op.extras[uid]; extra {
			return true
		}
	}
	at := map[kind]place{subscribe: queued, renew: held, release: leaving}
	return e != nil && e.op == c.op && e.place == at[c.kind]
}

// renewals are those who are due, and to fill the call those who come next and are past half their time.
func renewals(op *operator, now time.Time) []bridge.UID {
	var ripe []*entry
	for _, e := range op.held {
		if !e.half.After(now) && !e.notBefore.After(now) {
			ripe = append(ripe, e)
		}
	}
	return firstOf(ripe, (*entry).dueAt)
}

// releases are those whose time is up. Who expired meanwhile needs no call.
func (b *book) releases(op *operator, now time.Time) []bridge.UID {
	var uids []bridge.UID
	for uid := range op.extras {
		if len(uids) < maxBatch {
			uids = append(uids, uid)
		}
	}
	var ripe []*entry
	for _, e := range op.leaving {
		switch {
		case !e.until.After(now):
			b.forget(e)
		case !e.releaseAt.After(now):
			ripe = append(ripe, e)
		}
	}
	uids = append(uids, firstOf(ripe, func(e *entry) time.Time { return e.releaseAt })...)
	return uids[:min(len(uids), maxBatch)]
}

// firstOf names as many as a call takes, who come first.
func firstOf(entries []*entry, when func(*entry) time.Time) []bridge.UID {
	slices.SortFunc(entries, func(x, y *entry) int {
		return cmp.Or(when(x).Compare(when(y)), cmp.Compare(x.uid, y.uid))
	})
	var uids []bridge.UID
	for _, e := range entries[:min(len(entries), maxBatch)] {
		uids = append(uids, e.uid)
	}
	return uids
}
