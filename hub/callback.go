package hub

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// CallbackPath is where the vendor posts its callbacks to.
const CallbackPath = "/v1/callbacks/easemob"

const (
	maxCallbackBytes = 16 << 10 // the vendor's own have some 400
	maxHints         = 1024     // that wait for NATS; more are lost, and found by polling
)

// What became of a callback, where it is not a refusal: the vendor is answered 200, and counts any other status
// towards banning the rule. So whatever is signed and of our app is taken, of use or not.
const (
	callbackHinted    = "hinted"    // the poller was told
	callbackLost      = "lost"      // it could not be: NATS is away or behind
	callbackDuplicate = "duplicate" // told before
	callbackStale     = "stale"     // too old, or from the future: it could be anybody's who has seen it
	callbackIgnored   = "ignored"   // of another event
	callbackMalformed = "malformed" // names no user
)

// callbacks takes what the vendor tells of logins and logouts. None of it is believed: it makes the poller look.
type callbacks struct {
	door  door
	heard *heard
	hints chan bridge.UID // for tellHints
}

func newCallbacks(app bridge.App, secret string) *callbacks {
	return &callbacks{door: door{app: app, secret: secret}, heard: newHeard(), hints: make(chan bridge.UID, maxHints)}
}

// takeCallback serves POST /v1/callbacks/easemob. It waits for nobody: the vendor has more to tell.
func (h *Hub) takeCallback(c echo.Context) error {
	if h.callbacks == nil {
		return refuse(http.StatusNotFound, "callbacks_off", "this hub takes no callbacks: CALLBACK_SECRET switches them on")
	}
	body, err := readCallback(c)
	if err != nil {
		return h.refuseCallback(err)
	}
	uid, result, err := h.callbacks.judge(body, time.Now())
	if err != nil {
		return h.refuseCallback(err)
	}
	if result == callbackHinted {
		h.queueHint(uid) // counted when it is known what becomes of it
		result = "ok"
	} else {
		h.countCallback(result)
	}
	return c.JSON(http.StatusOK, map[string]string{"result": result})
}

func readCallback(c echo.Context) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxCallbackBytes))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, refuse(http.StatusRequestEntityTooLarge, "too_large", "a callback has 16 KiB at the most")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "unreadable", "the body did not arrive")
	}
	return body, nil
}

// judge decides about a callback: a user to look at with callbackHinted, no user with the other results, or a
// refusal.
func (c *callbacks) judge(body []byte, now time.Time) (uid bridge.UID, result string, err error) {
	s, err := c.door.open(body)
	if err != nil {
		return "", "", err
	}
	uid, result, err = c.door.read(body, s, now)
	if result == callbackHinted && !c.heard.first(s.CallID, now) {
		return "", callbackDuplicate, nil
	}
	return uid, result, err
}

// callbackAdvice is for operators, where one of them has to mend something.
var callbackAdvice = map[string]string{
	"bad_signature": "is CALLBACK_SECRET the secret of the vendor's rule, or does somebody else knock?",
	"unknown_app":   "the vendor's rule belongs to another app than EASEMOB_ORG and EASEMOB_APP",
	callbackStale:   "is the clock of this machine right?",
	callbackLost:    "NATS is away or behind; polling finds what was missed",
}

// countCallback counts a callback, and tells the operator now and then of those that are of no use.
func (h *Hub) countCallback(result string) {
	h.metrics.callbacks.WithLabelValues(result).Inc()
	if help := callbackAdvice[result]; help != "" {
		h.unheard.Do(func() { h.log.Warn("a callback of the vendor is of no use", "result", result, "advice", help) })
	}
}

func (h *Hub) refuseCallback(err error) error {
	h.countCallback(refusalOf(err).Code)
	return err
}

func (h *Hub) queueHint(uid bridge.UID) {
	select {
	case h.callbacks.hints <- uid:
	default:
		h.countCallback(callbackLost)
	}
}

// tellHints passes hints on to the poller until ctx is done. It is apart from the requests, because a connection
// that stalls holds up whoever publishes, and asking whether it is there.
func (h *Hub) tellHints(ctx context.Context) error {
	if h.callbacks == nil {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case uid := <-h.callbacks.hints:
			h.countCallback(h.tellHint(uid))
		}
	}
}

// tellHint does not publish while NATS is away: the hint would be kept, and be no news when it is told.
func (h *Hub) tellHint(uid bridge.UID) (result string) {
	if !h.bus.Connected() || h.bus.PublishHint(bridge.Hint{UID: uid, Source: bridge.SourceHint}) != nil {
		return callbackLost
	}
	return callbackHinted
}
