package hub

import "github.com/presence-bridge/presence-bridge/bridge"

// maxReplies is how many answers may wait for a client to read before its next message is.
const maxReplies = 2

// session is one client's view: whom it watches, and what it has yet to be told. It knows nothing of sockets:
// a WebSocket, an event stream and a single request each pull frames from one.
//
// What waits is answers, a bounded few, and a set of uids: the state sent for a uid is the newest when it is
// sent, so a slow client gets fewer and newer states, and never costs more than what it watches.
type session struct {
	id    string
	wake  chan struct{} // holds one token when there is something to pull
	ended chan *closing // holds why the session is over, once

	// guarded by the hub's mutex
	grant   grant
	uids    map[bridge.UID]int  // watched -> place among the user's watchers
	pending map[bridge.UID]bool // of uids: changed since last told
	unknown map[bridge.UID]bool // of uids: what the log holds has not been told: nobody vouches for it, or it is held back
	replies [][]byte            // answers, in order
	feed    bool                // the feed has changed
	greeted bool                // welcome was said: there is a grant
	drained chan struct{}       // holds one token when replies have been pulled
}

func newSession(id string) *session {
	return &session{
		id: id, wake: make(chan struct{}, 1), ended: make(chan *closing, 1), drained: make(chan struct{}, 1),
		uids: map[bridge.UID]int{}, pending: map[bridge.UID]bool{}, unknown: map[bridge.UID]bool{},
	}
}

// dirty notes that the newest state of a user has to be told.
func (s *session) dirty(uid bridge.UID) {
	s.pending[uid] = true
	s.nudge()
}

// reply notes an answer.
func (s *session) reply(frame []byte) {
	s.replies = append(s.replies, frame)
	s.nudge()
}

func (s *session) nudge() { signal(s.wake) }

// end says that the session is over. The first reason counts.
func (s *session) end(why *closing) {
	select {
	case s.ended <- why:
	default:
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pull takes everything that waits to be told, as frames in the order to send them.
func (h *Hub) pull(s *session) [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	frames := s.replies
	s.replies = nil
	signal(s.drained)
	if s.feed {
		s.feed = false
		frames = append(frames, feedFrame(h.feed))
	}
	if f := h.changes(s); f != nil {
		frames = append(frames, f)
	}
	h.metrics.frames.Add(float64(len(frames)))
	return frames
}

// changes is the frame with the newest state of everybody who has changed, or nil. The caller holds mu.
func (h *Hub) changes(s *session) []byte {
	if len(s.pending) == 0 {
		return nil
	}
	var list presences
	for uid := range s.pending {
		if u := h.users[uid]; u != nil && u.known() {
			list = append(list, u.presence())
			if u.held == nil {
				delete(s.unknown, uid)
			}
		}
	}
	clear(s.pending)
	if len(list) == 0 {
		return nil
	}
	h.metrics.deliveries.Add(float64(len(list)))
	return encode(changesMessage{Type: "changes", Cursor: h.cursor(s).String(), Presences: list})
}

// tellChanges puts what has changed before the answer that is to come, so that the answer's cursor covers it. The
// caller holds mu.
func (h *Hub) tellChanges(s *session) {
	if f := h.changes(s); f != nil {
		s.reply(f)
	}
}

// room waits until the client has been sent enough of its answers for another question.
func (h *Hub) room(s *session, done <-chan struct{}) bool {
	for {
		h.mu.Lock()
		full := len(s.replies) >= maxReplies
		h.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-s.drained:
		case <-done:
			return false
		}
	}
}

// exit lets a session go: it watches nobody any more, and counts for nobody.
func (h *Hub) exit(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for uid := range s.uids {
		h.drop(s, uid)
	}
	delete(h.sessions, s)
	if key := s.grant.key; key != "" && s.greeted {
		h.subject(key).connections--
		h.forgetSubject(key)
	}
	if h.draining && len(h.sessions) == 0 {
		signal(h.empty)
	}
}

// drop ends one watch of a session. The caller holds mu.
func (h *Hub) drop(s *session, uid bridge.UID) {
	if _, watches := s.uids[uid]; !watches {
		return
	}
	u := h.user(uid)
	u.leave(uid, s)
	delete(s.uids, uid)
	delete(s.pending, uid)
	delete(s.unknown, uid)
	if key := s.grant.key; key != "" {
		h.subject(key).uids--
	}
	h.weigh(uid, u)
	if len(u.watched) == 0 {
		h.linger(uid, lingerFor)
	}
}
