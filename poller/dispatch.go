package poller

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// dispatch paces the calls: it is the only one to take slots, and picks whom to ask at the last moment, so that
// a hint is in the very next call.
func (t *term) dispatch(ctx context.Context) error {
	calls, ctx := errgroup.WithContext(easemob.BeforeLeaving(ctx, bridge.StillLeading))
	room := make(chan struct{}, t.p.config.inFlight())
	calls.Go(func() error {
		// The first slot is for the last call of who led before: the second that both are in has no more than its budget.
		if err := t.p.vendor.Wait(ctx, easemob.KindGet); err != nil {
			return whileLeading(ctx, err)
		}
		for {
			f, err := t.nextFlight(ctx, room)
			if err != nil {
				return whileLeading(ctx, err)
			}
			if len(f.picks) == 0 { // whom the slot was for is not watched any more: it is lost
				<-room
				continue
			}
			calls.Go(func() error {
				defer func() { <-room }()
				t.call(ctx, f)
				return nil
			})
		}
	})
	return calls.Wait()
}

// whileLeading passes an error on, unless it is only that our time is over.
func whileLeading(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// nextFlight waits until somebody is due, there is room, and the vendor's budget has a slot, and then picks.
func (t *term) nextFlight(ctx context.Context, room chan<- struct{}) (flight, error) {
	if err := t.untilDue(ctx); err != nil {
		return flight{}, err
	}
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return flight{}, ctx.Err()
	}
	if err := t.p.vendor.Wait(ctx, easemob.KindGet); err != nil {
		return flight{}, err
	}
	if err := bridge.StillLeading(ctx); err != nil {
		return flight{}, err
	}
	return t.pick(time.Now()), nil
}

func (t *term) untilDue(ctx context.Context) error {
	for {
		idle := t.idle(time.Now())
		if idle <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(idle)
		select {
		case <-ctx.Done():
		case <-t.wake:
		case <-timer.C:
		}
		timer.Stop()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (t *term) idle(now time.Time) time.Duration {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	return t.lineup.schedule.Idle(now)
}

// flight is a call under way.
type flight struct {
	batch
	era int // of its operator's troubles
}

func (t *term) pick(now time.Time) flight {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	f := flight{batch: t.lineup.next(now)}
	f.era = t.trouble(f.operator).era
	t.p.metrics.picked(f)
	return f
}

func (t *term) trouble(operator string) *trouble {
	if t.troubles[operator] == nil {
		t.troubles[operator] = newTrouble()
	}
	return t.troubles[operator]
}
