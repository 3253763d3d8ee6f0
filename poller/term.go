package poller

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// term is one time of having the role: the schedule and the figures begin anew with it. All of it is guarded by
// Poller.mu, save the two channels.
type term struct {
	p     *Poller
	began time.Time

	schedule scheduler
	list     *watchlist
	flying   map[bridge.UID]bool // in a call, unwatched ones too
	leaving  map[bridge.UID]bool // the log has yet to be told that they are not watched
	troubles map[string]*trouble // operator -> its calls that fail
	answers  answers

	wake chan struct{} // something may be due earlier than thought
	left chan struct{} // somebody is leaving, or not in a call any more
}

// newTerm makes a term with everybody in it who is watched now. Whom the log knows stands in line by when they
// were last verified; who is new goes first.
func (p *Poller) newTerm(now time.Time) *term {
	t := &term{
		p: p, began: now,
		schedule: newRoundRobin(p.config.operators(), p.config.revisit(), p.config.slack()),
		list:     newWatchlist(now),
		flying:   map[bridge.UID]bool{}, leaving: map[bridge.UID]bool{}, troubles: map[string]*trouble{},
		answers: answers{quietSince: now},
		wake:    make(chan struct{}, 1), left: make(chan struct{}, 1),
	}
	for _, uid := range p.registry.All() {
		t.watch(uid, now)
	}
	return t
}

func (t *term) watch(uid bridge.UID, now time.Time) {
	delete(t.leaving, uid)
	if len(t.list.users) == 0 {
		t.answers.quietSince = now // silence counts from when there is something to ask
	}
	t.list.add(uid, now)
	t.learn(uid)
	// A state from the future is another machine's clock: nobody waits for that.
	looked := t.list.users[uid].verified
	if looked.After(now) {
		looked = now
	}
	t.schedule.Watch(uid, looked, now)
	t.schedule.Assign(uid, t.p.ledger[uid])
}

func (t *term) unwatch(uid bridge.UID, now time.Time) {
	t.schedule.Unwatch(uid)
	t.list.remove(uid, now)
	t.leave(uid)
}

func (t *term) leave(uid bridge.UID) {
	t.leaving[uid] = true
	signal(t.left)
}

// learn takes over what the journal knows of a user's freshness. The journal is asked under the lock, so that
// what it says last is noted last.
func (t *term) learn(uid bridge.UID) {
	if !t.list.has(uid) {
		return
	}
	e, verified, ok := t.p.journal.Last(uid)
	if !ok || e.Unwatched() {
		verified = time.Time{}
	}
	t.list.verify(uid, verified)
}

// nudge lets the dispatch look again at what is due.
func (t *term) nudge() { signal(t.wake) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
