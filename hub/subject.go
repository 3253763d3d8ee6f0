package hub

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// subject is what counts for the limits of one token subject.
type subject struct {
	connections int
	uids        int                      // watched by its connections
	asked       map[bridge.UID]time.Time // asked for by single requests, until when
	looking     int                      // histories that are being read
}

func (h *Hub) subject(key string) *subject {
	s := h.subjects[key]
	if s == nil {
		s = &subject{asked: map[bridge.UID]time.Time{}}
		h.subjects[key] = s
	}
	return s
}

func (h *Hub) forgetSubject(key string) {
	if s := h.subjects[key]; s != nil && s.connections == 0 && s.uids == 0 && len(s.asked) == 0 && s.looking == 0 {
		delete(h.subjects, key)
	}
}

// admit gives a session its rights, and counts it for its subject. The caller holds mu.
func (h *Hub) admit(s *session, g grant) *closing {
	if key := g.key; key != "" {
		sub := h.subject(key)
		if sub.connections >= h.limits.MaxConnectionsPerSubject {
			return closeOverALimit.because("too many connections of this user; MAX_CONNECTIONS_PER_SUBJECT is the limit")
		}
		sub.connections++
	}
	s.grant, s.greeted = g, true
	return nil
}
