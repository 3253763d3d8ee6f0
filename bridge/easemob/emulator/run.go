package emulator

import (
	"context"
	"errors"
	"sync"
)

// Run lets the population live, and delivers callbacks, until ctx is done; then it returns nil. Everything that
// it started has ended by then. One Run at a time: a second one returns an error at once.
func (s *Server) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("emulator: running already")
	}
	defer s.running.Store(false)
	var started sync.WaitGroup
	started.Go(func() { s.callbacks.run(ctx) })
	started.Go(func() { s.living.notice(ctx) })
	s.living.run(ctx)
	started.Wait()
	return nil
}
