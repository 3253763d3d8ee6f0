package poller

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// quiet is how long no call may succeed before the feed is down.
const quiet = 5 * time.Second

// answers is how the calls went.
type answers struct {
	quietSince time.Time // the last call that succeeded, or when there was first somebody to ask for
	count      int       // calls that succeeded
	err        error     // of the last call; nil when it succeeded
}

func (a *answers) success(now time.Time) {
	a.quietSince, a.err = now, nil
	a.count++
}

func (a *answers) failure(err error) { a.err = err }

// figures is what the health of the feed is told from.
type figures struct {
	watched    int
	unknown    int           // of them still wait for their first answer
	gaps       int           // of them were left out of the last answer about them
	oldest     time.Time     // verification of all whose state is known
	waiting    time.Time     // since when the newcomer waits who has waited longest to be asked for; zero: none does
	unwritten  time.Time     // since when nothing that was seen could be written; zero: it can
	turn       time.Duration // the last complete one; 0: none is
	callsPerS  float64
	began      time.Time // when this poller took over
	quietSince time.Time
	err        error // of the last call

	maxStaleness, revisit time.Duration
	rate                  float64
}

// health says how far the feed can be believed, and where it cannot, why and what to do.
func health(now time.Time, f figures) bridge.Feed {
	feed := bridge.Feed{
		State: bridge.FeedLive, AsOf: f.asOf(now).UnixMilli(), Watched: f.watched,
		SweepMS: f.turn.Milliseconds(), CallsPerS: f.callsPerS,
	}
	var reasons []string
	switch {
	case f.down(now):
		feed.State, reasons = bridge.FeedDown, f.whyDown(now)
	case f.degraded(now):
		feed.State, reasons = bridge.FeedDegraded, f.whyDegraded(now)
	}
	feed.Reason = strings.Join(append(reasons, f.arithmetic()...), "; ")
	return feed
}

// asOf is when everybody whose state is known had been verified. Another machine's clock can have it in the
// future.
func (f figures) asOf(now time.Time) time.Time {
	if f.oldest.IsZero() || f.oldest.After(now) {
		return now
	}
	return f.oldest
}

func (f figures) degraded(now time.Time) bool {
	return now.Sub(f.asOf(now)) > f.maxStaleness || f.waits(now) > f.maxStaleness || f.cannotWrite(now)
}

// waits is how long a newcomer has waited to be asked for.
func (f figures) waits(now time.Time) time.Duration {
	if f.waiting.IsZero() {
		return 0
	}
	return now.Sub(f.waiting)
}

func (f figures) cannotWrite(now time.Time) bool {
	return !f.unwritten.IsZero() && now.Sub(f.unwritten) > quiet
}

func (f figures) down(now time.Time) bool {
	return f.watched > 0 && (refusedForGood(f.err) || now.Sub(f.quietSince) > f.quiet())
}

// quiet is longer where calls are rare by choice.
func (f figures) quiet() time.Duration {
	return quiet + 2*f.revisit + time.Duration(2/f.rate*float64(time.Second))
}

// refusedForGood says that no patience helps.
func refusedForGood(err error) bool {
	return easemob.IsUnauthorized(err) || easemob.IsNotActivated(err)
}

func (f figures) whyDown(now time.Time) []string {
	if refusedForGood(f.err) {
		return []string{fmt.Sprintf("the vendor refuses us: %v", f.err)}
	}
	for_ := seconds(now.Sub(f.quietSince))
	if f.err == nil {
		return []string{fmt.Sprintf("the vendor has answered no call for %s: is EASEMOB_URL reachable?", for_)}
	}
	reason := fmt.Sprintf("no call to the vendor has succeeded for %s: %v", for_, f.err)
	if f.unknown > 0 {
		return []string{reason, fmt.Sprintf("%s wait for their first answer", users(f.unknown))}
	}
	return []string{reason}
}

func (f figures) whyDegraded(now time.Time) []string {
	var reasons []string
	if age := now.Sub(f.asOf(now)); age > f.maxStaleness {
		reasons = append(reasons, fmt.Sprintf("the oldest look is %s old, MAX_STALENESS is %s", seconds(age), f.maxStaleness))
	}
	if f.waits(now) > f.maxStaleness {
		reasons = append(reasons, fmt.Sprintf("somebody has waited %s for the first look, MAX_STALENESS is %s", seconds(f.waits(now)), f.maxStaleness))
	}
	if f.cannotWrite(now) {
		reasons = append(reasons, fmt.Sprintf("what was seen could not be written to NATS for %s", seconds(now.Sub(f.unwritten))))
	}
	if f.turn == 0 && f.oldest.Before(f.began) {
		reasons = append(reasons, fmt.Sprintf("this poller took over %s ago and has yet to look at everybody once", seconds(now.Sub(f.began))))
	}
	if f.err != nil {
		reasons = append(reasons, fmt.Sprintf("the last call failed: %v", f.err))
	}
	if f.gaps > 0 {
		reasons = append(reasons, fmt.Sprintf("the vendor's answers leave out %s: do they exist, and are EASEMOB_OPERATORS enough to subscribe them?", users(f.gaps)))
	}
	if f.turn > f.maxStaleness && f.arithmetic() == nil {
		reasons = append(reasons, fmt.Sprintf("looking at all %s took %s: raise EASEMOB_RATE, or find what slows the vendor's answers", users(f.watched), seconds(f.turn)))
	}
	return reasons
}

// arithmetic complains where MAX_STALENESS cannot be kept whatever happens.
func (f figures) arithmetic() []string {
	calls := math.Ceil(float64(f.watched) / easemob.MaxUIDs)
	need := time.Duration(calls / f.rate * float64(time.Second))
	if need <= f.maxStaleness {
		return nil
	}
	return []string{fmt.Sprintf("%s at %v calls a second take %s: raise EASEMOB_RATE or MAX_STALENESS (%s)", users(f.watched), f.rate, seconds(need), f.maxStaleness)}
}

func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.FormatFloat(max(d, 0).Seconds(), 'f', 1, 64) + " s"
	}
	return thousands(int(d.Seconds())) + " s"
}

func users(n int) string {
	if n == 1 {
		return "1 user"
	}
	return thousands(n) + " users"
}

// thousands writes 12000 as 12,000.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// tellHealth publishes the feed's health until ctx is done. The first message is not at once: a poller that has
// just taken over knows only what the log says, which is old wherever nothing changed.
func (t *term) tellHealth(ctx context.Context) error {
	tick := time.NewTicker(bridge.FeedEvery)
	defer tick.Stop()
	last, counted := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now()
		f, count := t.figures()
		f.callsPerS = math.Round(float64(count-counted)/now.Sub(last).Seconds()*10) / 10
		last, counted = now, count
		t.publish(health(now, f), now)
	}
}

func (t *term) publish(feed bridge.Feed, now time.Time) {
	t.p.metrics.health(feed, now)
	if err := t.p.bus.PublishFeed(feed); err != nil {
		t.p.log.Debug("telling the feed's health", "error", err) // hubs notice the silence
	}
}

func (t *term) figures() (f figures, calls int) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	return figures{
		watched: len(t.list.users), unknown: len(t.list.users) - len(t.list.known), gaps: t.list.gaps,
		oldest: t.list.oldest(), waiting: t.list.waiting(), unwritten: t.p.unwritten.failing(), turn: t.list.turn.took, began: t.began,
		quietSince: t.answers.quietSince, err: t.answers.err,
		maxStaleness: t.p.config.maxStaleness(), revisit: t.p.config.revisit(), rate: t.p.config.rate(),
	}, t.answers.count
}
