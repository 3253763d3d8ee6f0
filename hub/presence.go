package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	maxWait       = 30 * time.Second
	maxSetBytes   = 8 << 10
	waitByDefault = 0
)

// getPresence serves GET /v1/presence?uids=a,b&wait=2s: the states now, as subscribed has them, and the feed's state,
// without which nobody could tell whether they are stale. Asking watches
// for a minute those whom nobody watched; wait is for their first states.
func (h *Hub) getPresence(c echo.Context) error {
	g, err := h.letIn(c)
	if err != nil {
		return err
	}
	uids, err := parseUIDs(splitUIDs(c.QueryParam("uids")), h.limits.MaxUIDsPerConnection)
	if err != nil {
		return err
	}
	wait, err := parseWait(c.QueryParam("wait"))
	if err != nil {
		return err
	}
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{}) // it has been read; to wait is no silence
	ctx, cancel := context.WithTimeout(c.Request().Context(), wait)
	defer cancel()
	answer, err := h.ask(ctx, c.Request().Context(), g, uids)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

func parseWait(s string) (time.Duration, error) {
	if s == "" {
		return waitByDefault, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxWait {
		return 0, refuse(http.StatusBadRequest, "bad_wait", fmt.Sprintf("wait is a duration such as 2s, at most %s", maxWait))
	}
	return d, nil
}

// ask watches the users for as long as waiting ctx allows, or until each has a state, and says what is known.
func (h *Hub) ask(waiting, request context.Context, g grant, uids []bridge.UID) (subscribedMessage, error) {
	if err := h.waitCurrent(request); err != nil {
		return subscribedMessage{}, err
	}
	s, err := h.openPulled()
	if err != nil {
		return subscribedMessage{}, err
	}
	defer h.exit(s)
	users, denied, err := h.askFor(s, g, uids)
	if err != nil {
		return subscribedMessage{}, err
	}
	answer := subscribedMessage{Denied: denied, Complete: true}
	for {
		h.mu.Lock()
		h.snapshot(&answer, s, users, 0)
		feed := h.feed
		h.mu.Unlock()
		answer.Feed = &feed
		if len(answer.Pending) == 0 || waiting.Err() != nil || h.ending(s) {
			return answer, nil
		}
		select {
		case <-s.wake:
		case <-waiting.Done():
		}
	}
}

// askFor joins a session that lives for one request, and keeps its users watched for a while after it.
func (h *Hub) askFor(s *session, g grant, uids []bridge.UID) (users []*user, denied []bridge.UID, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.grant = g
	allowed, denied := g.split(uids)
	if err := h.checkLimits(s, allowed); err != nil {
		return nil, nil, err
	}
	users = h.joinAll(nil, s, allowed)
	for _, u := range users {
		if len(u.watched) == 1 {
			h.linger(u.uid, askedFor)
		}
		if key := g.key; key != "" {
			h.subject(key).asked[u.uid] = time.Now().Add(askedFor)
		}
	}
	return users, denied, nil
}

// putPresence serves PUT /v1/presence/{uid}/{resource}.
func (h *Hub) putPresence(c echo.Context) error {
	g, uid, err := h.letInTo(c)
	if err != nil {
		return err
	}
	s, err := decodeSetting(http.MaxBytesReader(c.Response(), c.Request().Body, maxSetBytes))
	if err != nil {
		return err
	}
	s.Resource = c.Param("resource")
	if err := h.setPresence(c.Request().Context(), g, uid, s); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"result": "ok"})
}

// decodeSetting reads the body of a PUT.
func decodeSetting(body io.Reader) (s setting, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, badMessage(`the body has to be {"status":"1","ext":"..."}: %s`, jsonProblem(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return s, badMessage("the body has to be one JSON object and nothing after it")
	}
	if s.Status == "" {
		return s, badMessage(`status is missing: "0" is offline, "1" online, other digits are your own`)
	}
	return s, nil
}
