package keeper

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"

	"golang.org/x/sync/errgroup"
)

const ledgerWrites = 32 // under way at once

// flush brings the ledger to what the book says, for those of whom it differs. What could not be written
// stays to be written.
func (t *term) flush(ctx context.Context, most time.Duration) error {
	if len(t.book.dirty) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	uids := slices.Collect(maps.Keys(t.book.dirty))
	written := make([]bool, len(uids))
	writes, ctx := errgroup.WithContext(ctx)
	writes.SetLimit(ledgerWrites)
	for i, uid := range uids {
		writes.Go(func() error {
			err := t.write(ctx, uid)
			written[i] = err == nil
			return err
		})
	}
	err := writes.Wait()
	for i, uid := range uids {
		if written[i] {
			delete(t.book.dirty, uid)
		}
	}
	return err
}

// write writes one line. It only reads the book, which nobody changes meanwhile.
func (t *term) write(ctx context.Context, uid bridge.UID) error {
	if err := ctx.Err(); err != nil { // after the first failure the others need not find out by themselves
		return err
	}
	if s, ok := t.book.subscription(uid); ok {
		return t.ledger.Subscribed(ctx, uid, s)
	}
	return t.ledger.Unsubscribed(ctx, uid)
}
