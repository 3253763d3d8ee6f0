package keeper

import (
	"time"
)

// runs notes from when until when a subscription lasts, and with it from when on it may be renewed, and until
// when it should be: half and two thirds of its time.
func (e *entry) runs(from, until time.Time) {
	life := max(until.Sub(from), time.Second)
	e.from, e.until = from, until
	e.half, e.last = from.Add(life/2), from.Add(life/3*2)
	e.doubtful = false
}

// plan decides when a subscription is renewed: by a call that is made anyway where one in its time has room,
// else when the renewals of all the operators leave the most air. So calls are full, and what was subscribed in
// a burst is level after a few lifetimes: each can spread it by a sixth of its length, and does.
func (b *book) plan(e *entry, now time.Time) {
	first := later(later(e.half, e.notBefore), now)
	last := later(e.last, first)
	s := e.op.calendar.room(first, last)
	if s == nil {
		s = e.op.calendar.open(b.forecast(first, last, e.last.Sub(e.half)/2).quietest(first, last, b.jitter))
	}
	e.op.calendar.seat(e, s)
}

func later(x, y time.Time) time.Time {
	if x.Before(y) {
		return y
	}
	return x
}

func earlier(x, y time.Time) time.Time {
	if y.Before(x) {
		return y
	}
	return x
}
