package poller

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// hinted takes a hint from NATS. What it says of whom nobody watches is nothing to the schedule.
func (p *Poller) hinted(h bridge.Hint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.term != nil {
		p.term.lineup.hint(h.UID, h.Source, time.Now())
		p.term.nudge()
	}
}

// hintResult tells what a look was good for that was made because the vendor's callback told of the user: a change,
// nothing new, or no answer of use.
func hintResult(l schedule.Look) string {
	switch {
	case l.Outcome != schedule.Seen:
		return "unknown"
	case l.Changed:
		return "changed"
	}
	return "same"
}
