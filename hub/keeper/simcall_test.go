package keeper

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// call makes a call: it takes its time, may fail before the vendor has done it or after, and is heard of only by
// a keeper that is still there.
func (s *sim) call(c batch) {
	at := s.now
	s.now = s.now.Add(time.Duration(20+s.dice.IntN(180)) * time.Millisecond)
	s.oracle.called(c)
	fails := s.now.Before(s.away) || s.dice.Float64() < s.plan.fails
	if fails && s.dice.IntN(2) == 0 {
		s.fired["a call fails"]++
		s.hearFailure(c)
		return
	}
	if !fails && s.refuses(c) {
		s.fired["a call is refused"]++
		s.oracle.doubt(s.vendor.op(c.op.name), c.uids...)
		s.book.refused(c, s.now)
		return
	}
	if !fails {
		s.oracle.taken(c)
	}
	answer := s.perform(c)
	if s.dying {
		s.fired["a keeper ends within a call"]++
		s.oracle.doubt(s.vendor.op(c.op.name), c.uids...)
		s.leave()
		return
	}
	if fails {
		s.fired["a call fails and is done all the same"]++
		s.hearFailure(c)
		return
	}
	s.hear(c, at, answer)
}

func (s *sim) hearFailure(c batch) {
	s.oracle.doubt(s.vendor.op(c.op.name), c.uids...)
	switch s.dice.IntN(8) {
	case 0:
		s.book.blocked(c, s.now)
	case 1:
		s.book.stopped(c, s.now)
	default:
		s.book.failed(c, s.now)
	}
}

func (s *sim) refuses(c batch) bool {
	for _, uid := range c.uids {
		if c.kind != release && s.byUID[uid].badUntil.After(s.now) {
			return true
		}
	}
	return false
}

// perform is what the vendor does, and says of those whom it subscribes.
func (s *sim) perform(c batch) map[bridge.UID]time.Time {
	answer := map[bridge.UID]time.Time{}
	op := s.vendor.op(c.op.name)
	for _, uid := range c.uids {
		switch {
		case c.kind == release:
			s.drop(op, uid)
		case s.vendor.lateAbove > 0 && len(c.uids) > s.vendor.lateAbove:
			s.putOff(op, uid)
		default:
			answer[uid] = s.vendor.until(s.now, s.config.TTL)
			if s.dice.Float64() < s.plan.loses {
				s.lose(op, uid, "a subscription is lost")
				continue
			}
			s.subscribe(op, uid, answer[uid])
		}
	}
	return answer
}

// putOff has somebody subscribed later than the answer, or never.
func (s *sim) putOff(op *simOperator, uid bridge.UID) {
	s.fired["a subscription comes late"]++
	s.oracle.doubt(op, uid)
	if s.dice.Float64() < s.plan.loses {
		s.lose(op, uid, "a late subscription never comes")
		return
	}
	at := s.now.Add(s.vendor.late)
	s.oracle.excuse(s.byUID[uid], at)
	s.vendor.queue = append(s.vendor.queue, simLate{at, op, uid, s.config.TTL})
}

func (s *sim) lose(op *simOperator, uid bridge.UID, how string) {
	s.fired[how]++
	s.oracle.doubt(op, uid)
	s.oracle.excuse(s.byUID[uid], s.now)
}

func (s *sim) hear(c batch, at time.Time, answer map[bridge.UID]time.Time) {
	switch c.kind {
	case release:
		s.book.dropped(c, s.now)
	case inspect:
		s.book.reconcile(c.op, s.vendor.list(s.vendor.op(c.op.name), s.now), at, s.now)
	default:
		s.book.subscribed(c, at, answer, s.now)
	}
}

// subscribe and drop change what the vendor has; the oracle sees it before and after.
func (s *sim) subscribe(op *simOperator, uid bridge.UID, until time.Time) {
	u := s.oracle.user(uid)
	s.oracle.look(u)
	for _, victim := range op.subscribe(uid, s.now, until, s.vendor.most) {
		s.fired["somebody is pushed out"]++
		s.oracle.doubt(op, victim)
		s.oracle.dropped(op, s.byUID[victim])
	}
	s.oracle.subscribed(op, u, until)
}

func (s *sim) drop(op *simOperator, uid bridge.UID) {
	u := s.oracle.user(uid)
	s.oracle.look(u)
	op.drop(uid, s.now)
	s.oracle.dropped(op, u)
}
