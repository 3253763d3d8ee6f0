package doctor

import (
	"fmt"
	"math"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// What the benchmark of poller/schedule measures (go test ./poller/schedule -run TestGates -v): mean lag as a part of
// round robin's, over five seeds, with a turn of 20 s. By watchers it is 0.13 to 0.16, by user 0.33 to 0.36.
const (
	weightedLag = 0.15
	plainLag    = 0.35
)

// revisit is how soon a poller looks at a user again, at the soonest.
const revisit = 500 * time.Millisecond

// diskOfUser is what a user takes in the stream and the buckets, with eight messages.
const diskOfUser = 10 << 10 // bytes

// Load is what a bridge is to carry. Nothing of it is looked up anywhere.
type Load struct {
	Watched         int // users
	Clients         int // browsers; 0: not told
	Rate            float64
	MaxStaleness    time.Duration
	SubscriptionTTL time.Duration
	MaxConnections  int // of a hub
	Replicas        int
	Operators       int // that are named; 0: not told
	Online          bool
}

// Forecast says by arithmetic alone what to expect of a load. Every finding's check is in [Forecasts].
func Forecast(l Load) []Finding {
	var f findings
	for _, tell := range []func(*findings){l.looks, l.turn, l.lag, l.operators, l.renewal, l.hubs, l.disk} {
		tell(&f)
	}
	return f.list
}

// plan has the arithmetic that an examination has too.
func (l Load) plan() Plan { return Plan{Rate: l.Rate, MaxStaleness: l.MaxStaleness, Polls: true} }

func (l Load) looks(f *findings) {
	saw := fmt.Sprintf("%s calls a second for %d users each are %s looks a second", rate(l.Rate), easemob.MaxUIDs, thousands(int(l.Rate*easemob.MaxUIDs)))
	if l.Rate > vendorRate {
		f.warn("looks", "lower EASEMOB_RATE, unless the vendor has sold you more", "%s; the vendor documents %d calls a second of each kind for an app", saw, vendorRate)
		return
	}
	f.fine("looks", "%s", saw)
}

// turn holds MAX_STALENESS against a look at everybody.
func (l Load) turn(f *findings) {
	p := l.plan()
	turn := p.turn(l.Watched)
	if turn > l.MaxStaleness {
		f.fail("turn", p.budgetAdvice(l.Watched, turn), "a look at each of %s takes %s: MAX_STALENESS of %v cannot hold, and the feed would be degraded; nobody is looked at later than after %s",
			counted(l.Watched, "user"), tenths(turn), l.MaxStaleness, tenths(turn*3/2))
		return
	}
	f.fine("turn", "a look at each of %s takes %s: MAX_STALENESS of %v holds, with calls for up to %s",
		counted(l.Watched, "user"), tenths(turn), l.MaxStaleness, counted(p.affords(), "user"))
}

// room is how many turns have to fit into MAX_STALENESS for that: with fewer, looks that are owed leave few for who is
// likely to change. Measured as above: 0.97 of round robin's at 1.1 turns, 0.20 at 1.25, 0.17 at 1.5, then level.
const room = 1.5

// lag is an estimate, and says so. Nobody is looked at more often than the budget and [revisit] let.
func (l Load) lag(f *findings) {
	turn := l.plan().turn(l.Watched)
	plain := max(turn, revisit).Seconds() / 2
	best, user := max(plain*weightedLag, revisit.Seconds()/2), max(plain*plainLag, revisit.Seconds()/2)
	const whence = "an estimate by this project's benchmark, which is of made-up people, without the time that the vendor takes"
	switch {
	case turn > l.MaxStaleness:
		f.skip("lag", "not told: MAX_STALENESS has to hold first")
	case room*turn.Seconds() > l.MaxStaleness.Seconds():
		f.fine("lag", "a change is seen after %s to %s s in the mean over all who watch, the sooner the more MAX_STALENESS is above a turn; %s", figure(best), figure(plain), whence)
	default:
		f.fine("lag", "a change is seen after %s s in the mean over all who watch, and %s s over users, where turns in order would take %s s; %s",
			figure(best), figure(user), figure(plain), whence)
	}
}

func (l Load) operators(f *findings) {
	need := parts(l.Watched, subscriptions)
	saw := fmt.Sprintf("%s for %s subscriptions, %s each", counted(need, "operator"), thousands(l.Watched), thousands(subscriptions))
	switch {
	case l.Online:
		f.skip("operators", "not needed: EASEMOB_STATUS=online asks in nobody's name")
	case l.Operators > 0 && l.Operators < need:
		f.warn("operators", fmt.Sprintf("name %s in EASEMOB_OPERATORS", counted(need-l.Operators, "operator")+" more"),
			"%s; EASEMOB_OPERATORS names %d, so %s would be polled without a subscription", saw, l.Operators, counted(l.Watched-l.Operators*subscriptions, "user"))
	default:
		f.fine("operators", "%s", saw)
	}
}

// renewal is of users who are renewed between half and two thirds of the lifetime, a hundred in a call.
func (l Load) renewal(f *findings) {
	if l.Online {
		f.skip("renewal", "not needed: EASEMOB_STATUS=online subscribes nobody")
		return
	}
	calls := math.Ceil(float64(l.Watched) / easemob.MaxUIDs)
	most := calls / (l.SubscriptionTTL / 2).Minutes()
	saw := fmt.Sprintf("%s to %s calls a minute renew subscriptions of %s; the first ones of all take %s",
		figure(most*3/4), figure(most), inHours(l.SubscriptionTTL), tenths(l.plan().turn(l.Watched)))
	if most > l.Rate*60 {
		f.fail("renewal", "raise SUBSCRIPTION_TTL", "%s: EASEMOB_RATE has only %s", saw, figure(l.Rate*60))
		return
	}
	f.fine("renewal", "%s", saw)
}

// hubs counts one more than is needed, so that one can stop.
func (l Load) hubs(f *findings) {
	if l.Clients == 0 {
		f.skip("hubs", "not told: --clients says how many browsers there are")
		return
	}
	need := max(parts(l.Clients, l.MaxConnections), 1)
	f.fine("hubs", "%s for %s at MAX_CONNECTIONS of %s; %d, so that one can stop", counted(need, "hub"), counted(l.Clients, "browser"), thousands(l.MaxConnections), need+1)
	if l.Watched > bridge.MaxPerHolder {
		f.warn("hubs", "spread browsers over more hubs", "one hub has %s looked at, at most: of %s, no hub may show all",
			counted(bridge.MaxPerHolder, "user"), thousands(l.Watched))
	}
}

func (l Load) disk(f *findings) {
	copies := max(l.Replicas, 1)
	f.fine("disk", "some %s at NATS, 10 KiB a user, in %s", size(l.Watched*diskOfUser), copiesInWords(copies))
}

// parts is how many of a size hold n.
func parts(n, size int) int { return (n + size - 1) / size }

func copiesInWords(n int) string {
	if n == 1 {
		return "one copy"
	}
	return fmt.Sprintf("each of %d copies", n)
}
