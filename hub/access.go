package hub

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// subjectKey is where a request's context has whose token let it in.
const subjectKey = "subject"

// logsAccess says whether anybody reads the access log, which costs a line a request.
func (h *Hub) logsAccess() bool { return h.log.Enabled(context.Background(), slog.LevelDebug) }

// access logs each request when it is over, a socket's when it is open. The path is that of the route: what was asked
// for may hold a token that somebody put there, in the path as well as in the query.
func (h *Hub) access(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		if err := next(c); err != nil {
			c.Error(err) // answers, so that there is a status
		}
		subject, _ := c.Get(subjectKey).(bridge.UID)
		h.logRequest(method(c), servedPath(c), c.Response().Status, time.Since(began), c.Response().Size, subject)
		return nil
	}
}

func (h *Hub) logRequest(method, path string, status int, took time.Duration, bytes int64, subject bridge.UID) {
	h.log.Debug("request", "method", method, "path", path, "status", status, "took", took, "bytes", bytes, "subject", string(subject))
}

// servedPath is the path of a route, and of a file that there is.
func servedPath(c echo.Context) string {
	switch path := c.Path(); {
	case path == everythingElse && c.Response().Status < 400:
		return c.Request().URL.Path
	case path == everythingElse, path == "":
		return "(none)"
	default:
		return path
	}
}

// method is one that the hub knows: the word is the client's.
func method(c echo.Context) string {
	switch m := c.Request().Method; m {
	case "GET", "HEAD", "PUT", "POST", "OPTIONS", "DELETE", "PATCH":
		return m
	}
	return "(other)"
}

// letIn says what the token of a request lets its holder do, and notes for the access log whose it is.
func (h *Hub) letIn(c echo.Context) (grant, error) {
	g, err := h.auth.verify(tokenOf(c.Request()))
	if err == nil {
		c.Set(subjectKey, g.subject)
	}
	return g, err
}

// letInTo is letIn for a request about one user, whom its path names.
func (h *Hub) letInTo(c echo.Context) (grant, bridge.UID, error) {
	g, err := h.letIn(c)
	if err != nil {
		return g, "", err
	}
	uid, err := bridge.ParseUID(c.Param("uid"))
	if err != nil {
		return g, "", refuse(http.StatusBadRequest, "bad_uid", err.Error())
	}
	return g, uid, nil
}

// tellEnd logs that a socket has ended: with which code, 0 where the client went by itself.
func (k *socket) tellEnd() {
	if !k.hub.logsAccess() {
		return
	}
	k.hub.mu.Lock()
	subject, code := k.session.grant.subject, 0
	if why := k.session.why; why != nil {
		code = int(why.code)
	}
	k.hub.mu.Unlock()
	k.hub.log.Debug("socket ended", "session", k.session.id, "code", code, "took", time.Since(k.began), "subject", string(subject))
}
