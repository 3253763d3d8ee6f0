package hub

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// Subprotocol is what a WebSocket of the hub speaks.
const Subprotocol = "presence.v1"

const (
	heartbeat   = 25 * time.Second // between pings; half of what proxies commonly take for silence
	authWithin  = 5 * time.Second
	writeWithin = 10 * time.Second // a write that stalls longer is of a client that is gone or too slow
)

// socket is one WebSocket and its session.
type socket struct {
	hub     *Hub
	conn    *websocket.Conn
	session *session
	cut     func() // ends the connection as it is, no goodbye
	rate    *rate.Limiter
	renewed chan struct{} // holds one token when the grant has changed
}

// webSocket serves GET /v1/ws.
func (h *Hub) webSocket(c echo.Context) error {
	r := c.Request()
	if offered := subprotocols(r); len(offered) > 0 && !slices.Contains(offered, Subprotocol) {
		return refuse(http.StatusBadRequest, "subprotocol", "this hub speaks the subprotocol "+Subprotocol)
	}
	s, err := h.open()
	if err != nil {
		return err
	}
	defer h.exit(s)
	// Origins were checked by the middleware that all of /v1 goes through.
	conn, err := websocket.Accept(c.Response(), r, &websocket.AcceptOptions{
		Subprotocols: []string{Subprotocol}, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil // Accept has answered
	}
	conn.SetReadLimit(-1) // receive has the limit
	k := &socket{hub: h, conn: conn, session: s, cut: cutter(r), renewed: make(chan struct{}, 1),
		rate: rate.NewLimiter(rate.Limit(h.limits.MaxMessagesPerSecond), h.limits.MaxMessagesPerSecond)}
	k.serve(r.Context(), tokenOf(r))
	return nil
}

// open takes a new session in, within what this hub carries.
func (h *Hub) open() (*session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sessions) >= h.limits.MaxConnections {
		h.metrics.refused.WithLabelValues("connections").Inc()
		return nil, refuse(http.StatusServiceUnavailable, "too_many_connections", "this hub is full; MAX_CONNECTIONS is its limit")
	}
	if h.draining {
		h.metrics.refused.WithLabelValues("draining").Inc()
		return nil, refuse(http.StatusServiceUnavailable, "draining", "this hub is stopping; try another")
	}
	s := newSession(newID())
	h.sessions[s] = true
	return s, nil
}

// serve runs the socket until either side ends it. Whoever decides to close says so on session.ended; closing
// the connection is what ends the reader.
func (k *socket) serve(ctx context.Context, token string) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var g errgroup.Group
	g.Go(func() error { defer cancel(); return k.read(ctx, token) })
	g.Go(func() error { defer cancel(); return k.write(ctx) })
	g.Go(func() error { defer cancel(); defer k.cut(); return k.ping(ctx) })
	_ = g.Wait()
	_ = k.conn.CloseNow()
}

// read takes what the client says until the connection ends.
func (k *socket) read(ctx context.Context, token string) error {
	if k.hub.auth.None || token != "" {
		if err := k.authenticate(token, ""); err != nil {
			return k.give(ctx, strings.NewReader(""), err)
		}
	}
	for {
		kind, r, err := k.conn.Reader(ctx)
		if err != nil {
			return err
		}
		if err := k.take(ctx, kind, r); err != nil {
			return k.give(ctx, r, err)
		}
		if !k.hub.room(k.session, ctx.Done()) {
			return ctx.Err()
		}
	}
}

// give ends the session for a reason, and waits until the connection has ended of it. What the peer still sends
// is read, the rest of a message first: a connection that is closed with unread data beneath it is reset, and
// the peer would never see the reason.
func (k *socket) give(ctx context.Context, rest io.Reader, err error) error {
	var why *closing
	if !errors.As(err, &why) {
		return err // it has ended already
	}
	k.session.end(why)
	for {
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return err
		}
		if _, rest, err = k.conn.Reader(ctx); err != nil {
			return err
		}
	}
}

// take handles one message. Only an error that ends the connection is returned; any other is answered.
func (k *socket) take(ctx context.Context, kind websocket.MessageType, r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, k.hub.limits.MaxMessageBytes+1))
	switch {
	case err != nil:
		return err
	case int64(len(data)) > k.hub.limits.MaxMessageBytes:
		return closeTooLarge.because("the message is too large; MAX_MESSAGE_BYTES is the limit")
	}
	if kind != websocket.MessageText {
		return closeProtocol.because("messages are text")
	}
	if !k.rate.Allow() {
		return closeOverALimit.because("too many messages a second; MAX_MESSAGES_PER_SECOND is the limit")
	}
	m, err := decodeMessage(data)
	if err == nil {
		err = k.handle(ctx, m)
	}
	var end *closing
	if errors.As(err, &end) {
		return end
	}
	if err != nil {
		k.reply(errorFrame(m.ID, err))
	}
	return nil
}

func (k *socket) reply(frame []byte) {
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	k.session.reply(frame)
}

// write sends what waits for the client, and closes when the time has come: no token in time, a token that
// has expired, or whatever the session ended of.
func (k *socket) write(ctx context.Context) error {
	deadline := time.NewTimer(authWithin)
	defer deadline.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.session.wake:
			err := k.flush(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				k.close(closeTooSlow.because("a write took too long"))
			}
			if err != nil {
				return err
			}
		case <-k.renewed:
			k.setDeadline(deadline)
		case <-deadline.C:
			if len(k.renewed) > 0 || k.inTime() { // at the last moment, of which renewed tells
				continue
			}
			k.close(closeToken.because(k.overdue()))
			return nil
		case why := <-k.session.ended:
			_ = k.flush(ctx) // an answer that says what was wrong goes first
			k.close(why)
			return nil
		}
	}
}

func (k *socket) setDeadline(t *time.Timer) {
	k.hub.mu.Lock()
	expires := k.session.grant.expires
	k.hub.mu.Unlock()
	t.Stop()
	if !expires.IsZero() {
		t.Reset(time.Until(expires))
	}
}

// inTime says whether there is a token that is good: a hub that has much to do lets a client in late.
func (k *socket) inTime() bool {
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	expires := k.session.grant.expires
	return k.session.greeted && (expires.IsZero() || time.Now().Before(expires))
}

func (k *socket) overdue() string {
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	if k.session.greeted {
		return "the token has expired"
	}
	return "no token came in time"
}

func (k *socket) flush(ctx context.Context) error {
	for _, frame := range k.hub.pull(k.session) {
		if err := k.send(ctx, frame); err != nil {
			return err
		}
	}
	return nil
}

func (k *socket) send(ctx context.Context, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return k.conn.Write(ctx, websocket.MessageText, frame)
}

func (k *socket) close(why *closing) {
	k.hub.metrics.closed.WithLabelValues(why.name).Inc()
	_ = k.conn.Close(why.code, why.reason)
}

// ping finds out that a peer has vanished without a word, or that the hub cannot wait for it any longer. The
// connection is cut off when it returns: a goodbye under way would wait for the peer's.
func (k *socket) ping(ctx context.Context) error {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.hub.quit:
			return nil
		case <-tick.C:
		}
		pinging, cancel := context.WithTimeout(ctx, heartbeat)
		err := k.conn.Ping(pinging)
		cancel()
		if err != nil {
			return nil
		}
	}
}
