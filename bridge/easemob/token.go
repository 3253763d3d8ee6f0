package easemob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// The vendor bans accounts that ask for tokens too often (app token page), so there is a floor under every
// way of asking again.
const (
	tokenRest    = 10 * time.Second // between attempts after a failure (JAVA caches errors as long)
	longestRest  = 5 * time.Minute  // the same after many refusals, each of which doubles it
	maxRefusals  = 4                // tokens in a row that were refused within tokenTrial, before it counts as one
	tokenTrial   = 10 * time.Second // a token that is let in at this age is a good one
	longestToken = 10 * 365 * 24 * time.Hour
)

// grant is one token and how long it is good for.
type grant struct {
	token   secret
	minted  time.Time
	refresh time.Time // from here on a new one is sought; zero: never
	expires time.Time // zero: never
	worked  bool      // some call was let in with it
}

func (g grant) is(token secret) bool { return g.token.reveal() == token.reveal() }

func (g grant) usable(now time.Time) bool {
	return g.token != nil && (g.expires.IsZero() || now.Before(g.expires))
}

func (g grant) fresh(now time.Time) bool {
	return g.usable(now) && (g.refresh.IsZero() || now.Before(g.refresh))
}

// tokens hands out the app token: a fixed one, or one that is minted, and minted anew at half its life. One
// call for it is under way at most, however many wait, and it outlives whoever began it.
type tokens struct {
	mint    func(context.Context) (grant, error) // nil: the token is fixed
	log     *slog.Logger
	flight  singleflight.Group
	running sync.WaitGroup

	mu       sync.Mutex // guards what follows
	current  grant
	refusals int                // tokens that were refused since one was let in for long
	rests    int                // refusals in a row that nothing but a rest is left after
	failure  error              // of the last attempt
	retry    time.Time          // no attempt before
	abort    context.CancelFunc // ends the flight
	closed   bool
}

// get gives a token that is thought to be good. While one is good, nobody waits for the next.
func (t *tokens) get(ctx context.Context) (secret, error) {
	g, err := t.look(time.Now())
	if g.token != nil || err != nil {
		return g.token, err
	}
	done := t.flight.DoChan("", func() (any, error) { return t.renew() })
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(secret), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for an app token: %w", ctx.Err())
	}
}

// look answers from memory where it can, and starts what has to be done behind the caller's back.
func (t *tokens) look(now time.Time) (grant, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	resting := now.Before(t.retry)
	switch {
	case t.mint == nil && resting:
		return grant{}, t.failure
	case t.current.fresh(now), t.current.usable(now) && resting:
		return t.current, nil
	case t.current.usable(now):
		t.flight.DoChan("", func() (any, error) { return t.renew() })
		return t.current, nil
	case resting:
		return grant{}, t.failure
	}
	return grant{}, nil
}

// renew mints a token unless another flight has just done so, or has just failed.
func (t *tokens) renew() (secret, error) {
	ctx, cancel := context.WithCancel(context.Background()) // nobody's, so that it outlives who began it
	defer cancel()
	if token, err := t.begin(cancel); token != nil || err != nil {
		return token, err
	}
	defer t.running.Done()
	g, err := t.mint(ctx)
	return t.end(g, err)
}

func (t *tokens) begin(cancel context.CancelFunc) (secret, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	switch {
	case t.closed:
		return nil, errors.New("easemob: the client is closed")
	case t.current.fresh(now):
		return t.current.token, nil
	case now.Before(t.retry):
		return nil, t.failure
	}
	t.abort = cancel
	t.running.Add(1)
	return nil, nil
}

func (t *tokens) end(g grant, err error) (secret, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.abort = nil
	if err != nil {
		t.rest(err)
		if t.current.usable(time.Now()) { // otherwise those who wait are told
			t.log.Warn("refreshing the app token; the old one is still used", "error", err)
		}
		return nil, err
	}
	t.current, t.failure, t.retry = g, nil, time.Time{}
	return g.token, nil
}

// works notes that a call was let in with a token.
func (t *tokens) works(token secret) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.is(token) {
		t.current.worked = true
		if time.Since(t.current.minted) >= tokenTrial {
			t.refusals, t.rests = 0, 0
		}
	}
}

// rest makes cause everybody's answer for a while: ten seconds after what may pass by itself, ever longer after
// refusals, which wait for a person. The caller holds mu.
func (t *tokens) rest(cause error) {
	d := tokenRest
	if !IsRetryable(cause) || IsThrottled(cause) {
		d = min(longestRest, tokenRest<<min(t.rests, 5))
		t.rests++
	}
	t.failure, t.retry = cause, time.Now().Add(max(d, after(cause)))
}

// refused drops a token that the vendor does not take, whatever its age (the vendor promises none), and says
// whether another can be had now. It cannot when the second in a row was never let in, nor when tokens keep
// being refused soon after; then there is a rest.
func (t *tokens) refused(token secret, cause error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mint == nil {
		t.fixedRefused(cause)
		return false
	}
	if !t.current.is(token) { // somebody else was told before us
		return true
	}
	t.refusals++
	if !t.current.worked && t.refusals > 1 || t.refusals > maxRefusals {
		t.rest(cause)
	}
	t.current = grant{}
	return time.Now().After(t.retry)
}

// fixedRefused lets a fixed token rest that is refused twice without being let in between. The caller holds mu.
func (t *tokens) fixedRefused(cause error) {
	t.refusals++
	if t.refusals > 1 && !time.Now().Before(t.retry) { // else those who left together rest once
		t.rest(cause)
	}
}

func (t *tokens) close() {
	t.mu.Lock()
	t.closed = true
	if t.abort != nil {
		t.abort()
	}
	t.mu.Unlock()
	t.running.Wait()
}

// decodeToken reads {"access_token","expires_in"}. A life of 0, or none, is for ever, which is what the vendor
// calls it when a token is asked for with ttl 0; refreshing it would be a loop.
func decodeToken(body []byte, now time.Time) (grant, error) {
	if !json.Valid(body) {
		return grant{}, errors.New("the answer is not complete JSON")
	}
	f, err := fields(body)
	if err != nil {
		return grant{}, fmt.Errorf("decoding the token: %w", err)
	}
	token, err := text(f["access_token"])
	if err != nil || token == "" || !headerSafe(token) {
		return grant{}, errors.New("decoding the token: access_token is not one")
	}
	seconds, err := integer(f["expires_in"])
	if err != nil {
		return grant{}, errors.New("decoding the token: expires_in is no whole number")
	}
	g := grant{token: newSecret(token), minted: now}
	if seconds > 0 && seconds < int64(longestToken/time.Second) {
		life := time.Duration(seconds) * time.Second
		g.refresh, g.expires = now.Add(life/2), now.Add(life)
	}
	return g, nil
}
