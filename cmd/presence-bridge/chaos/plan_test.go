//go:build linux

package chaos

import (
	"math/rand/v2"
	"time"
)

// kind is a kind of fault.
type kind string

const (
	killPoller  kind = "poller killed"
	zombie      kind = "leader stopped for 20 s"
	nap         kind = "poller stopped for a moment"
	killNATS    kind = "NATS killed"
	loseTail    kind = "NATS killed, its tail lost"
	cutNATS     kind = "link to NATS cut"
	stallNATS   kind = "link to NATS stalled"
	cutVendor   kind = "link to the vendor cut"
	stallVendor kind = "link to the vendor stalled"
	vendorAway  kind = "vendor away"
	vendorOdd   kind = "vendor odd"
)

// kinds is each kind, and how often it is drawn. Those of 0 are there once in so many rounds.
var kinds = []struct {
	kind
	weight int
}{
	{killPoller, 5}, {zombie, 0}, {nap, 4}, {killNATS, 3}, {loseTail, 0}, {cutNATS, 4}, {stallNATS, 3},
	{cutVendor, 2}, {stallVendor, 2}, {vendorAway, 2}, {vendorOdd, 2},
}

// rareEvery is how many rounds there are to each of those that take long.
const rareEvery = 24

// round is one fault.
type round struct {
	kind
	after  time.Duration // since the round before began
	lasts  time.Duration // for those that last
	poller int           // whose; -1: the leader's
}

// plan draws the rounds from dice: every kind at least once, and then as it comes.
func plan(dice *rand.Rand, rounds int) []round {
	var drawn []kind
	var bowl []kind
	for _, k := range kinds {
		for i := 0; i == 0 || k.weight == 0 && i*rareEvery < rounds-len(kinds); i++ {
			drawn = append(drawn, k.kind)
		}
		for range k.weight {
			bowl = append(bowl, k.kind)
		}
	}
	for len(drawn) < rounds {
		drawn = append(drawn, bowl[dice.IntN(len(bowl))])
	}
	dice.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	list := make([]round, len(drawn))
	for i, k := range drawn {
		list[i] = round{kind: k, after: between(dice, 200, 3000), lasts: between(dice, 600, 4000), poller: dice.IntN(4) - 1}
		if list[i].poller > 1 || k == cutVendor || k == stallVendor { // who stands by asks nobody
			list[i].poller = -1
		}
	}
	return list
}

func between(dice *rand.Rand, least, most int) time.Duration {
	return time.Duration(least+dice.IntN(most-least)) * time.Millisecond
}
