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
	drainWithin    = 3 * time.Second
	reconnectLeast = 100 * time.Millisecond
	reconnectPer   = 500 * time.Microsecond // a client: how much later each further one comes back
	headerWithin   = 10 * time.Second
	maxHeaderBytes = 32 << 10
)

// Serve takes connections until ctx is done, then says goodbye to every client and returns when they are gone,
// within three seconds. An error is of the listener. A hub serves once.
func (h *Hub) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: h.handler, ReadHeaderTimeout: headerWithin, MaxHeaderBytes: maxHeaderBytes, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	h.drain(stopping)
	err := server.Shutdown(stopping)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-failed
	return err
}

// drain lets nobody new in, says goodbye to those who are there and waits for them to go. A server's Shutdown
// knows nothing of sockets that were taken over, so the hub keeps the list, and cuts off who does not go.
func (h *Hub) drain(ctx context.Context) {
	n := h.sayGoodbye()
	defer close(h.quit)
	if n == 0 {
		return
	}
	select {
	case <-h.empty:
	case <-ctx.Done():
		h.log.Warn("some clients did not close in time and are cut off")
	}
}

func (h *Hub) sayGoodbye() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
	n := len(h.sessions)
	spread := reconnectLeast + time.Duration(n)*reconnectPer
	for s := range h.sessions {
		after := reconnectLeast + rand.N(spread)
		s.reply(encode(byeMessage{Type: "bye", Reason: "draining", ReconnectAfterMS: after.Milliseconds()}))
		s.end(closeRestarting.because("this hub is stopping"))
	}
	return n
}
