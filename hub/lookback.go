package hub

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// Looking back asks NATS some ten times for each request, so it is bounded: by all, and by one token subject.
const (
	lookingBack      = 16 // at once; who comes more waits
	lookingBackOfOne = 4
	lookBackWithin   = 3 * time.Second // with the wait for a place
)

// historyAnswer is what is known of one user beside the present.
type historyAnswer struct {
	UID          bridge.UID       `json:"uid"`
	Changes      []*bridge.Change `json:"changes"`      // as in the log, the newest first, at most [bridge.MessagesPerUser]
	Subscription *subscribedUntil `json:"subscription"` // at the vendor; null: there is none
	Feed         feedState        `json:"feed"`
}

type subscribedUntil struct {
	Until int64 `json:"until"` // Unix milliseconds
}

// getHistory serves GET /v1/presence/{uid}/history: the changes of one user that the log still holds, and until when the
// vendor tells of them unasked. It says what the log says, but for what OFFLINE_GRACE holds back. What is last may be
// history, and nobody is watched by asking.
func (h *Hub) getHistory(c echo.Context) error {
	g, uid, err := h.letInTo(c)
	if err != nil {
		return err
	}
	if !g.mayWatch(uid) {
		return refuse(http.StatusForbidden, "not_allowed", "the token does not let its holder watch this user")
	}
	s, err := h.openPulled()
	if err != nil {
		return err
	}
	defer h.exit(s)
	answer, err := h.lookBack(c.Request().Context(), g, uid)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

// lookBack reads what NATS keeps of a user.
func (h *Hub) lookBack(ctx context.Context, g grant, uid bridge.UID) (historyAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, lookBackWithin)
	defer cancel()
	done, err := h.startLookingBack(ctx, g.key)
	if err != nil {
		return historyAnswer{}, err
	}
	defer done()
	log, err := h.bus.History(ctx, uid)
	if err != nil {
		return historyAnswer{}, h.lookBackRefusal(err)
	}
	subscription, err := h.bus.SubscriptionOf(ctx, uid)
	if err != nil {
		return historyAnswer{}, h.lookBackRefusal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return historyAnswer{UID: uid, Changes: h.mayBeSeen(uid, log), Subscription: untilOf(subscription), Feed: h.feed}, nil
}

// mayBeSeen leaves out the changes that browsers are not shown yet. The caller holds mu.
func (h *Hub) mayBeSeen(uid bridge.UID, log []bridge.Entry) []*bridge.Change {
	u, seen := h.users[uid], []*bridge.Change{}
	for _, e := range log {
		if !h.unseen(u, e) {
			seen = append(seen, e.Change)
		}
	}
	return seen
}

// unseen says whether a message of a user is one that browsers are not shown yet. The caller holds mu.
func (h *Hub) unseen(u *user, e bridge.Entry) bool {
	switch {
	case h.grace == nil || u == nil || u.change == nil:
		return false
	case u.held == nil:
		return e.Seq > u.last // it has yet to come here
	}
	return e.Seq > u.held.seq || e.Seq == u.held.seq && !e.Online // see hold: the one that was shown may be gone
}

// untilOf leaves out what is no page's business, and what has ended.
func untilOf(s *bridge.Subscription) *subscribedUntil {
	if s == nil || s.Until <= time.Now().UnixMilli() {
		return nil
	}
	return &subscribedUntil{Until: s.Until}
}

// startLookingBack takes one of the places, and waits for it; done gives it back.
func (h *Hub) startLookingBack(ctx context.Context, key string) (done func(), err error) {
	if !h.countLookingBack(key, 1) {
		return nil, refuse(http.StatusTooManyRequests, "over_a_limit", "the histories that this user asked for last are still being read; wait for them")
	}
	select {
	case h.looking <- struct{}{}:
		return func() { <-h.looking; h.countLookingBack(key, -1) }, nil
	case <-ctx.Done():
		h.countLookingBack(key, -1)
		return nil, refuse(http.StatusTooManyRequests, "over_a_limit", "this hub reads as many histories as it can; try again in a moment")
	}
}

// countLookingBack counts what one token subject has under way, and says whether it may have that much.
func (h *Hub) countLookingBack(key string, n int) bool {
	if key == "" {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.subject(key)
	if s.looking+n > lookingBackOfOne {
		return false
	}
	s.looking += n
	h.forgetSubject(key)
	return true
}

// lookBackRefusal keeps what NATS says for the log.
func (h *Hub) lookBackRefusal(err error) error {
	if errors.Is(err, context.Canceled) { // nobody waits any more
		return err
	}
	h.unread.Do(func() { h.log.Warn("reading a history", "error", err) })
	return refuse(http.StatusServiceUnavailable, "nats_away", "NATS, which keeps the history, did not answer; try again in a moment")
}
