package main

import (
	"context"
	"log/slog"
	"time"
)

// How long stopping may take, beside the time that clients have to leave. A step that finds the time used up by others still gets a moment: the steps at
// the end are quick, and some of them leave files behind when they are left out.
const (
	stopWithin = 4500 * time.Millisecond
	lastMoment = 100 * time.Millisecond
)

// teardown is what has to be undone, in the order in which it was done.
type teardown struct{ steps []step }

type step struct {
	name string
	undo func(context.Context) // returns when it is done; ctx is how long anybody waits
}

func (t *teardown) add(name string, undo func(context.Context)) {
	t.steps = append(t.steps, step{name, undo})
}

// run undoes everything, last in first out, within a bound. What does not end in time is left behind, and said.
func (t *teardown) run(within time.Duration, log *slog.Logger) {
	deadline := time.Now().Add(within)
	for len(t.steps) > 0 {
		last := len(t.steps) - 1
		s := t.steps[last]
		t.steps = t.steps[:last]
		s.run(max(time.Until(deadline), lastMoment), log)
	}
}

func (s step) run(within time.Duration, log *slog.Logger) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.undo(ctx)
	}()
	select {
	case <-done:
		log.Debug("stopped", "part", s.name, "took", time.Since(began))
	case <-ctx.Done():
		log.Warn("did not stop in time and is left behind", "part", s.name, "after", time.Since(began))
	}
}
