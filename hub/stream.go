package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// retryStream is after how long a browser opens a stream again that was cut off without a goodbye.
const retryStream = 3 * time.Second

// events serves GET /v1/events?uids=a,b: what a WebSocket would say, as server-sent events. The id of an event
// is the cursor, so a browser that comes back resumes by itself.
func (h *Hub) events(c echo.Context) error {
	g, err := h.letIn(c)
	if err != nil {
		return err
	}
	uids, err := parseUIDs(splitUIDs(c.QueryParam("uids")), h.limits.MaxUIDsPerConnection)
	if err != nil {
		return err
	}
	s, err := h.openPulled()
	if err != nil {
		return err
	}
	defer h.exit(s)
	if err := h.greet(s, g); err != nil {
		return err
	}
	since := c.Request().Header.Get("Last-Event-ID")
	if err := h.subscribe(c.Request().Context(), s, "", uids, since); err != nil {
		return err
	}
	return h.stream(c, s, g.expires)
}

// greet admits a session that has shown its token in the request.
func (h *Hub) greet(s *session, g grant) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if why := h.admit(s, g); why != nil {
		return refuse(http.StatusTooManyRequests, "over_a_limit", why.reason)
	}
	s.reply(h.welcome(s))
	return nil
}

// openPulled is open for who pulls. There may be something at once.
func (h *Hub) openPulled() (*session, error) {
	wake := make(chan struct{}, 1)
	signal(wake)
	return h.open(wake)
}

// ending says whether the session has ended, though there may be something left to tell.
func (h *Hub) ending(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return s.why != nil
}

// stream sends events until the client goes, the token expires or the hub stops.
func (h *Hub) stream(c echo.Context, s *session, expires time.Time) error {
	w := c.Response()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")                      // nginx would hold events back
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the client has said all it will
	w.WriteHeader(http.StatusOK)
	ctx, cancel := untilExpiry(c.Request().Context(), expires)
	defer cancel()
	defer writeSoon(w) // the end of the response is written when all this has returned
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
			over := h.ending(s)
			if err = h.sendEvents(w, h.pull(s)); over {
				return nil
			}
		case <-beat.C:
			err = h.sendText(w, ": still here\n\n")
		}
		if err != nil {
			return nil // the client is gone
		}
	}
}

func untilExpiry(ctx context.Context, expires time.Time) (context.Context, context.CancelFunc) {
	if expires.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, expires)
}

func (h *Hub) sendEvents(w *echo.Response, frames [][]byte) error {
	var b strings.Builder
	for _, frame := range frames {
		writeEvent(&b, frame)
	}
	return h.sendText(w, b.String())
}

// writeEvent writes a frame as an event: named by its type, and with its cursor for an id where it has one.
func writeEvent(b *strings.Builder, frame []byte) {
	var head struct {
		Type, Cursor     string
		ReconnectAfterMS int64 `json:"reconnect_after_ms"`
	}
	_ = json.Unmarshal(frame, &head) // it is a frame of ours
	b.WriteString("event: " + head.Type + "\n")
	switch head.Type { // a browser keeps to what it was told last
	case "welcome":
		fmt.Fprintf(b, "retry: %d\n", retryStream.Milliseconds())
	case "bye":
		fmt.Fprintf(b, "retry: %d\n", head.ReconnectAfterMS)
	}
	if head.Cursor != "" {
		b.WriteString("id: " + head.Cursor + "\n")
	}
	b.WriteString("data: ")
	b.Write(bytes.TrimSpace(frame))
	b.WriteString("\n\n")
}

func (h *Hub) sendText(w *echo.Response, text string) error {
	writeSoon(w)
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// writeSoon bounds what is written next.
func writeSoon(w *echo.Response) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(stallWithin))
}

func splitUIDs(list string) (uids []bridge.UID) {
	if list == "" {
		return nil
	}
	for s := range strings.SplitSeq(list, ",") {
		uids = append(uids, bridge.UID(s))
	}
	return uids
}
