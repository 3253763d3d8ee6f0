package poller

import (
	"math"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// Explanation is what this poller knows of one user. Only Watched and what the log says are of use where it
// does not lead.
type Explanation struct {
	Leading bool `json:"leading"` // this process is the active poller
	Watched bool `json:"watched"` // somebody watches the user

	Last     *bridge.Change `json:"last,omitempty"`     // the last message of the log
	Seq      uint64         `json:"seq,omitempty"`      // its place in the stream
	Verified time.Time      `json:"verified,omitzero"`  // when its state was last verified
	Asked    time.Time      `json:"asked,omitzero"`     // when the vendor last answered a call about the user
	LeftOut  bool           `json:"left_out,omitempty"` // that answer left the user out
	Operator string         `json:"operator,omitempty"` // who asks
	InCall   bool           `json:"in_call,omitempty"`  // being asked now
	Due      time.Time      `json:"due,omitzero"`       // when the next look is to be expected; an estimate
	Lane     string         `json:"lane,omitempty"`     // of the next look: turn, guarantee, front or hint
	Why      string         `json:"why,omitempty"`      // what makes it due
	Watchers int            `json:"watchers,omitempty"` // who look at the user now; to within a factor of two

	ChangesPerHour float64 `json:"changes_per_hour,omitempty"` // to be expected of the user as it is now

	Failures int `json:"failures,omitempty"` // calls of that operator that failed in a row
}

// Explain tells what this poller knows of a user.
func (p *Poller) Explain(uid bridge.UID) Explanation {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := Explanation{Leading: p.term != nil, Watched: p.registry.Watched(uid)}
	if last, verified, ok := p.journal.Last(uid); ok {
		e.Last, e.Seq, e.Verified = last.Change, last.Seq, verified
	}
	if p.term != nil {
		p.term.explain(uid, &e)
	}
	return e
}

func (t *term) explain(uid bridge.UID, e *Explanation) {
	if w := t.list.users[uid]; w != nil {
		e.Asked, e.LeftOut = w.asked, w.gap
	}
	at, ok := t.lineup.place(uid, time.Now())
	if !ok {
		return
	}
	e.Operator, e.InCall, e.Due, e.Lane, e.Why = at.operator, at.InCall, at.Due, at.Lane.String(), at.why()
	e.Watchers, e.ChangesPerHour = t.p.registry.Watchers(uid), math.Round(at.Hazard*3600*100)/100
	if trouble := t.troubles[at.operator]; trouble != nil {
		e.Failures = trouble.failures
	}
}

func (p place) why() string {
	switch {
	case p.Lane == schedule.LaneGuarantee:
		return "nobody goes unlooked at for longer than MAX_STALENESS"
	case p.Lane == schedule.LaneTurn:
		return "in turn: by who watches, and by how likely a change is"
	case p.source == bridge.SourcePoll:
		return "ahead of the turn: new, or the last look came to nothing"
	}
	return "ahead of the turn: a hint (" + string(p.source) + ")"
}
