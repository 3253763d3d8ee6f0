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
	turn       time.Duration // that it takes to look at everybody once, at the pace of late
	callsPerS  float64
	began      time.Time // when this poller took over
	quietSince time.Time
	err        error // of the last call
	nameless   bool  // no operator asks

	maxStaleness, revisit time.Duration
	rate                  float64 // calls a second, as set
	budget                float64 // calls a second that the vendor lets through now; no more than rate
}

// health says how far the feed can be believed, and where it cannot, why and what to do.
func health(now time.Time, f figures) bridge.Feed {
	feed := bridge.Feed{
		State: bridge.FeedLive, AsOf: f.asOf(now).UnixMilli(), Watched: f.watched,
		SweepMS: f.turn.Milliseconds(), CallsPerS: f.callsPerS,
	}
	var reasons []reason
	switch {
	case f.down(now):
		feed.State, reasons = bridge.FeedDown, f.whyDown(now)
	case f.degraded(now):
		feed.State, reasons = bridge.FeedDegraded, f.whyDegraded(now)
	}
	feed.Reason, feed.Codes = inWords(append(reasons, f.arithmetic()...))
	return feed
}

// reason is one for programs, and in words.
type reason struct {
	code  bridge.FeedCode
	words string
}

func because(code bridge.FeedCode, format string, args ...any) reason {
	return reason{code, fmt.Sprintf(format, args...)}
}

func inWords(reasons []reason) (words string, codes []bridge.FeedCode) {
	var all []string
	for _, r := range reasons {
		all, codes = append(all, r.words), append(codes, r.code)
	}
	return strings.Join(all, "; "), codes
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
	return now.Sub(f.asOf(now)) > f.maxStaleness || f.waits(now) > f.maxStaleness || f.cannotWrite(now) || f.need() > f.maxStaleness || f.falters(now)
}

// falters says that the feed is on its way down: whatever MAX_STALENESS is, that is told before.
func (f figures) falters(now time.Time) bool {
	return f.watched > 0 && now.Sub(f.quietSince) > f.quiet()*3/5
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
	return easemob.IsUnauthorized(err) || easemob.IsNotActivated(err) || easemob.IsOverPlan(err)
}

func (f figures) whyDown(now time.Time) []reason {
	if refusedForGood(f.err) {
		return []reason{because(bridge.FeedVendorRefuses, "the vendor refuses us: %v", f.err)}
	}
	reasons := []reason{f.silence(now)}
	if f.err != nil && f.unknown > 0 {
		reasons = append(reasons, because(bridge.FeedUnknownUsers, "%s wait for their first answer", users(f.unknown)))
	}
	return reasons
}

// silence is why no call has succeeded for a while: the vendor says nothing, or what it says is a failure.
func (f figures) silence(now time.Time) reason {
	lasts := seconds(now.Sub(f.quietSince))
	if f.err == nil {
		return because(bridge.FeedVendorSilent, "the vendor has answered no call for %s: is EASEMOB_URL reachable?", lasts)
	}
	return because(bridge.FeedVendorFails, "no call to the vendor has succeeded for %s: %v", lasts, f.err)
}

func (f figures) whyDegraded(now time.Time) (reasons []reason) {
	add := func(is bool, code bridge.FeedCode, format string, args ...any) {
		if is {
			reasons = append(reasons, because(code, format, args...))
		}
	}
	age, waits, limit := now.Sub(f.asOf(now)), f.waits(now), f.maxStaleness
	add(age > limit, bridge.FeedOldLooks, "the oldest look is %s old, MAX_STALENESS is %s", seconds(age), limit)
	add(waits > limit, bridge.FeedNewcomersWait, "somebody has waited %s for the first look, MAX_STALENESS is %s", seconds(waits), limit)
	if f.falters(now) {
		reasons = append(reasons, f.silence(now))
	}
	add(f.cannotWrite(now), bridge.FeedNotWritten, "what was seen could not be written to NATS for %s", seconds(now.Sub(f.unwritten)))
	add(!f.oldest.IsZero() && f.oldest.Before(f.began), bridge.FeedTakenOver,
		"this poller took over %s ago and has yet to look at everybody once", seconds(now.Sub(f.began)))
	add(f.err != nil && !f.falters(now), bridge.FeedCallFailed, "the last call failed: %v", f.err)
	add(f.gaps > 0, bridge.FeedUsersLeftOut, "the vendor's answers leave out %s: do they exist%s?", users(f.gaps), f.orNotSubscribed())
	add(f.turn > limit && f.arithmetic() == nil, bridge.FeedSlowAnswers,
		"looking at all %s takes %s at the calls there are: raise EASEMOB_RATE, or find what slows the vendor's answers", users(f.watched), seconds(f.turn))
	return reasons
}

// orNotSubscribed is the other doubt about who is left out, where there are operators to ask for them.
func (f figures) orNotSubscribed() string {
	if f.nameless {
		return ""
	}
	return ", and are EASEMOB_OPERATORS enough to subscribe them"
}

// need is how long it takes to look at everybody once, with the calls that there may be.
func (f figures) need() time.Duration {
	return time.Duration(f.calls() / f.budget * float64(time.Second))
}

// calls is how many it takes to look at everybody once.
func (f figures) calls() float64 { return math.Ceil(float64(f.watched) / easemob.MaxUIDs) }

// arithmetic complains where MAX_STALENESS cannot be kept whatever happens, and tells what would do.
func (f figures) arithmetic() []reason {
	if f.need() <= f.maxStaleness {
		return nil
	}
	code, remedy := bridge.FeedRateTooLow, "raise EASEMOB_RATE to %.0f, or MAX_STALENESS (%s) to %.0fs"
	least := math.Ceil(f.calls() / f.maxStaleness.Seconds())
	if least <= f.rate { // it is the vendor who lets through less
		code, remedy = bridge.FeedLimitTooLow, "the vendor refuses more; have its limit raised so that %.0f go through, or raise MAX_STALENESS (%s) to %.0fs"
	}
	return []reason{because(code, "%s at %v calls a second take %s: "+remedy, users(f.watched), math.Round(f.budget*10)/10, seconds(f.need()),
		least, f.maxStaleness, math.Ceil(f.need().Seconds()))}
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
		t.p.metrics.figures(f, now)
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
		oldest: t.list.oldest(), waiting: t.list.waiting(), unwritten: t.p.unwritten.failing(), turn: t.lineup.schedule.Turn(), began: t.began,
		quietSince: t.answers.quietSince, err: t.answers.err, nameless: t.p.config.Nameless,
		maxStaleness: t.p.config.maxStaleness(), revisit: t.p.config.revisit(), rate: t.p.config.rate(),
		budget: min(t.p.vendor.Rate(easemob.KindGet), t.p.config.rate()),
	}, t.answers.count
}
