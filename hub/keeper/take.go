package keeper

import (
	"maps"
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
		at, ok := b.due(op, k)
		if ok && !at.After(now) && (most == nil || at.Before(first)) {
			most, first = op, at
		}
	}
	return most
}

// due says when an operator's next work of a kind may be done, if there is any.
func (b *book) due(op *operator, k kind) (at time.Time, ok bool) {
	lane := &op.lanes[k]
	if len(lane.splits) > 0 {
		return lane.until, true
	}
	at, ok = op.needs(k)
	if k == inspect {
		at = later(at, b.walkAt)
	}
	return later(at, lane.until), ok
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
			sooner(b.due(op, k))
		}
	}
	sooner(b.parked.first())
	if first.Before(b.paused) {
		first = b.paused
	}
	return first, ok
}

func (b *book) batch(k kind, op *operator, now time.Time) batch {
	next := batch{kind: k, op: op}
	lane := &op.lanes[k]
	if len(lane.splits) > 0 {
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
		next.uids = op.calendar.ripe(now)
	case release:
		next.uids = b.releases(op, now)
	case inspect:
		b.walkAt = now.Add(b.config.Settle / time.Duration(len(b.operators)))
	}
	lane.paced = now.Add(tick)
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

// releases are those whose time is up. Who expired meanwhile needs no call.
func (b *book) releases(op *operator, now time.Time) []bridge.UID {
	uids := slices.Sorted(maps.Keys(op.extras))
	uids = uids[:min(len(uids), maxBatch)]
	var seen []*entry
	for len(op.leaving) > 0 && len(uids) < maxBatch && !op.leaving[0].at.After(now.Add(gatherRelease)) {
		e := op.leaving[0]
		if !e.until.After(now) {
			b.forget(e)
			continue
		}
		if !e.releaseAt.After(now) {
			uids = append(uids, e.uid)
		}
		op.leaving.drop(e)
		seen = append(seen, e)
	}
	for _, e := range seen { // they stay where they are until the vendor has taken it
		op.leaving.put(e, e.goneAt())
	}
	return uids
}
