package easemob

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// Back-off after a throttled answer. The vendor sends no Retry-After, so we choose.
const (
	backOffBase = 500 * time.Millisecond
	backOffCap  = 10 * time.Second
)

// limiter lets calls go one by one, at least gap after the one before, in the order they came.
//
// It is not golang.org/x/time/rate: a bucket of burst one hands out times from a schedule, and each waiter
// sleeps until its own. After a stall of the process, or of the machine, all whose time has passed leave
// together. Here the gap is measured from the release that really happened, so a stall only loses time.
type limiter struct {
	gap    time.Duration
	turn   chan struct{} // whoever is in it is at the head; senders on a full channel queue in order
	sleep  func(context.Context, time.Duration) error
	jitter func(time.Duration) time.Duration

	mu    sync.Mutex // guards what follows
	next  time.Time  // no release before: the last one plus gap
	until time.Time  // no release before: the end of the back-off
	tries int        // throttled answers in a row
	pause int        // how many pauses there have been, see era
}

func newLimiter(perSecond float64) *limiter {
	return &limiter{
		gap:    time.Duration(math.Ceil(float64(time.Second) / perSecond)),
		turn:   make(chan struct{}, 1),
		sleep:  sleep,
		jitter: fullJitter,
	}
}

// wait returns nil when the caller may call now. Who gives up takes nothing: the next in line moves up.
func (l *limiter) wait(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		if err := ctx.Err(); err != nil { // select picks at random, and a slot is not for who has gone
			return err
		}
		left := l.take(time.Now())
		if left <= 0 {
			return nil
		}
		if err := l.sleep(ctx, left); err != nil {
			return err
		}
	}
}

// take takes the slot if it is due, or says how long it is until then.
func (l *limiter) take(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := l.next
	if l.until.After(due) {
		due = l.until
	}
	if left := due.Sub(now); left > 0 {
		return left
	}
	l.next = now.Add(l.gap)
	return 0
}

// era is what a call notes as it is sent, to tell throttled and succeeded which pause it knew of. Calls in
// flight when one is throttled come back throttled too, and are still one event; those that were answered
// well before it say nothing about now.
func (l *limiter) era() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pause
}

// throttled holds calls back, longer each time in a row, and says for how long.
func (l *limiter) throttled(era int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if era != l.pause {
		return 0
	}
	most := backOffCap
	if l.tries < 5 { // base<<5 is beyond the cap
		most = min(backOffCap, backOffBase<<l.tries)
	}
	l.tries++
	l.pause++
	d := l.jitter(most)
	l.until = time.Now().Add(d)
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
