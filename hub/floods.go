package hub

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/coder/websocket"
)

// messageWithin is how long a message may take from its first byte to its last, or a ping: what has come of it is held, so that
// beginnings of messages would cost more than all else of a connection.
const messageWithin = 15 * time.Second

// controlled counts a ping or a pong as one of the client's messages, and says whether it counts for anything. Honest
// clients send one now and then; a flood of them would cost a write each.
func (k *socket) controlled() bool {
	switch {
	case k.deaf:
		return false
	case k.rate.Allow():
		return true
	}
	k.deaf = true
	k.end(errTooOften)
	return false
}

var errTooOften = closeOverALimit.because("too many messages a second; MAX_MESSAGES_PER_SECOND is the limit")

// late ends the session of a client whose message does not arrive in time.
func (k *socket) late() { k.end(closeTooSlow.because("a message took too long to arrive")) }

// broken counts frames that break the protocol, of which the library has told the client; the rest of what ends a read
// is that somebody has gone.
func (k *socket) broken(err error) error {
	var gone net.Error
	switch {
	case websocket.CloseStatus(err) != -1, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled), errors.As(err, &gone):
	default:
		k.hub.countBroken(k.session)
	}
	return err
}

// countBroken counts a session that ends for what the client has sent, unless the hub had ended it.
func (h *Hub) countBroken(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.over {
		s.finish()
		h.metrics.closed.WithLabelValues(brokenFrames).Inc()
	}
}
