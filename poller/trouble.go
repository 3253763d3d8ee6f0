package poller

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

const (
	backOffBase = 100 * time.Millisecond
	backOffCap  = 2 * time.Second

	complainEvery = 10 * time.Second
)

// backOff is how long to leave somebody in peace after so many failures before: full jitter, so that those who
// failed together do not return together.
func backOff(before int) time.Duration {
	most := backOffCap
	if before < 5 { // base<<5 is beyond the cap
		most = min(backOffCap, backOffBase<<before)
	}
	return rand.N(most) + time.Millisecond
}

// trouble is the failures in a row of one operator's calls. Calls that were in flight together fail together,
// and are one failure: each knows the era that it left in, and only the first one to fail ends it.
type trouble struct {
	failures int
	era      int
	size     int // of the next call, at most; halved by refusals, so that one user spoils no others' calls for long
}

func newTrouble() *trouble { return &trouble{size: easemob.MaxUIDs} }

// success forgets the failures.
func (t *trouble) success() {
	t.failures, t.size = 0, min(2*t.size, easemob.MaxUIDs)
}

// refused notes that the vendor will not answer a call about that many users, however often it is asked.
func (t *trouble) refused(asked int) { t.size = max(min(t.size, asked/2), 1) }

// aboutTheCall says that asking the same again brings the same, and that perhaps one of the users spoils it. Where
// the vendor finds us too fast, or the app, the operator or the address is what it will not have, nobody who is asked
// about is to blame.
func aboutTheCall(err error) bool { return easemob.IsRefused(err) }

// fail says how long the operator is to be left in peace; false: that was said already.
func (t *trouble) fail(era int) (time.Duration, bool) {
	if era != t.era {
		return 0, false
	}
	d := backOff(t.failures)
	t.failures++
	t.era++
	return d, true
}

// complaints logs the first failure, then one at most every ten seconds, and the recovery.
type complaints struct {
	log  *slog.Logger
	what string

	mu       sync.Mutex
	failures int // since the last success
	since    time.Time
	last     time.Time // when one was logged
}

func (c *complaints) fail(now time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures++; c.failures == 1 {
		c.since = now
	} else if now.Sub(c.last) < complainEvery {
		return
	}
	c.last = now
	c.log.Log(context.Background(), levelOf(err), c.what, "error", err, "failures", c.failures)
}

// levelOf tells what the vendor will refuse until somebody acts from what may pass.
func levelOf(err error) slog.Level {
	if easemob.IsNotActivated(err) || easemob.IsUnauthorized(err) || easemob.IsOverPlan(err) {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// failing says since when it has failed without a success between; zero: it does not.
func (c *complaints) failing() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures == 0 {
		return time.Time{}
	}
	return c.since
}

func (c *complaints) success(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures > 0 {
		c.log.Info(c.what+": it goes again", "failures", c.failures, "for", now.Sub(c.since))
	}
	c.failures = 0
}
