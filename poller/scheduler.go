package poller

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// scheduler decides whose look is worth most next. It is pure: no goroutine, no clock, no chance in it, and not
// safe for concurrent use. A user is in one of two states, in line or in a call; Next takes from the line,
// Done puts back.
type scheduler interface {
	// Watch puts a user in line. looked is when its state was last verified; who was never looked at (zero)
	// goes first. Who is in line already stays there.
	Watch(uid bridge.UID, looked, now time.Time)
	// Unwatch takes a user out of the line, or out of the call it is in: nobody else hears of it from Done on.
	Unwatch(uid bridge.UID)
	// Assign moves a user to the operator that subscribes it. One that is not ours, "" for instance, means
	// whichever the scheduler finds.
	Assign(uid bridge.UID, operator string)
	// Hint puts a user first. A hint about somebody in a call means another look: that call may have been
	// answered before what the hint is about.
	Hint(uid bridge.UID, source bridge.Source, now time.Time)

	// Hold lets nobody be asked by an operator before until, and from then on one call at a time.
	Hold(operator string, until time.Time)
	// Release ends a hold.
	Release(operator string)

	// Idle is how long nothing will be due, if nothing happens.
	Idle(now time.Time) time.Duration
	// Next takes up to size users for one call. No picks: nothing is due.
	Next(now time.Time, size int) batch
	// Done puts back a user whom Next took.
	Done(uid bridge.UID, l look)
	// Place tells where a user is.
	Place(uid bridge.UID) (place, bool)
}

// batch is one call to be made.
type batch struct {
	operator string
	picks    []pick
}

// pick is a user in a call, and what made us look.
type pick struct {
	uid    bridge.UID
	source bridge.Source
}

// look is what became of one user in a call.
type look struct {
	at      time.Time // when the call started
	outcome outcome
}

type outcome int

const (
	seen      outcome = iota // the state is known and in the log
	missing                  // the answer left the user out: nobody knows more than before
	overtaken                // somebody else wrote meanwhile, or NATS did not take it: look again soon
	failed                   // the call failed: as if it had not been made
)

// place is where a user is in the schedule.
type place struct {
	operator string
	due      time.Time // when its place in line comes up; of the last one while in a call
	first    bool      // in front of those who are looked at in turn
	source   bridge.Source
	inCall   bool
}
