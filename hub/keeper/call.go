package keeper

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/progress"
)

// call makes one call, and tells the book how it ended.
func (t *term) call(ctx context.Context, c batch) {
	err := t.send(ctx, c)
	if err != nil && ctx.Err() != nil {
		return // cut short by us, which says nothing of the vendor
	}
	verdict := verdictOf(err)
	t.metrics.called(c.kind, verdict)
	if err == nil {
		return
	}
	now := time.Now()
	log := t.config.Logger.With("kind", c.kind.String(), "operator", c.op.name, "users", len(c.uids), "error", err)
	switch verdict {
	case refused:
		log.Debug("the vendor refused a call; looking for the user who is why")
		t.book.refused(c, now)
	case hopeless:
		log.Error("no subscription can be made for this app", "again_in", backOffLong)
		t.book.stopped(c, now)
	case blocked:
		log.Error("the vendor refuses this operator", "again_in", backOffLong)
		t.book.blocked(c, now)
	default:
		log.Warn("a call failed and is made again")
		t.book.failed(c, now)
	}
}

func (t *term) send(ctx context.Context, c batch) error {
	switch c.kind {
	case release:
		err := t.vendor.Unsubscribe(ctx, c.op.name, names(c.uids))
		if err == nil {
			t.book.dropped(c, time.Now())
		}
		return err
	case inspect:
		return t.inspect(ctx, c.op)
	}
	return t.subscribe(ctx, c)
}

// inspect walks through an operator's list and holds it against the book. Nothing else is done meanwhile, so a vendor
// that takes long over it is told of.
func (t *term) inspect(ctx context.Context, op *operator) error {
	at := time.Now()
	far := progress.Begin(t.config.Logger.With("operator", op.name), "reading an operator's subscriptions at the vendor",
		"an operator's subscriptions have been read", op.subscribes(), at)
	list, err := t.vendor.AllSubscriptions(ctx, op.name, func(users int) { far.To(users, time.Now()) })
	if err != nil {
		return err
	}
	now := time.Now()
	far.End(now)
	t.book.reconcile(op, list, at, now)
	return nil
}

// subscribe subscribes or renews. What the answer shows is an observation like a poll's.
func (t *term) subscribe(ctx context.Context, c batch) error {
	answer, err := t.vendor.Subscribe(ctx, c.op.name, names(c.uids), t.config.TTL)
	if err != nil {
		return err
	}
	expiry := make(map[bridge.UID]time.Time, len(answer.Presences))
	for uid, p := range answer.Presences {
		expiry[bridge.UID(uid)] = p.Expiry
	}
	t.book.subscribed(c, answer.Asked, expiry, time.Now())
	t.observe(ctx, answer)
	return nil
}

// observe tells the log what an answer shows of those who are still watched. Who is missing in it is unknown.
func (t *term) observe(ctx context.Context, answer easemob.Answer) {
	var seen []bridge.Observation
	for name, p := range answer.Presences {
		if uid := bridge.UID(name); t.registry.Watched(uid) {
			seen = append(seen, bridge.Observation{UID: uid, State: bridge.StateOf(p.Status, p.Ext, bridge.Millis(p.LastTime)), At: answer.Asked, Source: bridge.SourceSubscribe})
		}
	}
	if len(seen) == 0 {
		return
	}
	if _, err := t.observer.Observe(ctx, seen); err != nil && ctx.Err() == nil {
		t.config.Logger.Warn("telling what subscribing has shown; the poller will", "error", err)
	}
}

func names(uids []bridge.UID) []string {
	names := make([]string, len(uids))
	for i, uid := range uids {
		names[i] = string(uid)
	}
	return names
}

// verdict is what is to be done after a call.
type verdict string

const (
	fine     verdict = "ok"
	passing  verdict = "failed"   // the same may go through later
	refused  verdict = "refused"  // not as it is; some user in it may be why
	blocked  verdict = "blocked"  // not by this operator until somebody helps
	hopeless verdict = "hopeless" // not for this app until somebody helps
)

func verdictOf(err error) verdict {
	vendors, ok := errors.AsType[*easemob.Error](err)
	switch {
	case err == nil:
		return fine
	case easemob.IsNotActivated(err), easemob.IsUnauthorized(err), easemob.IsOverPlan(err):
		return hopeless
	case easemob.IsRetryable(err):
		return passing
	case errors.Is(err, easemob.ErrInvalid):
		return refused
	case ok && (vendors.Status == http.StatusBadRequest || vendors.Status == http.StatusOK):
		return refused
	case ok:
		return blocked
	}
	return passing
}
