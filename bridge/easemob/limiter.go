package easemob

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// How long calls are held back.
const (
	backOffBase = 500 * time.Millisecond // after a first throttled answer, at most
	backOffCap  = 10 * time.Second       // after many, at most
	longHold    = time.Minute            // after what only a person can cure, at most; half of it at least
)

// limiter lets calls go one by one, at least a gap after the one before, in the order they came. The gap is longer
// where the vendor has found us too fast.
//
// It is not golang.org/x/time/rate: a bucket of burst one hands out times from a schedule, and each waiter
// sleeps until its own. After a stall of the process, or of the machine, all whose time has passed leave
// together. Here the gap is measured from the release that really happened, so a stall only loses time.
type limiter struct {
	turn   chan struct{} // whoever is in it is at the head; senders on a full channel queue in order
	gap    func(now time.Time) time.Duration
	sleep  func(context.Context, time.Duration) error
	jitter func(time.Duration) time.Duration

	mu    sync.Mutex // guards what follows
	pace  yielding
	next  time.Time // no release before: the last one plus gap
	until time.Time // no release before: the end of the back-off
	why   error     // of the back-off
	tries int       // throttled answers in a row
	pause int       // how many pauses there have been, see era
}

func newLimiter(perSecond float64) *limiter {
	l := &limiter{
		pace:   yielding{most: perSecond},
		turn:   make(chan struct{}, 1),
		sleep:  sleep,
		jitter: fullJitter,
	}
	l.gap = l.pace.gap
	return l
}

// newWire makes the limiter of the calls that have a slot, as they leave.
func newWire(slots *limiter) *limiter {
	l := newLimiter(0)
	l.gap = func(time.Time) time.Duration { return gapOf(slots.rate() * wireShare / slotShare) }
	return l
}

// wait returns nil when the caller may call now. Who gives up takes nothing: the next in line moves up. Who
// cannot wait until calls are held back no more is told why at once.
func (l *limiter) wait(ctx context.Context) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	l.left()
	return nil
}

// enter is wait for a caller who says by left when the call has gone: nobody else goes before.
func (l *limiter) enter(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := l.untilDue(ctx)
	if err != nil {
		<-l.turn
	}
	return err
}

// left begins the gap to the next call.
func (l *limiter) left() {
	l.mu.Lock()
	now := time.Now()
	l.next = now.Add(l.gap(now))
	l.mu.Unlock()
	<-l.turn
}

func (l *limiter) untilDue(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil { // select picks at random, and a slot is not for who has gone
			return err
		}
		left, why := l.due(time.Now())
		switch {
		case left <= 0:
			return nil
		case why != nil && endsWithin(ctx, left):
			return fmt.Errorf("held back: %w", why)
		}
		if err := l.sleep(ctx, left); err != nil {
			return err
		}
	}
}

// due is how long it is until the next call may go, and why where calls are held back.
func (l *limiter) due(now time.Time) (left time.Duration, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := l.next
	if l.until.After(due) {
		due, why = l.until, l.why
	}
	return due.Sub(now), why
}

func endsWithin(ctx context.Context, d time.Duration) bool {
	end, ok := ctx.Deadline()
	return ok && time.Until(end) < d
}

// era is what a call notes as it is sent, to tell failed and succeeded which pause it knew of. Calls in
// flight when one is throttled come back throttled too, and are still one event; those that were answered
// well before it say nothing about now.
func (l *limiter) era() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pause
}

// failed holds calls back where an error asks for it, and says for how long.
func (l *limiter) failed(era int, err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if era != l.pause {
		return 0
	}
	d := l.holdBack(err)
	if d > 0 {
		l.pause++
		l.until, l.why = time.Now().Add(d), err
	}
	return d
}

// holdBack is ever longer for throttled answers in a row, and never less than whoever answers asks for.
func (l *limiter) holdBack(err error) (d time.Duration) {
	switch {
	case IsNotActivated(err), IsOverPlan(err): // every call brings the same until a person helps
		return longHold - l.jitter(longHold/2)
	case IsThrottled(err):
		most := backOffCap
		if l.tries < 5 { // base<<5 is beyond the cap
			most = min(backOffCap, backOffBase<<l.tries)
		}
		l.tries++
		l.pace.yield(time.Now())
		d = l.jitter(most)
	case !IsRetryable(err):
		return 0
	}
	if asked := after(err); asked > 0 { // all who were asked come back together, but for the jitter
		d = max(d, asked+l.jitter(backOffBase))
	}
	return d
}

// succeeded makes the next back-off a first one again.
func (l *limiter) succeeded(era int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if era == l.pause {
		l.tries = 0
	}
}

// rate is how many calls a second are let go now.
func (l *limiter) rate() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pace.rate(time.Now())
}

// setMost says how many calls a second are let go where the vendor does not mind.
func (l *limiter) setMost(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace.most = perSecond
}

// fullJitter picks anything up to most, so that hubs that were throttled together do not return together.
func fullJitter(most time.Duration) time.Duration { return rand.N(most + 1) }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
