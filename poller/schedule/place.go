package schedule

import (
	"math"
	"time"
)

// Place is where a user is in the schedule, and why.
type Place struct {
	InCall bool
	Lane   Lane      // of the next look, as it stands
	Due    time.Time // when it is to be expected; an estimate, but where the user is looked at ahead of the turn
	Hazard float64   // changes a second that are to be expected of the user now
	Stride float64   // virtual seconds from one turn to the next: 1 over the square root of watchers times hazard
}

// Place tells where a user is.
func (s *Schedule) Place(id int32, now time.Time) Place {
	u, at := &s.users[id], s.seconds(now)
	p := Place{InCall: u.where == inCall, Due: now, Hazard: u.hazard(s.hazards, at), Stride: s.stride(id, at)}
	switch {
	case u.front == hinted:
		p.Lane = LaneHint
	case u.front != none, math.IsInf(u.looked, -1): // or is in its first call
		p.Lane = LaneFront
	default:
		due := s.due(u, at)
		if end := u.looked + softShare*s.limit(); end < due {
			p.Lane, due = LaneGuarantee, end
		}
		p.Due = now.Add(time.Duration((max(due, at, u.looked+s.spacing(s.config.Slack)) - at) * 1e9))
	}
	return p
}

// due is when virtual time will come to the turn of a user, should it go on as it did of late. Where one call is enough
// for all who are there, nobody waits for it.
func (s *Schedule) due(u *user, now float64) float64 {
	ahead, o := u.key-s.virtual, s.operators[u.op]
	switch {
	case ahead <= 0, o.users <= o.size:
		return now
	case s.step <= 0:
		return math.Inf(1)
	}
	return now + ahead/s.step*s.pace.every
}

// Turn is how long it takes to look at everybody once, at the pace of late.
func (s *Schedule) Turn() time.Duration {
	n := 0
	for _, o := range s.operators {
		n += o.users
	}
	return time.Duration(float64(n) / float64(s.config.Batch) * s.pace.every * 1e9)
}
