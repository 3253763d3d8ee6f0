package easemob

import (
	"math"
	"time"
)

// How a rate yields to a vendor who finds us too fast, and comes back.
const (
	yieldTo    = 0.8 // of the rate that was refused: what is called at from then on
	leastShare = 0.02

	// comeBack is how long it takes from the rate that was refused to the whole of what there may be, once it is reached
	// again. All together it is 1.28 times that at the most: within a minute.
	comeBack = 44 * time.Second
)

// yielding is a rate that finds out by itself what the vendor lets through: the app's own clients take part of its
// limit, now more, now less. After a refusal it falls to four fifths. Then it rises along a cubic curve, as in CUBIC of
// TCP (RFC 9438): quickly at first, hardly at all near the rate that was refused, where it is probably right, and ever
// faster beyond it. So few calls are spent on finding out, and yet after a minute without a refusal nothing is left of
// one. It has no clock.
type yielding struct {
	most    float64   // calls a second
	refused float64   // the rate at which the vendor last found us too fast
	at      time.Time // when; zero: never
}

// rate is how many calls a second there may be now.
func (y *yielding) rate(now time.Time) float64 {
	if y.at.IsZero() {
		return y.most
	}
	t, flat := now.Sub(y.at).Seconds()/comeBack.Seconds(), math.Cbrt((1-yieldTo)*y.refused/y.most)
	r := y.refused + y.most*math.Pow(t-flat, 3)
	return min(max(r, leastShare*y.most), y.most)
}

// yield makes the rate fall.
func (y *yielding) yield(now time.Time) { y.refused, y.at = y.rate(now), now }

// gap is the time between two calls.
func (y *yielding) gap(now time.Time) time.Duration { return gapOf(y.rate(now)) }

func gapOf(perSecond float64) time.Duration {
	return time.Duration(math.Ceil(float64(time.Second) / perSecond))
}
