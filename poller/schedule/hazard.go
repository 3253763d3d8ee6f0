package schedule

import "math"

const (
	ages = 18 // octaves of the age of a state: up to 2 s, 4 s, ... and beyond 36 hours

	// What is taken for granted before anything has been learned: who has just changed is likely to change again.
	priorEvents = 1.0
	priorRate   = 0.3  // of changes a second, over age + priorAge
	priorAge    = 30.0 // seconds

	halfLife   = 6 * 3600.0 // seconds, of what has been learned
	halfEvents = 20.0       // where there are fewer, nothing is forgotten

	frailtyWeight = 1.0  // events as which the average user counts in everybody's own record
	frailtyMax    = 30.0 // times the average
	frailtyMemory = 40.0 // events and expected ones, beyond which all but half of that is forgotten

	// maxHazard damps those who flap: nobody counts as changing more often than once a minute.
	maxHazard = 1.0 / 60
)

// hazards is how likely somebody is to change, a second, given whether they are online and how long they have been
// so. It is learned from everybody: one who is looked at has either lasted through the ages since the last look, or
// changed at one of them.
type hazards struct {
	Hazards
	forgetAt float64
}

// Hazards is what has been learned of everybody. It can be written down, and read in another process.
type Hazards struct {
	events, exposure [2][ages]float64 // changes seen; user-seconds watched, weighted by frailty
}

func newHazards(learned Hazards) *hazards {
	if learned.events[0][0] > 0 {
		return &hazards{Hazards: learned}
	}
	h := &hazards{}
	for s := range h.events {
		for a := range ages {
			age := math.Exp2(float64(a) + 0.5)
			h.events[s][a], h.exposure[s][a] = priorEvents, priorEvents*(age+priorAge)/priorRate
		}
	}
	return h
}

// octave is the row of the table for an age in seconds.
func octave(age float64) int {
	if age < 2 {
		return 0
	}
	return min(math.Ilogb(age), ages-1)
}

// of is the hazard at an age.
func (h *hazards) of(online int, a int) float64 { return h.events[online][a] / h.exposure[online][a] }

// lasted learns from somebody who stayed as they were from one age to another, and tells how many changes one of
// average frailty would have made meanwhile.
func (h *hazards) lasted(online int, from, to, frailty float64) (expected float64) {
	for from < to {
		a := octave(from)
		end := to
		if a < ages-1 {
			end = min(to, math.Exp2(float64(a+1)))
		}
		h.exposure[online][a] += frailty * (end - from)
		expected += h.of(online, a) * (end - from)
		from = end
	}
	return expected
}

// changed learns from somebody who changed at an age.
func (h *hazards) changed(online int, age float64) { h.events[online][octave(age)]++ }

// forget lets what was learned count half, now and then.
func (h *hazards) forget(now float64) {
	if now < h.forgetAt {
		return
	}
	first := h.forgetAt == 0
	if h.forgetAt = now + halfLife; first {
		return
	}
	for s := range h.events {
		for a := range ages {
			if h.events[s][a] > halfEvents {
				h.events[s][a] /= 2
				h.exposure[s][a] /= 2
			}
		}
	}
}

// Record is what has been learned of one user beside the average: how many changes there were, and how many the
// average user would have made, while offline and while online.
type Record struct{ events, expected [2]float32 }

// frailty is how many times as likely as the average a user is to change.
func (r *Record) frailty(online int) float64 {
	return min(frailtyMax, (frailtyWeight+float64(r.events[online]))/(frailtyWeight+float64(r.expected[online])))
}

func (r *Record) add(online int, events, expected float64) {
	r.events[online] += float32(events)
	r.expected[online] += float32(expected)
	if sum := r.events[online] + r.expected[online]; sum > frailtyMemory {
		r.events[online] *= frailtyMemory / 2 / sum
		r.expected[online] *= frailtyMemory / 2 / sum
	}
}
