package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTeardown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var undone []string
		var down teardown
		stuck := make(chan struct{})
		undo := func(name string) func(context.Context) {
			return func(context.Context) { undone = append(undone, name) }
		}
		down.add("first", undo("first"))
		down.add("stuck", func(context.Context) { <-stuck })
		down.add("slow", func(context.Context) { time.Sleep(3 * time.Second); undo("slow")(nil) })
		down.add("last", undo("last"))

		began := time.Now()
		down.run(5*time.Second, slog.New(slog.NewTextHandler(&log, nil)))
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
		if want := []string{"last", "slow", "first"}; !slices.Equal(undone, want) {
			t.Errorf("undone %v, want %v", undone, want)
		}
		if !strings.Contains(log.String(), "part=stuck") || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("logged %s", log.String())
		}
		down.run(time.Second, slog.New(slog.DiscardHandler)) // nothing is left to undo
		close(stuck)
	})
}

func TestPartThatEndsByItself(t *testing.T) {
	for _, why := range []error{nil, errors.New("tired")} {
		p := newParts(slog.New(slog.DiscardHandler))
		p.start("fine", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		p.start("worker", func(context.Context) error { return why })
		err := p.wait(t.Context())
		p.stop()
		if err == nil || !strings.Contains(err.Error(), "running the worker") || why != nil && !errors.Is(err, why) {
			t.Errorf("%v: %v", why, err)
		}
	}
}
