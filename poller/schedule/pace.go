package schedule

import "math"

const (
	smoothing = 0.02 // what one call counts in a pace
	longGap   = 10.0 // times the usual, at most, is what a gap between two counts: nobody was there, or nobody could be asked
)

// pace is how often calls are made.
type pace struct {
	last  float64 // -Inf: none
	every float64 // mean seconds between two, of late
}

func newPace(every float64) pace { return pace{math.Inf(-1), every} }

func (p *pace) called(now float64) {
	if !math.IsInf(p.last, -1) {
		p.every += smoothing * (min(now-p.last, longGap*p.every) - p.every)
	}
	p.last = now
}
