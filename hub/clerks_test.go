package hub

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestSomebodyIsAlwaysThereToAnswer, however many wait for the vendor; and nobody is left when the hub has stopped.
func TestSomebodyIsAlwaysThereToAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, all := newClerks(2), t.Context(), sync.WaitGroup{}
		ctx, cancel := context.WithCancel(ctx)
		c.run(ctx, &all)
		synctest.Wait()
		resting := runtime.NumGoroutine()
		answered := make(chan struct{})
		for range 2 * resting {
			all.Go(func() { _ = c.do(func() error { <-answered; return nil }) })
		}
		synctest.Wait()
		bad := errors.New("bad")
		require.ErrorIs(t, c.do(func() error { return bad }), bad)
		close(answered)
		cancel()
		all.Wait()
	})
}
