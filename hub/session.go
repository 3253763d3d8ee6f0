package hub

import (
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// maxReplies is how many answers may wait for a client to read before its next message is.
const maxReplies = 2

// session is one client's view: whom it watches, and what it has yet to be told. What waits is answers, a bounded
// few, and users: the state sent of a user is the newest when it is sent, so a slow client gets fewer and newer
// states, and never costs more than what it watches.
//
// A WebSocket's session has a line, to which the hub writes; an event stream and a single request have a wake, and
// pull. The hub's mutex guards what is not said to be otherwise.
type session struct {
	id     string
	number uint32          // in the hub's roll
	line   *line           // nil: somebody pulls
	conn   *websocket.Conn // over the line
	wake   chan struct{}   // holds one token when there is something to pull; nil: there is a line
	beat   int             // when its heart beats, see heart

	grant   grant
	greeted bool           // welcome was said: there is a grant
	opening []byte         // the answer to the handshake; it goes before all else
	watches []tie          // to users
	unknown map[*user]bool // of watches: what the log holds has not been told: nobody vouches for it, or it is held back
	pending placeSet       // in watches: who has changed since last told
	replies [][]byte       // answers, in order
	feed    bool           // the feed has changed
	drained chan struct{}  // holds one token when replies have been taken; made by who waits for it
	why     *closing       // why the session is over; nil: it is not
	expires time.Time      // until when the token has to come, then until when it is good; zero: forever
	expiry  *time.Timer    // goes off then, or when the peer's goodbye is overdue; nil: never

	touched bool           // a dispatcher has it in its batch
	writing bool           // somebody writes to the line, and writes what comes meanwhile
	over    bool           // nothing is written any more
	writers sync.WaitGroup // what writes to the line for longer than a moment
	pulse   pulse
}

func newSession(id string) *session {
	return &session{id: id}
}

// note notes that the newest state of the user whom the session watches at i has to be told. It is what fan-out costs, so
// it is a bit. The caller holds mu.
func (h *Hub) note(s *session, i int) {
	s.pending.add(i)
	h.nudge(s)
}

// reply notes an answer. Who asked is waiting for it: the one who answers sends it on.
func (s *session) reply(frame []byte) { s.replies = append(s.replies, frame) }

// nudge has what waits told soon. The caller holds mu.
func (h *Hub) nudge(s *session) {
	switch {
	case s.wake != nil:
		signal(s.wake)
	case s.line != nil && !s.touched:
		s.touched = true
		h.dispatchers[s.beat%len(h.dispatchers)].touch(s)
	}
}

// end says that the session is over. The first reason counts. The caller holds mu.
func (h *Hub) end(s *session, why *closing) {
	if s.why == nil {
		s.why = why
		h.nudge(s)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// finish says that nothing is written any more. The caller holds mu.
func (s *session) finish() {
	s.over, s.writing = true, true
	if s.drained != nil {
		signal(s.drained)
	}
}

// cut ends the connection as it is, without a word. Its reader sees it. The caller holds mu.
func (s *session) cut() {
	s.finish()
	_ = s.line.Close()
}

// news takes whom the client has to be told of now, each once; whoever is not known is told of when they are. The list is
// good until the next one is taken. The caller holds mu, and tells.
func (h *Hub) news(s *session) []*user {
	if s.why != nil { // whoever is let go does not put that off by reading slowly
		return nil
	}
	news := h.told[:0]
	for i := range s.pending.all() {
		if u := h.people.at(s.watches[i].to); u.known() {
			news = append(news, u)
			if u.held == nil {
				delete(s.unknown, u)
			}
		}
	}
	clear(s.pending)
	h.told = news
	if len(news) > 0 {
		h.metrics.delivered(news, h.now())
	}
	return news
}

// answers is what waits besides news, in the order to send it. The caller holds mu.
func (h *Hub) answers(s *session) [][]byte {
	if len(s.replies) == 0 && !s.feed {
		return nil
	}
	frames := s.replies
	s.replies = nil
	if s.feed {
		s.feed = false
		frames = append(frames, feedFrame(h.feed))
	}
	if s.drained != nil {
		signal(s.drained)
	}
	return frames
}

// pull takes everything that waits to be told, as frames in the order to send them.
func (h *Hub) pull(s *session) [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	frames := h.answers(s)
	if f := h.changes(s); f != nil {
		frames = append(frames, f)
	}
	h.metrics.frames.Add(float64(len(frames)))
	return frames
}

// changes is the frame with the newest state of everybody who has changed, or nil. The caller holds mu.
func (h *Hub) changes(s *session) []byte {
	news := h.news(s)
	if len(news) == 0 {
		return nil
	}
	return h.appendChanges(nil, s, news)
}

// tellChanges puts what has changed before the answer that is to come, so that the answer's cursor covers it. The
// caller holds mu.
func (h *Hub) tellChanges(s *session) {
	if f := h.changes(s); f != nil {
		s.reply(f)
	}
}

// exit lets a session go: it watches nobody any more, and counts for nobody.
func (h *Hub) exit(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(s.watches) > 0 {
		h.drop(s, len(s.watches)-1)
	}
	h.sessions.leave(s.number)
	h.heart.remove(s)
	if s.expiry != nil {
		s.expiry.Stop()
	}
	if key := s.grant.key; key != "" && s.greeted {
		h.subject(key).connections--
		h.forgetSubject(key)
	}
	if h.draining && h.sessions.len() == 0 {
		signal(h.empty)
	}
}

// leaveAll ends a session's watches of these users. The caller holds mu.
func (h *Hub) leaveAll(s *session, uids []bridge.UID) {
	h.round++
	for _, uid := range uids {
		if u := h.users[uid]; u != nil {
			u.round = h.round
		}
	}
	for i := len(s.watches) - 1; i >= 0; i-- { // what takes a place that is free has had its turn
		if h.people.at(s.watches[i].to).round == h.round {
			h.drop(s, i)
		}
	}
}

// drop ends a session's watch at i. The caller holds mu.
func (h *Hub) drop(s *session, i int) {
	u := h.people.at(s.watches[i].to)
	h.unbind(s, i)
	delete(s.unknown, u)
	if key := s.grant.key; key != "" {
		h.subject(key).uids--
	}
	h.weigh(u)
	if len(u.watched) == 0 {
		h.linger(u.uid, lingerFor)
	}
}

// mark notes that what the log holds of a user, if anything, has not been told.
func (s *session) mark(u *user) {
	if u.change == nil {
		return
	}
	if s.unknown == nil {
		s.unknown = map[*user]bool{}
	}
	s.unknown[u] = true
}

// watching is whom the session watches. The caller holds mu.
func (h *Hub) watching(s *session) []bridge.UID {
	list := make([]bridge.UID, 0, len(s.watches))
	for _, w := range s.watches {
		list = append(list, h.people.at(w.to).uid)
	}
	return list
}
