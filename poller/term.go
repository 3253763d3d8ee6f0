package poller

import (
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// term is one time of having the role: the schedule and the figures begin anew with it. All of it is guarded by
// Poller.mu, save the two channels.
type term struct {
	p     *Poller
	began time.Time

	lineup   *lineup
	list     *watchlist
	leaving  map[bridge.UID]bool // the log has yet to be told that they are not watched
	troubles map[string]*trouble // operator -> its calls that fail
	answers  answers
	late     time.Duration // from a call to its looks in the log, of the slower ones of late

	wake chan struct{} // something may be due earlier than thought
	left chan struct{} // somebody is leaving, or not in a call any more
}

// newTerm makes a term with everybody in it who is watched now. Whom the log knows is not new, however long ago they
// were last verified: a takeover is no reason to look at everybody at once.
func (p *Poller) newTerm(m memory, now time.Time) *term {
	t := &term{
		p: p, began: now,
		lineup:  newLineup(p.config.operators(), p.config.schedule(now), m),
		list:    newWatchlist(),
		leaving: map[bridge.UID]bool{}, troubles: map[string]*trouble{},
		answers: answers{quietSince: now},
		wake:    make(chan struct{}, 1), left: make(chan struct{}, 1),
	}
	uids := p.registry.All()
	t.watch(uids, now)
	return t
}

// watch takes users in. Many come at once where a hub was away for a moment; the slice is sorted on the way.
func (t *term) watch(uids []bridge.UID, now time.Time) {
	if len(t.list.users) == 0 {
		t.answers.quietSince = now // silence counts from when there is something to ask
	}
	for _, uid := range uids {
		delete(t.leaving, uid)
		t.list.add(uid, now)
		t.learn(uid)
	}
	slices.SortFunc(uids, func(a, b bridge.UID) int { // as the lineup wants it
		return t.list.users[a].verified.Compare(t.list.users[b].verified)
	})
	for _, uid := range uids {
		t.enter(uid, now)
	}
}

// enter puts a user in line.
func (t *term) enter(uid bridge.UID, now time.Time) {
	t.lineup.watch(uid, weight(t.p.registry.Watchers(uid)), t.known(uid, now), now)
	t.lineup.assign(uid, t.p.ledger[uid], now)
}

// known is what the log knows of a user's state.
func (t *term) known(uid bridge.UID, now time.Time) schedule.Known {
	looked := t.list.users[uid].verified
	if looked.IsZero() {
		return schedule.Known{}
	}
	if looked.After(now) { // another machine's clock: nobody waits for that
		looked = now
	}
	e, _, _ := t.p.journal.Last(uid)
	return schedule.Known{Looked: looked, Online: e.Online, Since: since(e.Change)}
}

// since is when a state began, as far as anybody tells.
func since(c *bridge.Change) time.Time {
	if c.LastTime > 0 {
		return time.UnixMilli(c.LastTime)
	}
	return time.UnixMilli(c.ObservedAt)
}

// unlookedAt is what a user counts whom nobody looks at now, and who is kept for those who come back.
const unlookedAt = 0.25

// weight is what a look at a user is worth to those who watch.
func weight(watchers int) float64 { return max(float64(watchers), unlookedAt) }

func (t *term) unwatch(uid bridge.UID) {
	t.lineup.unwatch(uid)
	t.list.remove(uid)
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
