package keeper

import (
	"context"
	"fmt"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

const (
	debounce     = 10 * time.Millisecond // news comes in crowds; it is taken up so much later
	ledgerRetry  = time.Second
	ledgerPatch  = 5 * time.Second        // of writing, before the loop goes on with calls
	ledgerFinish = 500 * time.Millisecond // of writing, when the role has to be given up
)

// term is one time of leading, with a book of its own. All of it belongs to the loop.
type term struct {
	*Keeper
	book    *book
	flushAt time.Time // no writing to the ledger before
	full    bool      // it has been said that the operators are full
}

// lead keeps the subscriptions while ctx lasts. It begins with what the ledger holds.
func (k *Keeper) lead(ctx context.Context) error {
	select {
	case <-k.registry.Ready():
	case <-ctx.Done():
		return nil
	}
	k.inbox.setOpen(true)
	defer k.inbox.setOpen(false)
	lines, err := k.ledger.Ledger(ctx)
	if err != nil {
		return fmt.Errorf("reading the subscription ledger: %w", err)
	}
	now := time.Now()
	t := &term{Keeper: k, book: newBook(k.config, now)}
	t.book.load(lines, k.registry.All(), now)
	defer k.metrics.idle()
	defer t.finish(ctx)
	ctx = easemob.BeforeLeaving(ctx, bridge.StillLeading)
	for ctx.Err() == nil {
		t.hear(time.Now())
		if c, ok := t.book.take(time.Now()); ok {
			t.call(ctx, c)
		} else if err := t.wait(ctx); err != nil {
			break
		}
		t.tell(ctx)
	}
	return nil
}

// hear takes up whose watchers have changed.
func (t *term) hear(now time.Time) {
	for uid := range t.inbox.take() {
		if t.registry.Watched(uid) {
			t.book.want(uid, now)
		} else {
			t.book.unwant(uid, now)
		}
	}
}

// wait waits until there may be something to do.
func (t *term) wait(ctx context.Context) error {
	timer := time.NewTimer(t.idleFor(time.Now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.inbox.wake:
	}
	timer.Reset(debounce)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *term) idleFor(now time.Time) time.Duration {
	idle := time.Hour
	if at, ok := t.book.next(); ok {
		idle = min(idle, at.Sub(now))
	}
	if len(t.book.dirty) > 0 {
		idle = min(idle, t.flushAt.Sub(now))
	}
	return max(idle, 0)
}

// tell passes on what the last step has brought: to the ledger, to the metrics and to whoever reads the log.
func (t *term) tell(ctx context.Context) {
	if len(t.book.dirty) > 0 && !time.Now().Before(t.flushAt) {
		if err := t.flush(ctx, ledgerPatch); err != nil && ctx.Err() == nil {
			t.flushAt = time.Now().Add(ledgerRetry)
			t.config.Logger.Warn("writing the subscription ledger", "error", err, "left", len(t.book.dirty), "again_in", ledgerRetry)
		}
	}
	t.report()
	t.metrics.show(t.book, time.Now())
}

// finish writes down what the vendor took while ctx ended, so that the next keeper need not ask again.
func (t *term) finish(ctx context.Context) {
	if err := t.flush(context.WithoutCancel(ctx), ledgerFinish); err != nil {
		t.config.Logger.Warn("writing the subscription ledger at the end; the next keeper asks again", "error", err, "left", len(t.book.dirty))
	}
}

// report logs what somebody should hear of.
func (t *term) report() {
	log, heard := t.config.Logger, t.book.news
	t.book.news = news{}
	if heard.lost > 0 {
		log.Warn("the vendor has dropped subscriptions; they are made again", "users", heard.lost)
	}
	if heard.unconfirmed > 0 {
		log.Warn("the vendor's list does not confirm subscriptions that its answer left out; they are made again", "users", heard.unconfirmed)
	}
	if heard.adopted > 0 {
		log.Info("found subscriptions that the ledger did not hold", "users", heard.adopted)
	}
	for _, uid := range heard.refused {
		log.Warn("the vendor refuses to have this user subscribed", "uid", uid, "again_in", refusedFor)
	}
	for _, uid := range heard.selves {
		log.Warn("this user is the only operator and cannot subscribe itself: name another in EASEMOB_OPERATORS", "uid", uid)
	}
	t.metrics.count(heard)
	t.reportFull(t.book.waiting.Len())
}

func (t *term) reportFull(without int) {
	log := t.config.Logger
	switch {
	case without > 0 && !t.full:
		log.Warn("the operators are full: users are watched without a subscription; name more in EASEMOB_OPERATORS",
			"users", without, "capacity", t.book.capacity())
	case without == 0 && t.full:
		log.Info("everybody who is watched has room for a subscription again")
	}
	t.full = without > 0
}
