package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

const (
	goodbyeWithin  = 2 * time.Second        // for clients to take their leave
	cutOffWithin   = 500 * time.Millisecond // for requests under way to end, then for what was cut off to be gone
	reconnectLeast = 100 * time.Millisecond
	reconnectPer   = 500 * time.Microsecond // a client: how much later each further one comes back
	headerWithin   = 10 * time.Second
	requestWithin  = 15 * time.Second // for a request with its body; a WebSocket and a stream live on
	answerWithin   = 2 * time.Minute  // until an answer has been read, with what it waited for; the same live on
	maxHeaderBytes = 32 << 10
)

// Serve takes connections until ctx is done, then says goodbye to every client and returns when they are gone,
// within three seconds. An error is of the listener. A hub serves once.
func (h *Hub) Serve(ctx context.Context, l net.Listener) error {
	stop := h.dispatch()
	defer stop()
	server := &http.Server{
		Handler: h.arrivals.hear(h.handler), ReadHeaderTimeout: headerWithin, ReadTimeout: requestWithin, WriteTimeout: answerWithin,
		MaxHeaderBytes: maxHeaderBytes, IdleTimeout: 2 * time.Minute,
		ErrorLog:  slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
		ConnState: h.arrivals.changed, ConnContext: withConn,
	}
	var failed error
	served := make(chan struct{})
	go func() { defer close(served); failed = server.Serve(l) }()
	select {
	case <-served:
	case <-ctx.Done():
	}
	h.drain()
	err := shutDown(server)
	h.gone(cutOffWithin)
	<-served
	if !errors.Is(failed, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", failed)
	}
	return err
}

// shutDown ends what is no socket.
func shutDown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), cutOffWithin)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// drain lets nobody new in, says goodbye to those who are there and waits for them to go. A server's Shutdown
// knows nothing of sockets that were taken over, so the hub keeps the list, and cuts off who does not go.
func (h *Hub) drain() {
	h.sayGoodbye()
	if !h.gone(goodbyeWithin) {
		h.log.Warn("some clients did not close in time and are cut off")
	}
	close(h.quit)
	h.cutOff()
}

// cutOff ends the sockets of those who have not gone.
func (h *Hub) cutOff() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.sessions {
		if s.line != nil {
			s.cut()
		}
	}
}

// gone waits until no session is left, and says whether it is so.
func (h *Hub) gone(within time.Duration) bool {
	late := time.After(within)
	for {
		h.mu.Lock()
		n := len(h.sessions)
		h.mu.Unlock()
		if n == 0 {
			return true
		}
		select {
		case <-h.empty:
		case <-late:
			return false
		}
	}
}

func (h *Hub) sayGoodbye() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
	n := len(h.sessions)
	spread := reconnectLeast + time.Duration(n)*reconnectPer
	for s := range h.sessions {
		after := reconnectLeast + rand.N(spread)
		s.reply(encode(byeMessage{Type: "bye", Reason: "draining", ReconnectAfterMS: after.Milliseconds()}))
		h.end(s, closeRestarting.because("this hub is stopping"))
	}
}
