package keeper

import (
	"container/list"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	gather        = 30 * time.Millisecond // a newcomer waits for others, so that a burst makes full calls
	gatherRelease = time.Second           // nobody is in a hurry to be released
)

// kind is one kind of work. Their order is that in which work is done.
type kind int

const (
	subscribe kind = iota
	renew
	release
	inspect
	kinds
)

var kindNames = [kinds]string{"subscribe", "renew", "release", "list"}

func (k kind) String() string { return kindNames[k] }

// operator is one who subscribes in our name.
type operator struct {
	name    string
	queue   *list.List // of *entry to be subscribed, who came first in front
	held    map[bridge.UID]*entry
	leaving map[bridge.UID]*entry

	extras   map[bridge.UID]struct{}  // subscribed here as well, by mistake: to be released
	released map[bridge.UID]time.Time // when; the vendor's list may show them a while longer
	listAt   time.Time                // when its list is due
	lanes    [kinds]lane
}

// lane is how one kind of work goes for one operator.
type lane struct {
	splits   [][]bridge.UID // parts of a refused call, to be tried one by one
	until    time.Time      // no call before
	tries    int            // failures in a row that may pass
	refusals int            // refusals in a row
}

func newOperator(name string, listAt time.Time) *operator {
	return &operator{
		name: name, queue: list.New(), listAt: listAt,
		held: map[bridge.UID]*entry{}, leaving: map[bridge.UID]*entry{},
		extras: map[bridge.UID]struct{}{}, released: map[bridge.UID]time.Time{},
	}
}

// load is how much of the operator's capacity is spoken for.
func (o *operator) load() int { return o.queue.Len() + len(o.held) + len(o.leaving) }

// take puts an entry where its place says. Whoever is to be subscribed here is no mistake any more.
func (o *operator) take(e *entry) {
	delete(o.extras, e.uid)
	switch e.place {
	case queued:
		e.node = o.queue.PushBack(e)
	case held:
		o.held[e.uid] = e
	case leaving:
		o.leaving[e.uid] = e
	}
}

// due says when the operator's next work of a kind may be done, if there is any.
func (o *operator) due(k kind) (at time.Time, ok bool) {
	lane := &o.lanes[k]
	if len(lane.splits) > 0 {
		return lane.until, true
	}
	if at, ok = o.needs(k); at.Before(lane.until) {
		at = lane.until
	}
	return at, ok
}

func (o *operator) needs(k kind) (time.Time, bool) {
	switch k {
	case subscribe:
		return o.needsSubscribe()
	case renew:
		return earliest(o.held, (*entry).dueAt)
	case release:
		if len(o.extras) > 0 {
			return time.Time{}, true
		}
		return earliest(o.leaving, (*entry).goneAt)
	}
	return o.listAt, true
}

func (o *operator) needsSubscribe() (at time.Time, ok bool) {
	first := o.queue.Front()
	if first == nil {
		return at, false
	}
	at = first.Value.(*entry).since
	if o.queue.Len() < maxBatch {
		at = at.Add(gather)
	}
	return at, true
}

// dueAt is when a subscription has to be renewed.
func (e *entry) dueAt() time.Time {
	if e.planned.Before(e.notBefore) {
		return e.notBefore
	}
	return e.planned
}

// goneAt is when a subscription that nobody wants has to be released, or is over by itself.
func (e *entry) goneAt() time.Time {
	if at := e.releaseAt.Add(gatherRelease); at.Before(e.until) {
		return at
	}
	return e.until
}

func earliest(entries map[bridge.UID]*entry, when func(*entry) time.Time) (first time.Time, ok bool) {
	for _, e := range entries {
		if at := when(e); !ok || at.Before(first) {
			first, ok = at, true
		}
	}
	return first, ok
}
