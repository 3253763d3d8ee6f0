package hub

import (
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// What one user may have of the budget for sets, which is everybody's. The vendor merges what one user sets within a
// second, so more than one a second shows nobody anything.
const (
	maxSetting = 2 // waiting for the vendor at once
	setsAtOnce = 5 // after a pause
	setsPerS   = 1
)

// setter is a user who sets their presence.
type setter struct {
	underWay int
	pace     *rate.Limiter
}

// startSetting takes one of a user's places in the queue for the vendor; done gives it back.
func (h *Hub) startSetting(uid bridge.UID) (done func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.setters[uid]
	if s == nil {
		s = &setter{pace: rate.NewLimiter(setsPerS, setsAtOnce)}
		h.setters[uid] = s
	}
	switch {
	case s.underWay >= maxSetting:
		return nil, refuse(http.StatusTooManyRequests, "over_a_limit", "this user's last sets are still under way; wait for their answers")
	case !s.pace.Allow():
		return nil, refuse(http.StatusTooManyRequests, "over_a_limit", "this user sets too often: the vendor shows one set a second")
	}
	s.underWay++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		s.underWay--
	}, nil
}

// forgetSetters forgets who might set as often as somebody new. The caller holds mu.
func (h *Hub) forgetSetters(now time.Time) {
	for uid, s := range h.setters {
		if s.underWay == 0 && s.pace.TokensAt(now) >= setsAtOnce {
			delete(h.setters, uid)
		}
	}
}
