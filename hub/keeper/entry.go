package keeper

import (
	"container/list"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

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
	op    *operator // queued, held, leaving

	// Where in its place it is.
	node  *list.Element // waiting, queued
	slot  *slot         // held: when it is renewed
	seat  int           // in the slot
	at    time.Time     // parked, leaving: in the agenda
	index int           // in the agenda

	since     time.Time // when it came to be wanted
	notBefore time.Time // the vendor refused it: no subscribe before
	releaseAt time.Time // leaving

	from, until time.Time // the subscription's
	half, last  time.Time // it is to be renewed between these
	accepted    time.Time // when the vendor took it; zero when that was before our time
	doubtful    bool      // a release failed, and may have worked all the same

	// The answer to a subscribe left this user out: a list asked for at this time or later tells. Zero: it is sure.
	confirmAt time.Time
	misses    int // lists in a row that did not confirm it
	walk      int // the last walk that found it where it is
}

// goneAt is when a subscription that nobody wants has to be released, or is over by itself.
func (e *entry) goneAt() time.Time {
	if at := e.releaseAt.Add(gatherRelease); at.Before(e.until) {
		return at
	}
	return e.until
}

// sure says whether the vendor has told that the user is subscribed.
func (e *entry) sure() bool { return e.confirmAt.IsZero() }

func (e *entry) confirmed() { e.confirmAt, e.misses = time.Time{}, 0 }
