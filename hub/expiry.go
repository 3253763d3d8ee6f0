package hub

import "time"

// expireAt ends the session at that time, unless a token comes that lives longer; never where it is zero. The caller
// holds mu.
func (h *Hub) expireAt(s *session, at time.Time) {
	if s.over { // it has another end
		return
	}
	s.expires = at
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	if !at.IsZero() {
		s.expiry = time.AfterFunc(time.Until(at), func() { h.expire(s) })
	}
}

// expire ends a session whose time is up, if that is still so: a token may have come at the last moment.
func (h *Hub) expire(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case s.expires.IsZero() || time.Now().Before(s.expires):
	case s.greeted:
		h.end(s, closeToken.because("the token has expired"))
	default:
		h.end(s, closeToken.because("no token came in time"))
	}
}
