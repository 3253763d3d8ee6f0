package hub

import (
	"encoding/json"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// user is what the hub holds of one user. The hub's mutex guards it.
type user struct {
	entry   bridge.Entry // the last message of the log; its Change is nil where there is none
	trusted bool         // somebody has been looking since entry: it is news, not history
	frame   []byte       // entry as a presence in JSON, encoded once for all who watch; nil until needed
	held    *hold        // what is shown instead of entry for a while; nil: nothing
	watched []*session   // who is told
}

// known says whether there is a state that may be shown.
func (u *user) known() bool { return u.trusted && u.entry.Change != nil }

// inLog says whether the log holds a state that would be news, did anybody vouch for it.
func (u *user) inLog() bool { return u.entry.Change != nil && !u.entry.Unwatched() }

// newest is what the log says.
func (u *user) newest() json.RawMessage {
	if u.frame == nil {
		u.frame, _ = json.Marshal(u.entry.Presence()) // strings, numbers and a map of strings: it cannot fail
	}
	return u.frame
}

// leave takes a session out: the last of the watchers moves to its place, so that it costs the same however many
// leave at once.
func (u *user) leave(uid bridge.UID, s *session) {
	i, last := s.uids[uid], len(u.watched)-1
	moved := u.watched[last]
	u.watched[i], u.watched[last] = moved, nil
	u.watched = u.watched[:last]
	moved.uids[uid] = i
}

// user returns the record of a user, made when missing. The caller holds mu.
func (h *Hub) user(uid bridge.UID) *user {
	u := h.users[uid]
	if u == nil {
		u = &user{}
		h.users[uid] = u
	}
	return u
}

// Reset implements [bridge.Follower]: another log begins. Who is watched stays; what is known of them does not.
func (h *Hub) Reset(stream int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.grace.begin(h.position.Stream == stream, h.position.Seq)
	h.position, h.places, h.current = bridge.Cursor{Stream: stream}, places{}, false
	for uid, u := range h.users {
		if !h.wanted[uid] {
			delete(h.users, uid)
			continue
		}
		u.entry, u.frame, u.held, u.trusted = bridge.Entry{}, nil, nil, false
		h.unvouched[uid] = true
		for _, s := range u.watched {
			s.unknown[uid] = true // the log may hold what was missed
		}
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
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.user(e.UID)
	if e.Seq <= u.entry.Seq {
		return
	}
	before := u.entry
	u.entry, u.frame = e, nil
	if e.Seq > h.position.Seq {
		h.position.Seq, h.position.Stored = e.Seq, e.Stored
		h.places.note(h.position)
	}
	h.metrics.changes.Inc()
	if h.grace != nil {
		h.hold(u, before, e)
	}
	switch {
	case !h.wanted[e.UID]:
		return
	case e.Unwatched():
		h.distrust(e.UID, u)
	case h.current && !(u.held != nil && u.trusted): // who is shown as before is no news
		h.trust(e.UID, u)
	}
}

// trust takes the user's state for news and tells everybody who watches. The caller holds mu.
func (h *Hub) trust(uid bridge.UID, u *user) {
	u.trusted = true
	delete(h.unvouched, uid)
	for _, s := range u.watched {
		s.dirty(uid)
	}
}

// distrust takes the user's state for history: the log says that nobody looks any more. That is no news for
// those who watch here. Somebody has overlooked them, so the watch is noted once more, and the next look will
// be told. The caller holds mu.
func (h *Hub) distrust(uid bridge.UID, u *user) {
	u.trusted = false
	h.unvouched[uid] = true
	h.holder.Again(uid)
}

// vouch takes for news what the log holds of those whom nobody could vouch for, once the poller says that
// everybody was looked at. The caller holds mu.
func (h *Hub) vouch() {
	if !h.current || !h.feedLive() {
		return
	}
	for uid := range h.unvouched {
		if u := h.user(uid); u.inLog() {
			h.trust(uid, u)
		}
	}
}

// want notes that somebody watches the user here from now on. What the log holds is news only if the poller
// says that everybody watched is looked at: it may be of a time when somebody else watched. The caller holds mu.
func (h *Hub) want(uid bridge.UID) *user {
	u := h.user(uid)
	if h.wanted[uid] {
		return u
	}
	h.wanted[uid] = true
	u.trusted = h.current && u.inLog() && h.feedLive()
	if !u.trusted {
		h.unvouched[uid] = true
	}
	h.holder.Watch(uid)
	return u
}

// unwant ends what want began. The caller holds mu.
func (h *Hub) unwant(uid bridge.UID) {
	delete(h.idle, uid)
	delete(h.wanted, uid)
	delete(h.unvouched, uid)
	h.holder.Unwatch(uid)
	if u := h.users[uid]; u != nil {
		u.trusted = false
		if u.entry.Change == nil {
			delete(h.users, uid)
		}
	}
}

// weigh tells how many watch the user here now: looks go where many wait to see what changes. The caller holds mu.
func (h *Hub) weigh(uid bridge.UID, u *user) {
	n := len(u.watched) + len(h.leased[uid])
	if h.pinned[uid] {
		n++ // for the backends
	}
	h.holder.Weigh(uid, n)
}
