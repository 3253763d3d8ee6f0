package hub

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	catchUpFor   = 2 * time.Second // how long a cursor may be ahead of this hub before it counts as foreign
	catchUpCheck = 10 * time.Millisecond
)

// subscribe adds users to what the session watches and answers with their states: all of them, or those that
// changed after the cursor since. Nothing is half-applied: an error leaves the session as it was.
func (h *Hub) subscribe(ctx context.Context, s *session, id string, uids []bridge.UID, since string) error {
	if err := h.waitCurrent(ctx); err != nil {
		return err
	}
	from, useful := h.resumePoint(ctx, since)
	h.mu.Lock()
	defer h.mu.Unlock()
	allowed, denied := s.grant.split(uids)
	if err := h.checkLimits(s, allowed); err != nil {
		return err
	}
	h.tellChanges(s)
	if len(s.watches) == 0 {
		s.watches = make([]tie, 0, len(allowed))
	}
	users := h.joinAll(h.scratch.users, s, allowed)
	h.toldElsewhere(users, from)
	answer := subscribedMessage{ID: id, Presences: h.scratch.presences, Pending: h.scratch.pending, Denied: denied, Complete: since == "" || useful}
	h.snapshot(&answer, s, users, from)
	s.reply(answer.append(h.scratch.frame(answer.size())))
	h.scratch.keep(users, &answer)
	return nil
}

// joinAll makes a session a watcher of these users, and puts them into a list that is empty. The caller holds mu.
func (h *Hub) joinAll(users []*user, s *session, uids []bridge.UID) []*user {
	users, had := slices.Grow(users, len(uids)), len(s.watches)
	for _, uid := range uids {
		users = append(users, h.want(uid))
	}
	h.fetch(users)
	h.stamp(s)
	for _, u := range users {
		if !h.stamped(u) {
			bind(s, u)
			h.weigh(u)
		}
	}
	if key := s.grant.key; key != "" {
		h.subject(key).uids += len(s.watches) - had
	}
	return users
}

// snapshot puts the state of these users now, of those that changed after from, into an answer whose lists are written
// over. They are all of whom the session waits to be told. The caller holds mu, so that whatever comes next comes as a
// change.
func (h *Hub) snapshot(m *subscribedMessage, s *session, users []*user, from uint64) {
	m.Type = "subscribed"
	m.Presences, m.Pending = slices.Grow(m.Presences[:0], len(users)), slices.Grow(m.Pending[:0], len(users))
	clear(s.pending)
	for _, u := range users {
		switch {
		case !u.known():
			m.Pending = append(m.Pending, u.uid)
			s.mark(u)
			continue
		case s.grant.raw:
			m.Presences = append(m.Presences, h.newest(u))
		case u.seq() > from:
			m.Presences = append(m.Presences, h.presence(u))
		}
		delete(s.unknown, u)
		if u.held != nil && !s.grant.raw {
			s.mark(u)
		}
	}
	m.Cursor = h.cursor(s).String()
}

// unsubscribe takes users out of what the session watches.
func (h *Hub) unsubscribe(s *session, uids []bridge.UID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaveAll(s, uids)
}

// checkLimits says whether the session may watch these users besides. The caller holds mu.
func (h *Hub) checkLimits(s *session, uids []bridge.UID) error {
	if n := len(s.watches) + len(uids); n > h.limits.MaxUIDsPerConnection { // then those who are watched already count
		if n = len(s.watches) + len(s.fresh(h, uids)); n > h.limits.MaxUIDsPerConnection {
			return tooManyUIDs(n, "connection", h.limits.MaxUIDsPerConnection)
		}
	}
	if s.grant.key == "" {
		return nil
	}
	sub := h.subject(s.grant.key)
	n := sub.uids + len(sub.asked)
	if n+len(uids) <= h.limits.MaxUIDsPerSubject {
		return nil
	}
	for _, uid := range s.fresh(h, uids) {
		if _, known := sub.asked[uid]; !known {
			n++
		}
	}
	if n > h.limits.MaxUIDsPerSubject {
		return tooManyUIDs(n, "user's connections together", h.limits.MaxUIDsPerSubject)
	}
	return nil
}

// fresh is which of these users the session does not watch yet. The caller holds mu.
func (s *session) fresh(h *Hub, uids []bridge.UID) []bridge.UID {
	h.stamp(s)
	return slices.DeleteFunc(slices.Clone(uids), func(uid bridge.UID) bool {
		u := h.users[uid]
		return u != nil && h.stamped(u)
	})
}

func tooManyUIDs(n int, whose string, limit int) *refusal {
	return refuse(http.StatusBadRequest, "too_many_uids",
		fmt.Sprintf("that makes %d users for this %s, %d is the most; nothing was changed", n, whose, limit))
}

// split parts users into those the grant covers, which the list becomes, and those it does not.
func (g grant) split(uids []bridge.UID) (allowed, denied []bridge.UID) {
	allowed, denied = uids[:0], []bridge.UID{}
	for _, uid := range uids {
		if g.mayWatch(uid) {
			allowed = append(allowed, uid)
		} else {
			denied = append(denied, uid)
		}
	}
	return allowed, denied
}

// waitCurrent waits until the hub knows the log.
func (h *Hub) waitCurrent(ctx context.Context) error {
	select {
	case <-h.caughtUp:
		return nil
	default: // then it takes a timer
	}
	select {
	case <-h.caughtUp:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(catchUpFor):
		return refuse(http.StatusServiceUnavailable, "not_ready", "this hub has yet to read the log; try again in a moment")
	}
}

// resumePoint reads a cursor: the sequence to resume after, and whether the cursor is of any use. Another hub
// may be ahead of us by a moment; a cursor that stays ahead is of another log, as is one that names another
// stream, or a message that is not in it.
func (h *Hub) resumePoint(ctx context.Context, since string) (from uint64, useful bool) {
	if since == "" {
		return 0, false
	}
	c, err := parseCursor(since)
	if err != nil {
		return 0, false
	}
	if h.remembers(c.at) { // nearly always: there is nothing to wait for
		return c.from, true
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpFor)
	defer cancel()
	for {
		h.mu.Lock()
		at := h.position
		h.mu.Unlock()
		switch {
		case c.at.Stream != at.Stream:
			return 0, false
		case c.at.Seq <= at.Seq:
			if !h.holds(ctx, c.at) {
				return 0, false
			}
			return c.from, true
		}
		select {
		case <-ctx.Done():
			return 0, false
		case <-time.After(catchUpCheck):
		}
	}
}

// renew gives a session the rights of a new token. Whom it may no longer watch it stops watching at once.
func (h *Hub) renew(s *session, id string, g grant) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g.subject != s.grant.subject {
		return closeNotAllowed.because("the new token is another user's")
	}
	g.key = s.grant.key // it counts as it did, also if nobody's token is another one now
	s.grant = g
	h.expireAt(s, g.expires)
	_, lost := g.split(h.watching(s))
	h.leaveAll(s, lost)
	if len(lost) > 0 {
		slices.Sort(lost)
		h.tellChanges(s)
		told := subscribedMessage{Type: "subscribed", Cursor: h.cursor(s).String(), Denied: lost, Complete: true}
		s.reply(told.encode())
	}
	s.reply(encode(okMessage{Type: "ok", ID: id}))
	return nil
}
