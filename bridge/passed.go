package bridge

import (
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Passed is a kind of thing that is passed over, for it cannot be read or is too much. There are these and no more.
type Passed string

// What can be passed over.
const (
	PassedLog     Passed = "log"     // a message of the stream
	PassedHolder  Passed = "holder"  // a key of the bucket of holders, or what stands under it
	PassedWatch   Passed = "watch"   // a key of the bucket of watches, or what stands under it
	PassedSurplus Passed = "surplus" // a watch of a holder who has MaxPerHolder
	PassedLedger  Passed = "ledger"  // a key of the ledger of subscriptions, or what stands under it
	PassedLease   Passed = "lease"   // a key of the bucket of leases, or what stands under it
	PassedLearned Passed = "learned" // what a poller is said to have learned
	PassedFeed    Passed = "feed"    // a message of the feed's health
	PassedHint    Passed = "hint"    // a hint
)

// passedKinds are all of them.
var passedKinds = []Passed{PassedLog, PassedHolder, PassedWatch, PassedSurplus, PassedLedger, PassedLease, PassedLearned, PassedFeed, PassedHint}

// passedLogEvery is how often a kind may have a line in the log. The counter tells the rest.
const passedLogEvery = 10 * time.Second

// passed counts what was passed over.
type passed map[Passed]*passedKind

type passedKind struct {
	count atomic.Uint64
	log   rate.Sometimes
}

func newPassed() passed {
	p := passed{}
	for _, kind := range passedKinds {
		p[kind] = &passedKind{log: rate.Sometimes{First: 1, Interval: passedLogEvery}}
	}
	return p
}

// PassOver notes that something of that kind was passed over, where and why. Whoever may write to NATS may write a
// million of them, and long ones, so the log has one line each ten seconds, and of neither more than the beginning.
func (b *Bus) PassOver(kind Passed, where string, why error) {
	k := b.passed[kind]
	total := k.count.Add(1)
	k.log.Do(func() {
		b.log.Warn("passed over", "what", kind, "where", beginning(where), "error", beginning(why.Error()), "so_far", total)
	})
}

// beginning is what a log line has of a text that somebody else wrote.
func beginning(s string) string {
	const most = 256
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// PassedOver is how many were passed over by this process, of each kind. What several follow counts once for each of
// them, and again when it is read anew.
func (b *Bus) PassedOver() map[Passed]uint64 {
	counts := make(map[Passed]uint64, len(passedKinds))
	for kind, k := range b.passed {
		counts[kind] = k.count.Load()
	}
	return counts
}
