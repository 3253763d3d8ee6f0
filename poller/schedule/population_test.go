//go:build !race

package schedule

import (
	"math"
	"math/rand/v2"
	"slices"
)

// phase is what somebody is doing. Between two sessions that follow within a moment is a gap.
type phase uint8

const (
	idle phase = iota
	on
	custom // on, with a status of their own
	gap
)

// shows is what an observer sees of a phase: offline, online or a custom status.
func (p phase) shows() uint8 { return [...]uint8{0, 1, 2, 0}[p] }

// class is a kind of people. Lengths are exponential unless the workload is heavy-tailed.
type class struct {
	share    float64
	sessions float64 // a day, in the mean; 0: always on
	sigma    float64 // of the lognormal spread of sessions
	on, gap  float64 // mean seconds
	flap     float64 // chance that a session goes on after a gap
	custom   float64 // toggles of a custom status a second
}

var mix = []class{
	{share: .40, sessions: .1, sigma: 1, on: 120, gap: 20, flap: .5},
	{share: .45, sessions: 4, sigma: .8, on: 90, gap: 20, flap: .7},
	{share: .13, sessions: 1.5, sigma: .4, on: 3600, gap: 60, flap: .8, custom: .5 / 3600},
	{share: .02, on: 86400, gap: 30, flap: 1},
}

const day = 86400.0

// workload is how a population behaves: [mix], with variations, or memoryless.
type workload struct {
	classes    []class
	flat       bool    // no difference between day and night
	heavy      bool    // lognormal lengths
	memoryless float64 // mean changes a day of people who toggle at a constant rate each; 0: classes
}

var workloads = map[string]workload{
	"mix":        {classes: mix},
	"flat":       {classes: mix, flat: true},
	"heavy":      {classes: mix, heavy: true},
	"flapstorm":  {classes: append([]class{{share: .02, on: 5, gap: 5, flap: 1}}, mix...)},
	"memoryless": {memoryless: 60},
}

const daily = 0.9 // amplitude of day and night

var zones = []float64{0, 0, 0, 0, 2 * 3600, -2 * 3600, 8 * 3600}

// person is one, whose life is the same whoever looks.
type person struct {
	w        workload
	class    class
	dice     *rand.Rand
	rate     float64 // of sessions while idle, or of toggles, a second
	zone     float64
	watchers float64
	changes  float64 // a second, in the long run

	phase, then phase
	next        float64 // when the phase ends
}

// people draws a population. Few are watched by many: a rank's share is one over it.
func (w workload) people(n int, seed uint64) []*person {
	dice := rand.New(rand.NewPCG(seed, 0))
	people := make([]*person, n)
	for i := range people {
		p := &person{w: w, dice: rand.New(rand.NewPCG(seed, uint64(i+1)))}
		if p.zone = zones[dice.IntN(len(zones))]; w.memoryless > 0 {
			p.drawMemoryless()
		} else {
			p.draw(dice.Float64())
		}
		p.live(0)
		people[i] = p
	}
	for rank, i := range dice.Perm(n) {
		people[i].watchers = min(3000, math.Floor(float64(n)/float64(rank+1)))
	}
	return people
}

func (p *person) spread(mean, sigma float64) float64 {
	return mean * math.Exp(sigma*p.dice.NormFloat64()-sigma*sigma/2)
}

func (p *person) drawMemoryless() {
	p.rate = p.spread(p.w.memoryless/day, 1.5)
	p.changes = p.rate
	if p.dice.IntN(2) == 0 {
		p.phase = on
	}
}

// draw makes somebody of the class that a number between 0 and 1 stands for, in a phase that is as likely as it is
// long.
func (p *person) draw(x float64) {
	for _, p.class = range p.w.classes {
		if x -= p.class.share; x < 0 {
			break
		}
	}
	c := p.class
	if c.sessions == 0 {
		p.phase, p.changes = on, 2/(c.on+c.gap)+c.custom
		return
	}
	p.rate = p.spread(c.sessions/day, c.sigma)
	times := 1 / (1 - c.flap) // on, in a session
	whole := 1/p.rate + times*c.on + (times-1)*c.gap
	p.changes = (2*times + times*c.on*c.custom) / whole
	switch x := p.dice.Float64() * whole; {
	case x < times*c.on:
		p.phase = on
	case x < times*c.on+(times-1)*c.gap:
		p.phase = gap
	}
}

// live draws when the phase that begins at a time ends, and what follows.
func (p *person) live(now float64) {
	switch {
	case p.w.memoryless > 0:
		p.next, p.then = now+p.dice.ExpFloat64()/p.rate, on-p.phase
	case p.phase == idle:
		p.next, p.then = p.wakes(now), on
	case p.phase == gap:
		p.next, p.then = now+p.length(p.class.gap), on
	default:
		p.liveOn(now)
	}
}

func (p *person) liveOn(now float64) {
	p.next, p.then = now+p.length(p.class.on), idle
	if p.dice.Float64() < p.class.flap {
		p.then = gap
	}
	if p.class.custom > 0 {
		if toggle := now + p.dice.ExpFloat64()/p.class.custom; toggle < p.next {
			p.next, p.then = toggle, on+custom-p.phase
		}
	}
}

func (p *person) length(mean float64) float64 {
	if p.w.heavy {
		return p.spread(mean, 1.2)
	}
	return mean * p.dice.ExpFloat64()
}

// wakes is when an idle person begins a session: by day more likely than by night.
func (p *person) wakes(now float64) float64 {
	if p.w.flat {
		return now + p.dice.ExpFloat64()/p.rate
	}
	for {
		now += p.dice.ExpFloat64() / (p.rate * (1 + daily))
		if p.dice.Float64()*(1+daily) < 1+daily*math.Sin(2*math.Pi*(now+p.zone)/day) {
			return now
		}
	}
}

// change is one that somebody made.
type change struct {
	at     float64
	to     uint8
	begins bool // a session
}

// until lets somebody live until a time, and appends the changes that can be seen.
func (p *person) until(now float64, changes []change) []change {
	for p.next <= now {
		c := change{p.next, p.then.shows(), p.phase == idle && p.w.memoryless == 0}
		p.phase = p.then
		p.live(p.next)
		changes = append(changes, c)
	}
	return changes
}

// sample is lags, with weights.
type sample struct {
	lags []weighted
	sum  float64
	all  float64
}

type weighted struct{ lag, weight float64 }

func (s *sample) add(lag, weight float64) {
	s.lags = append(s.lags, weighted{lag, weight})
	s.sum += lag * weight
	s.all += weight
}

func (s *sample) mean() float64 { return s.sum / s.all }

func (s *sample) quantile(q float64) float64 {
	slices.SortFunc(s.lags, func(a, b weighted) int {
		if a.lag < b.lag {
			return -1
		}
		return 1
	})
	left := q * s.all
	for _, l := range s.lags {
		if left -= l.weight; left <= 0 {
			return l.lag
		}
	}
	return 0
}
