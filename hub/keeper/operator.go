package keeper

import (
	"container/list"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	gather        = 30 * time.Millisecond // a newcomer waits for others, so that a burst makes full calls
	gatherRelease = time.Second           // nobody is in a hurry to be released

	// tick is the least from one call of a kind by an operator to the next that is not full. Ten operators
	// that subscribe newcomers one by one stay within the vendor's budget with it.
	tick = 250 * time.Millisecond
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
	name     string
	queue    *list.List // of *entry to be subscribed, who came first in front
	calendar calendar   // of those held
	leaving  agenda     // by goneAt

	extras   map[bridge.UID]struct{}  // subscribed here as well, by mistake: to be released
	released map[bridge.UID]time.Time // when; the vendor's list may show them a while longer

	listAt    time.Time // when its list is due, at the latest
	confirmAt time.Time // when its list is due for those of whom we are not sure; zero: there is none

	lanes [kinds]lane
}

// lane is how one kind of work goes for one operator.
type lane struct {
	splits   [][]bridge.UID // parts of a refused call, to be tried one by one
	until    time.Time      // no call before
	paced    time.Time      // no call before that is not full
	tries    int            // failures in a row that may pass
	refusals int            // refusals in a row
}

func newOperator(name string, listAt time.Time) *operator {
	return &operator{name: name, queue: list.New(), listAt: listAt,
		extras: map[bridge.UID]struct{}{}, released: map[bridge.UID]time.Time{}}
}

// load is how much of the operator's capacity is spoken for.
func (o *operator) load() int { return o.queue.Len() + o.subscribes() }

// subscribes is how many users the operator is taken to subscribe.
func (o *operator) subscribes() int { return o.calendar.users + len(o.leaving) }

// needs says when work of a kind comes due.
func (o *operator) needs(k kind) (time.Time, bool) {
	switch k {
	case subscribe:
		return o.needsSubscribe()
	case renew:
		return o.calendar.first()
	case release:
		return o.needsRelease()
	}
	if !o.confirmAt.IsZero() && o.confirmAt.Before(o.listAt) {
		return o.confirmAt, true
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
		at = later(at.Add(gather), o.lanes[subscribe].paced)
	}
	return at, true
}

func (o *operator) needsRelease() (time.Time, bool) {
	if len(o.extras) > 0 {
		return o.lanes[release].paced, true
	}
	return o.leaving.first()
}

// confirmBy has the list looked at for somebody of whom we are not sure.
func (o *operator) confirmBy(at time.Time) {
	if o.confirmAt.IsZero() || at.Before(o.confirmAt) {
		o.confirmAt = at
	}
}
