package doctor

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

const (
	vendorRate    = 50   // calls a second of each kind that the vendor documents for an app (ED24)
	subscriptions = 3000 // of an operator (ED24)
)

// longest is more than any turn that the settings let: three times as much still is a duration.
const longest = 50 * 365 * 24 * time.Hour

// affords is how many users can be asked about within MAX_STALENESS.
func (p Plan) affords() int {
	return int(math.Floor(p.Rate*p.MaxStaleness.Seconds())) * easemob.MaxUIDs
}

// turn is how long it takes to ask about everybody once, [longest] at most.
func (p Plan) turn(watched int) time.Duration {
	calls := math.Ceil(float64(watched) / easemob.MaxUIDs)
	return time.Duration(min(calls/p.Rate*float64(time.Second), float64(longest)))
}

func (p Plan) tellBudgetUnknown(f *findings, why string) {
	if p.Polls && p.Rate > 0 && p.MaxStaleness > 0 {
		f.skip("budget", "not checked: %s; %s calls a second are enough for %s within %v", why, rate(p.Rate), counted(p.affords(), "user"), p.MaxStaleness)
		p.warnOfRate(f)
	}
	if p.Keeps {
		f.skip("capacity", "not checked: %s", why)
	}
}

// tellBudget says how old what is shown can get.
func (p Plan) tellBudget(f *findings, c bridge.Census) {
	if !p.Polls || p.Rate <= 0 || p.MaxStaleness <= 0 {
		return
	}
	turn := p.turn(c.Watched)
	saw := fmt.Sprintf("%s watched by %s; %s calls a second ask about all of them", counted(c.Watched, "user"), processes(c.Holders), rate(p.Rate))
	switch {
	case c.Watched == 0:
		f.fine("budget", "nobody is watched now; %s calls a second are enough for %s within %v", rate(p.Rate), counted(p.affords(), "user"), p.MaxStaleness)
	case turn <= p.MaxStaleness:
		f.fine("budget", "%s within %s, MAX_STALENESS is %v", saw, inWords(turn), p.MaxStaleness)
	default:
		f.fail("budget", p.budgetAdvice(c.Watched, turn), "%s in no less than %s, MAX_STALENESS is %v", saw, ceilSeconds(turn), p.MaxStaleness)
	}
	p.warnOfRate(f)
}

func (p Plan) budgetAdvice(watched int, turn time.Duration) string {
	need := p.rateFor(watched)
	patient := "MAX_STALENESS to " + ceilSeconds(turn)
	if need <= vendorRate {
		return fmt.Sprintf("raise EASEMOB_RATE to %s or more, or %s", rate(need), patient)
	}
	return fmt.Sprintf("raise %s, or buy more calls from the vendor and raise EASEMOB_RATE to %s", patient, rate(need))
}

// rateFor is the whole number of calls a second that is enough.
func (p Plan) rateFor(watched int) float64 {
	return math.Ceil(math.Ceil(float64(watched)/easemob.MaxUIDs) / p.MaxStaleness.Seconds())
}

func (p Plan) warnOfRate(f *findings) {
	if p.Rate > vendorRate {
		f.warn("budget", "lower EASEMOB_RATE, unless the vendor has sold you more", "EASEMOB_RATE is %s: the vendor documents %d calls a second of each kind for an app", rate(p.Rate), vendorRate)
	}
}

// ceilSeconds is a duration as settings are written.
func ceilSeconds(d time.Duration) string {
	return time.Duration(math.Ceil(d.Seconds()) * float64(time.Second)).String()
}

func rate(r float64) string { return strconv.FormatFloat(r, 'f', -1, 64) }

// tellCapacity says whether the operators can subscribe everybody.
func (p Plan) tellCapacity(f *findings, c bridge.Census) {
	switch {
	case p.Online:
		f.skip("capacity", "not needed: EASEMOB_STATUS=online subscribes nobody")
		return
	case !p.Keeps || len(p.Operators) == 0:
		return
	}
	most := subscriptions * len(p.Operators)
	subscribed := 0
	for _, n := range c.Subscribed {
		subscribed += n
	}
	saw := fmt.Sprintf("%s for %s watched, %s subscribed now", counted(most, "subscription"), counted(c.Watched, "user"), thousands(subscribed))
	if c.Watched <= most {
		f.fine("capacity", "%s: %s", counted(len(p.Operators), "operator"), saw)
		return
	}
	more := (c.Watched - most + subscriptions - 1) / subscriptions
	f.warn("capacity", fmt.Sprintf("name %s in EASEMOB_OPERATORS", counted(more, "operator")+" more"),
		"%s: %s; %s without, to be polled all the same", counted(len(p.Operators), "operator"), saw, counted(c.Watched-most, "user"))
}
