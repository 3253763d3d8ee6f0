package hub

import (
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// user is what the hub holds of one user. The hub's mutex guards it. A hub has more users than a processor's cache, so what
// a delivery looks at are 64 bytes, which are fetched in one go, after 64 that it does not look at: see TestAUserIsTwoLines.
type user struct {
	watched []tie  // to sessions: who is told
	round   uint64 // the last that it had the stamp in, see stamp
	weight  int32  // how many the holder was told of last
	number  uint32 // in the roll of people
	last    uint64 // message of the log, by its sequence; 0: there is none, or it is of another log
	uid     bridge.UID

	change  *bridge.Change // of that message; nil: there is none
	held    *hold          // what is shown instead of it for a while; nil: nothing
	frame   []byte         // the change as a message, encoded once for all who watch; nil until needed
	from    uint32         // where in frame the presence begins
	trusted bool           // somebody has been looking since the message: it is news, not history
	wanted  bool           // it is among the hub's wanted
	origin  origin         // of the change, if it is news
}

// known says whether there is a state that may be shown.
func (u *user) known() bool { return u.trusted && u.change != nil }

// inLog says whether the log holds a state that would be news, did anybody vouch for it.
func (u *user) inLog() bool { return u.change != nil && !u.change.Unwatched() }

// user returns the record of a user, made when missing. The caller holds mu.
func (h *Hub) user(uid bridge.UID) *user {
	u := h.users[uid]
	if u == nil {
		uid = bridge.UID(strings.Clone(string(uid))) // what names the user may be a part of a long list
		u = &user{uid: uid}
		u.number = h.people.enter(u)
		h.users[uid] = u
	}
	return u
}

// forget lets go of the record of a user whom nobody watches. The caller holds mu.
func (h *Hub) forget(u *user) {
	delete(h.users, u.uid)
	h.people.leave(u.number)
}

// Reset implements [bridge.Follower]: another log begins. Who is watched stays; what is known of them does not.
func (h *Hub) Reset(stream int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.grace.begin(h.position.Stream == stream, h.position.Seq)
	h.position, h.places, h.current = bridge.Cursor{Stream: stream}, places{}, false
	for uid, u := range h.users {
		if !h.wanted[uid] {
			h.forget(u)
			continue
		}
		u.last, u.change, u.frame, u.held, u.trusted = 0, nil, nil, nil, false
		h.unvouched[uid] = true
	}
}

// CaughtUp implements [bridge.Follower].
func (h *Hub) CaughtUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = true
	h.grace.caughtUp()
	h.vouch()
	select {
	case <-h.caughtUp:
	default:
		close(h.caughtUp)
	}
}

// Apply implements [bridge.Follower]: one message of the log. Before CaughtUp it is history; after, somebody
// has just looked.
func (h *Hub) Apply(e bridge.Entry) {
	waited := time.Since(h.applied) > atRest
	h.apply(e)
	h.tellApplied(waited)
	h.applied = time.Now()
}

func (h *Hub) apply(e bridge.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.applying = true
	defer func() { h.applying = false }()
	u := h.user(e.UID)
	if e.Seq <= u.last {
		return
	}
	before := bridge.Entry{Seq: u.last, Change: u.change}
	u.last, u.change, u.frame, u.origin = e.Seq, e.Change, nil, origin{}
	if h.current {
		u.origin = originOf(e.Change)
	}
	if e.Seq > h.position.Seq {
		h.position.Seq, h.position.Stored = e.Seq, e.Stored
		h.places.note(h.position)
	}
	h.metrics.changes.Inc()
	if h.grace != nil {
		h.hold(u, before, e)
	}
	switch {
	case !u.wanted:
	case !h.current || e.Unwatched():
		h.distrust(u)
	case u.trusted && u.held != nil: // who is shown as before is no news
	default:
		h.trust(u)
	}
}

// trust takes the user's state for news and tells everybody who watches. The caller holds mu.
func (h *Hub) trust(u *user) {
	u.trusted, u.frame = true, nil // its cursor would be of long ago
	delete(h.unvouched, u.uid)
	for _, w := range u.watched {
		h.note(h.sessions.at(w.to), int(w.at))
	}
}

// distrust takes the user's state for history: it is of before the hub began to follow the log, or the log says that
// nobody looks any more. That is no news for those who watch here. In the second case somebody has overlooked them, so
// the watch is noted once more, and the next look will be told. The caller holds mu.
func (h *Hub) distrust(u *user) {
	u.trusted = false
	h.unvouched[u.uid] = true
	for _, w := range u.watched {
		h.sessions.at(w.to).mark(u)
	}
	if u.change.Unwatched() {
		h.holder.Again(u.uid)
	}
}

// vouch takes for news what the log holds of those whom nobody could vouch for, once the poller says that
// everybody was looked at. The caller holds mu.
func (h *Hub) vouch() {
	if !h.current || !h.feedLive() {
		return
	}
	for uid := range h.unvouched {
		if u := h.user(uid); u.inLog() {
			u.origin = origin{} // it was news when nobody vouched for it
			h.trust(u)
		}
	}
}

// want notes that somebody watches the user here from now on. What the log holds is news only if the poller
// says that everybody watched is looked at: it may be of a time when somebody else watched. The caller holds mu.
func (h *Hub) want(uid bridge.UID) *user {
	u := h.user(uid)
	if u.wanted {
		return u
	}
	uid = u.uid // which is not a part of anything
	u.wanted, h.wanted[uid] = true, true
	u.trusted = h.current && u.inLog() && h.feedLive()
	if !u.trusted {
		h.unvouched[uid] = true
	}
	h.holder.Watch(uid)
	u.weight = 1
	return u
}

// unwant ends what want began. The caller holds mu.
func (h *Hub) unwant(uid bridge.UID) {
	delete(h.idle, uid)
	delete(h.wanted, uid)
	delete(h.unvouched, uid)
	h.holder.Unwatch(uid)
	if u := h.users[uid]; u != nil {
		u.trusted, u.wanted = false, false
		if u.change == nil {
			h.forget(u)
		}
	}
}

// weigh tells how many watch the user here now: looks go where many wait to see what changes. The caller holds mu.
func (h *Hub) weigh(u *user) {
	n := len(u.watched) + len(h.leased[u.uid])
	if h.pinned[u.uid] {
		n++ // for the backends
	}
	if was := int(u.weight); n >= 2*was || 2*n <= was { // the holder would not tell of less
		u.weight = int32(n)
		h.holder.Weigh(u.uid, n)
	}
}
