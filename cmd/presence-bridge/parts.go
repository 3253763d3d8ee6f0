package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// parts run beside each other until the process is to end or one of them does.
type parts struct {
	log      *slog.Logger
	down     teardown
	patience time.Duration // to add to stopWithin
	failed   chan error    // holds the first part's end that nobody asked for
}

func newParts(log *slog.Logger) *parts { return &parts{log: log, failed: make(chan error, 1)} }

// start runs a part in a goroutine that the teardown ends and waits for.
func (p *parts) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.ended(ctx, name, run(ctx))
	}()
	p.down.add(name, func(wait context.Context) {
		cancel()
		select {
		case <-done:
		case <-wait.Done():
		}
	})
}

// ended notes the end of a part that was not told to end.
func (p *parts) ended(ctx context.Context, name string, err error) {
	if ctx.Err() != nil {
		if err != nil && !errors.Is(err, context.Canceled) {
			p.log.Warn("ended with an error", "part", name, "error", err)
		}
		return
	}
	if err == nil {
		err = errors.New("it ended by itself")
	}
	select {
	case p.failed <- fmt.Errorf("running the %s: %w", name, err):
	default: // it is another's fault already
	}
}

// wait returns nil when ctx is done, or the error of the part that ended before.
func (p *parts) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.failed:
		return err
	}
}

func (p *parts) stop() { p.down.run(stopWithin+p.patience, p.log) }

const (
	drainHTTP      = time.Second // that requests under way have to end
	maxHeaderBytes = 32 << 10    // of a request, as at the public listener
)

// serveHTTP serves on a listener until the teardown.
func (p *parts) serveHTTP(name string, l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,      // of a request with its body
		WriteTimeout:      15 * time.Minute, // the emulator may be told to take ten for an answer
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	p.start(name, func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() { failed <- server.Serve(l) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
		}
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainHTTP)
		defer cancel()
		if server.Shutdown(wait) != nil {
			_ = server.Close()
		}
		<-failed
		return nil
	})
}
