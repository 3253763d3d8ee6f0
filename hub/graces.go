package hub

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// A user who has gone offline is held back for OFFLINE_GRACE: everything that browsers are told, stream and snapshots
// alike, says what was shown last. Backends over NATS get the raw truth.
//
// A cursor does not cover what was held back: to the sessions that watch, the user's newest message is unknown until it
// is told, as if nobody vouched for it. So whoever comes back with such a cursor, here or elsewhere, is told.

// hold takes a message of the log in, for who is offline. before is the one before. The caller holds mu.
func (h *Hub) hold(u *user, before, e bridge.Entry) {
	was, now := u.held, time.Now()
	u.held = h.grace.take(before, e, h.came(e, now), now)
	if was != nil && e.Online {
		h.metrics.returns.Inc()
	}
	if u.held == nil {
		return
	}
	for _, w := range u.watched {
		h.sessions.at(w.to).mark(u)
	}
	if u.held.place == 0 {
		signal(h.heldBack)
	}
}

// came is when a message has come: now, if it is news. What a hub reads when it begins came when the log took it,
// which is what hubs that were there go by; a clock of ours that is behind may not make it longer.
func (h *Hub) came(e bridge.Entry, now time.Time) time.Time {
	if h.current {
		return now
	}
	return now.Add(-max(0, now.Sub(time.Unix(0, e.Stored))))
}

// showDue shows those whose time is up, and says when it wants to be called again, if ever. The caller holds mu.
func (h *Hub) showDue(now time.Time) time.Time {
	for _, uid := range h.grace.due(now) {
		h.show(uid)
	}
	return h.grace.next()
}

// show shows a user as they are, whom nothing holds back any more. The caller holds mu.
func (h *Hub) show(uid bridge.UID) {
	u := h.users[uid]
	if u == nil {
		return // the log has lost them
	}
	u.held = nil
	if u.known() {
		h.trust(u)
	}
}

// toldElsewhere shows at once those whom a client has seen offline already, at a hub that took them for offline sooner:
// it may not be taken back in time. The caller holds mu.
func (h *Hub) toldElsewhere(users []*user, from uint64) {
	if h.grace == nil || from == 0 {
		return
	}
	for _, u := range users {
		if u.held != nil && u.last <= from {
			h.grace.end(u.uid)
			h.show(u.uid)
		}
	}
}

// runGrace shows everybody in time, until ctx is done.
func (h *Hub) runGrace(ctx context.Context) error {
	if h.grace == nil {
		return nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.heldBack:
		case <-timer.C:
		}
		h.mu.Lock()
		next := h.showDue(time.Now())
		h.mu.Unlock()
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// seq is the message that says what is shown.
func (u *user) seq() uint64 {
	if u.held != nil {
		return u.held.seq
	}
	return u.last
}

// presence is what is shown, in JSON, encoded once for all who ask.
func (h *hold) presence() []byte {
	if h.frame == nil {
		h.frame = bridge.AppendPresence(nil, h.shown)
	}
	return h.frame
}
