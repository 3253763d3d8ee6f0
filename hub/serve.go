package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	goodbyeWithin  = 2 * time.Second        // for the last clients to take their leave
	cutOffWithin   = 500 * time.Millisecond // for requests under way to end, then for what was cut off to be gone
	headerWithin   = 10 * time.Second
	requestWithin  = 15 * time.Second // for a request with its body; a WebSocket and a stream live on
	answerWithin   = 2 * time.Minute  // until an answer has been read, with what it waited for; the same live on
	maxHeaderBytes = 32 << 10
)

// Serve takes connections until ctx is done, then lets every client go in turn and returns when they are gone, within
// [Hub.DrainWithin]. Until then whoever comes is told, at /readyz and elsewhere, that the hub is stopping. An error is
// of the listener. A hub serves once.
func (h *Hub) Serve(ctx context.Context, l net.Listener) error {
	stop := h.dispatch()
	defer stop()
	server := &http.Server{
		Handler: h.arrivals.hear(h.handler), ReadHeaderTimeout: headerWithin, ReadTimeout: requestWithin, WriteTimeout: answerWithin,
		MaxHeaderBytes: maxHeaderBytes, IdleTimeout: 2 * time.Minute,
		ErrorLog:  slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
		ConnState: h.arrivals.changed, ConnContext: withConn,
	}
	porch := h.newPorch(l)
	defer porch.close()
	var failed error
	served := make(chan struct{})
	go func() { defer close(served); failed = server.Serve(porch) }()
	porch.calls.Go(func() { _ = server.Serve(porch.hall) })
	select {
	case <-served:
	case <-ctx.Done():
	}
	server.SetKeepAlivesEnabled(false) // whoever is told that we are stopping asks another next time
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

// drain lets nobody new in, lets those go who are there and waits until they are gone. A server's Shutdown
// knows nothing of sockets that were taken over, so the hub keeps the list, and cuts off who does not go.
func (h *Hub) drain() {
	rest := h.sayGoodbye()
	if !h.gone(goodbyes(rest)) {
		h.log.Info("some clients did not close in time and are cut off")
	}
	h.quit()
	h.cutOff()
}

// cutOff ends the sockets of those who have not gone.
func (h *Hub) cutOff() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.sessions.all() {
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
		n := h.sessions.len()
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
