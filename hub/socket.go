package hub

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const socketPath = "/v1/ws"

// Subprotocol is what a WebSocket of the hub speaks.
const Subprotocol = "presence.v1"

const (
	heartbeat   = 25 * time.Second // between pings; half of what proxies commonly take for silence
	authWithin  = 5 * time.Second
	stallWithin = 10 * time.Second // a write that stalls longer is of a client that is gone or too slow
)

// socket reads from one WebSocket, and does what it says.
type socket struct {
	hub     *Hub
	session *session
	in      *bufio.Reader // what the client says; coder/websocket reads its messages from it
	rate    *rate.Limiter
	deaf    bool // to pings and pongs: there were too many; owned by who reads
	arrived bool // at a server of ours, which counts it
	began   time.Time
}

// webSocket serves GET /v1/ws for those whom the porch has left to net/http. It returns when the socket is open: the request,
// with all that net/http keeps for it, can go. Serve waits for the reader, as for every session.
func (h *Hub) webSocket(c echo.Context) error {
	r := c.Request()
	if !speaksOurs(r) {
		return refuse(http.StatusBadRequest, "subprotocol", "this hub speaks the subprotocol "+Subprotocol)
	}
	k, refused := h.enter(tapped(c.Response()), r)
	if k == nil {
		return h.notEntered(refused)
	}
	k.arrived = connOf(r) != nil
	c.Response().Status = http.StatusSwitchingProtocols // for the log: tap has kept it
	go k.run(refused)
	return nil
}

// speaksOurs says whether a handshake leaves us a subprotocol to speak.
func speaksOurs(r *http.Request) bool {
	offered := subprotocols(r)
	return len(offered) == 0 || slices.Contains(offered, Subprotocol)
}

// errHandshake is of a request that is no handshake, and answered.
var errHandshake = errors.New("no handshake")

func (h *Hub) notEntered(err error) error {
	if err == errHandshake {
		h.metrics.refuse("handshake")
		return nil
	}
	return err
}

// enter makes a socket of a handshake and answers it. There is none where the hub has no room, or the handshake is none; an
// error beside a socket is why its client is not let in, which [socket.run] tells.
func (h *Hub) enter(w *tap, r *http.Request) (*socket, error) {
	s, err := h.open(nil)
	if err != nil {
		return nil, err
	}
	k := &socket{hub: h, session: s, began: time.Now(),
		rate: rate.NewLimiter(rate.Limit(h.limits.MaxMessagesPerSecond), h.limits.MaxMessagesPerSecond)}
	if k.accept(w, r) != nil {
		h.exit(s)
		return nil, errHandshake
	}
	refused := k.greet(tokenOf(r))
	h.begin(s)
	return k, refused
}

// open takes a new session in, within what this hub carries. It is woken by wake; nil is for a socket's.
func (h *Hub) open(wake chan struct{}) (*session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions.len() >= h.limits.MaxConnections {
		return nil, refuse(http.StatusServiceUnavailable, "too_many_connections", "this hub is full; MAX_CONNECTIONS is its limit")
	}
	if h.draining {
		return nil, refuse(http.StatusServiceUnavailable, "draining", "this hub is stopping; try another")
	}
	s := newSession(newID())
	s.wake = wake
	s.number = h.sessions.enter(s)
	return s, nil
}

// run waits for what the client says until the connection ends, and lets the session go: at once where it was not let in.
// To wait is all it does itself, see clerks.
func (k *socket) run(refused error) {
	defer k.leave()
	if refused != nil {
		k.give(nil, refused)
		return
	}
	for {
		if _, err := k.in.Peek(1); err != nil {
			return
		}
		if rest, err := k.hub.clerks.listen(k); err != nil {
			k.give(rest, err)
			return
		}
	}
}

// greet lets in who has shown a token with the request, or needs none. Others have a while to say it.
func (k *socket) greet(token string) error {
	if k.hub.auth.None || token != "" {
		return k.authenticate(token, "")
	}
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	k.hub.expireAt(k.session, time.Now().Add(authWithin))
	return nil
}

// give ends the session for a reason, and waits until the connection has ended of it. What the peer still sends
// is read, the rest of a message first, if any: a connection that is closed with unread data beneath it is reset, and
// the peer would never see the reason.
func (k *socket) give(rest io.Reader, err error) {
	var why *closing
	if !errors.As(err, &why) {
		return // it has ended already
	}
	k.end(why)
	for err = nil; err == nil; {
		if rest != nil {
			_, err = io.Copy(io.Discard, rest)
		}
		if err == nil {
			_, rest, err = k.session.conn.Reader(context.Background())
		}
	}
}

// listen handles what has begun to arrive: pings and pongs, and then a message, if one follows at once. Only an error that
// ends the connection is returned, with the rest of the message; any other is answered.
func (k *socket) listen() (rest io.Reader, err error) {
	late := time.AfterFunc(messageWithin, k.late)
	defer late.Stop()
	if err := k.controls(); err != nil || k.in.Buffered() == 0 {
		return nil, err
	}
	kind, r, err := k.session.conn.Reader(context.Background())
	if err != nil {
		return nil, k.broken(err)
	}
	return r, k.take(kind, r, late)
}

// take handles one message, which is late when the timer says so.
func (k *socket) take(kind websocket.MessageType, r io.Reader, late *time.Timer) error {
	room := rooms.Get().(*bytes.Buffer)
	defer giveBack(room)
	if kind == websocket.MessageText {
		r = &text{Reader: r}
	}
	_, err := room.ReadFrom(io.LimitReader(r, k.hub.limits.MaxMessageBytes+1))
	late.Stop()
	data := room.Bytes()
	switch {
	case err == errNoText: // the peer is there, unlike after other errors: it is told
		return errNoText
	case err != nil:
		return k.broken(err)
	case int64(len(data)) > k.hub.limits.MaxMessageBytes:
		return closeTooLarge.because("the message is too large; MAX_MESSAGE_BYTES is the limit")
	}
	if kind != websocket.MessageText {
		return closeProtocol.because("messages are text")
	}
	if !k.rate.Allow() {
		return errTooOften
	}
	return k.step(data)
}

// answer does what a message says, and sends the answer.
func (k *socket) answer(ctx context.Context, data []byte) error {
	list := lists.Get().(*[]bridge.UID)
	m, err := decodeMessage(data, *list)
	defer putList(list, m.UIDs)
	if err == nil {
		err = k.handle(ctx, m)
	}
	var end *closing
	if errors.As(err, &end) {
		return end
	}
	if err != nil {
		k.hub.metrics.refuse(refusalOf(err).Code)
		k.reply(errorFrame(m.ID, err))
	}
	return nil
}

func (k *socket) end(why *closing) {
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	k.hub.end(k.session, why)
}

func (k *socket) reply(frame []byte) {
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	k.session.reply(frame)
}

// step answers a message, and waits until there is room for another answer. Who was told goodbye has no say any more.
func (k *socket) step(data []byte) error {
	if k.hub.ending(k.session) {
		return nil
	}
	ctx := k.hub.patient
	err := k.answer(ctx, data)
	buf := buffers.Get().(*[]byte)
	k.hub.flush(k.session, buf)
	putBuffer(buf)
	if err != nil {
		return err
	}
	return k.hub.room(ctx, k.session)
}

// room waits until the client has been sent enough of its answers for another question.
func (h *Hub) room(ctx context.Context, s *session) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(s.replies) >= maxReplies {
		if s.over {
			return errors.New("the connection has ended")
		}
		if s.drained == nil {
			s.drained = make(chan struct{}, 1)
		}
		h.mu.Unlock()
		select {
		case <-s.drained:
		case <-ctx.Done():
		}
		h.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// leave ends the connection, and the session with it.
func (k *socket) leave() {
	s := k.session
	k.hub.mu.Lock()
	s.finish()
	k.hub.mu.Unlock()
	_ = s.conn.CloseNow()
	s.writers.Wait()
	k.tellEnd()
	k.hub.exit(s)
	if k.arrived {
		k.hub.arrivals.left()
	}
}
