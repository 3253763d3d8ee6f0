package emulator

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

const (
	dawn      = 10.0 // the hour at which everything starts: most people are about
	dayPerson = 60.0 // changes of one person, in the mean, that make a day
)

// Population says how many people live here, and how much.
type Population struct {
	Users       int     `json:"users"`         // user-0001 and so on; those above stay as they were, and live no more
	ChangesPerS float64 `json:"changes_per_s"` // observable ones, over all of them, in the mean
	Paused      bool    `json:"paused"`
}

// Validate returns everything that is wrong with the population, joined.
func (p Population) Validate() error {
	var wrong []error
	if p.Users < 0 || p.Users > maxUsers {
		wrong = append(wrong, fmt.Errorf("users is %d: want 0 to %d", p.Users, maxUsers))
	}
	if !(p.ChangesPerS >= 0 && p.ChangesPerS <= maxRate) { // NaN too
		wrong = append(wrong, fmt.Errorf("changes_per_s is %v: want 0 to %v", p.ChangesPerS, maxRate))
	}
	return errors.Join(wrong...)
}

func (p Population) lives() bool { return !p.Paused && p.Users > 0 && p.ChangesPerS > 0 }

// population draws who changes next, and how. It has no clock and no goroutine: its time of day goes by the
// number of changes, so that the same seed gives the same sequence however fast it is played
// (TestPopulationIsDeterministic). One day passes in sixty changes a person.
type population struct {
	seed   uint64
	atOnce int     // devices of one platform that a person can be logged in with
	vanish float64 // share of logouts of which nobody hears at once
	rng    *rand.Rand
	people []*person // everybody ever drawn; the first n live
	n      int
	upTo   []float64 // sum of weights, up to and including each of people
	day    float64   // days since the start
	gone   int       // vanishings so far
}

func newPopulation(seed uint64, atOnce int, vanish float64) *population {
	return &population{seed: seed, atOnce: atOnce, vanish: vanish, rng: rand.New(rand.NewPCG(seed, math.MaxUint64))}
}

// A turn is what somebody did: a new state, or a device that was taken off the network without a word, which
// nobody sees before its heartbeats have been missed for a while.
type turn struct {
	who    *person // nil: nobody could do anything
	status map[string]string
	ext    string

	vanished *device // when not nil, there is no new state
	part     float64 // of the longest time that it takes to be noticed
}

// resize makes the first n people live, and calls born for each who was never there before, with how they
// are at first and how many hours they have been so.
func (p *population) resize(n int, born func(uid string, status map[string]string, ext string, hours float64)) {
	for i := len(p.people) + 1; i <= n; i++ {
		who, rng := newPerson(p.seed, i)
		who.atOnce = p.atOnce
		sum := who.weight
		if i > 1 {
			sum += p.upTo[i-2]
		}
		p.people, p.upTo = append(p.people, who), append(p.upTo, sum)
		status, ext := who.start(rng, dawn)
		born(who.uid, status, ext, 48*rng.Float64())
	}
	p.n = n
}

func (p *population) hour() float64 { return math.Mod(dawn+24*p.day, 24) }

// next draws the next turn: a change of status or ext, always (TestEveryChangeIsOne), or a vanishing. A person
// is chosen by how lively they are, and given up again unless they are inclined to do something now, which is
// what makes the nights quiet for most.
func (p *population) next(at func(uid string) User) turn {
	const tries = 1000 // in a row without anybody inclined: no seed comes near it, but a loop has to end
	hour := p.hour()
	p.day += 1 / (dayPerson * float64(p.n))
	for try := 1; try <= tries; try++ {
		who := p.choose()
		now := at(who.uid)
		moves := who.moves(now, hour)
		if len(moves) == 0 || try < tries && p.rng.Float64()*ceiling > sum(moves) {
			continue
		}
		return p.turn(who, now, pick(moves, p.rng))
	}
	return turn{}
}

func (p *population) turn(who *person, now User, m move) turn {
	if m.quits != nil && p.vanish > 0 && p.rng.Float64() < p.vanish {
		p.gone++
		m.quits.gone = p.gone
		who.restless = m.quits.habit == phone
		return turn{who: who, vanished: m.quits, part: p.rng.Float64()}
	}
	status, ext := m.from(now, p.rng)
	return turn{who: who, status: status, ext: ext}
}

func (p *population) choose() *person {
	x := p.rng.Float64() * p.upTo[p.n-1]
	i := sort.SearchFloat64s(p.upTo[:p.n], x)
	return p.people[min(i, p.n-1)]
}

func sum(moves []move) float64 {
	total := 0.0
	for _, m := range moves {
		total += m.hazard
	}
	return total
}

// pick draws one of the moves by their hazards.
func pick(moves []move, rng *rand.Rand) move {
	x := rng.Float64() * sum(moves)
	for _, m := range moves {
		if x -= m.hazard; x < 0 {
			return m
		}
	}
	return moves[0] // rounding: the first is never one of hazard 0
}
