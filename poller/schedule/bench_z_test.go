//go:build !race

package schedule

import (
	"math"
	"math/rand/v2"
	"time"
)

// benchmark is a population that is looked at under a budget, in fake time. Every policy sees the same lives.
type benchmark struct {
	workload     string
	people       int
	rate         float64 // calls a second
	warm, count  time.Duration
	maxStaleness time.Duration
	revisit      time.Duration
	seed         uint64
	operators    int
	budget       func(at float64) float64 // share of the rate that there is; nil: all of it
	churn        float64                  // share of the people who are replaced a minute
	lastTime     bool                     // the vendor tells when somebody last changed
	callbacks    bool                     // tell of every change, 100 ms late; one in a hundred is lost
}

// benchmarkZ stands for a hundred thousand people and fifty calls a second: only how long a turn takes counts.
func benchmarkZ(seed uint64) benchmark {
	return benchmark{workload: "mix", people: 5000, rate: 2.5, warm: 6 * time.Hour, count: 6 * time.Hour,
		maxStaleness: time.Minute, revisit: time.Second, seed: seed, operators: 1}
}

// policy is how the strides of users come about.
type policy string

const (
	learned    policy = "learned"
	roundRobin policy = "round robin" // all are alike
	oracle     policy = "oracle"      // by the square root of watchers times the rate in the long run, which it knows
)

// results is what was seen of changes in the time that counts.
type results struct {
	lag, weightedLag, start, first sample
	changes, missed                float64
	wrong                          float64 // watcher-seconds in which the state shown was wrong
	calls, short                   int     // short: calls that were not full
	longest                        time.Duration
}

// run is one run of a benchmark.
type run struct {
	benchmark
	results
	schedule *Schedule
	policy   policy
	lives    []*person
	ids      []int   // number -> person
	numbers  []int32 // person -> number, -1: not watched
	shown    []uint8
	looked   []float64 // last look at a person; -1: none
	joined   []float64
	active   []int32 // numbers
	spare    []int   // people
	hints    []hint
	pending  [][]change
	dice     *rand.Rand
	between  []change
	end      float64
}

type hint struct {
	at     float64
	person int
}

func (b benchmark) run(p policy) *results {
	spare := 0
	if b.churn > 0 {
		spare = b.people / 5
	}
	r := &run{benchmark: b, policy: p, lives: workloads[b.workload].people(b.people+spare, b.seed),
		dice: rand.New(rand.NewPCG(b.seed, 7)), end: (b.warm + b.count).Seconds()}
	r.schedule = New(Config{Operators: b.operators, Batch: 100, Rate: b.rate, MaxStaleness: b.maxStaleness, Revisit: b.revisit, Seed: b.seed, Start: start})
	r.shown, r.looked, r.joined = make([]uint8, len(r.lives)), make([]float64, len(r.lives)), make([]float64, len(r.lives))
	r.pending, r.numbers, r.ids = make([][]change, len(r.lives)), make([]int32, len(r.lives)), make([]int, len(r.lives))
	if p != learned {
		r.schedule.strides = make([]float64, 0, len(r.lives))
	}
	for _, i := range r.dice.Perm(b.people) {
		r.join(i, 0)
	}
	for i := range spare {
		r.spare = append(r.spare, b.people+i)
	}
	r.play()
	return &r.results
}

func (r *run) join(i int, now float64) {
	id := r.schedule.Add(i%r.operators, r.lives[i].watchers, Known{}, at(now))
	r.ids[id], r.numbers[i], r.looked[i], r.joined[i] = i, id, -1, now
	r.active = append(r.active, id)
	if r.policy == learned {
		return
	}
	for int(id) >= len(r.schedule.strides) {
		r.schedule.strides = append(r.schedule.strides, 0)
	}
	r.schedule.strides[id] = 1
	if r.policy == oracle {
		r.schedule.strides[id] = 1 / math.Sqrt(r.lives[i].watchers*r.lives[i].changes)
	}
}

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * 1e9)) }

// play makes calls until everything that counts has been seen.
func (r *run) play() {
	var picks []Pick
	slot, credit := 1/r.rate, 0.0
	churned := 0.0
	for now := 0.0; now < r.end+2*r.maxStaleness.Seconds(); now += slot {
		r.callBack(now)
		churned += r.churn * float64(r.people) * slot / 60
		for ; churned >= 1; churned-- {
			r.replace(now)
		}
		if credit++; r.budget != nil {
			credit += r.budget(now) - 1
		}
		if credit < 1 {
			continue
		}
		credit--
		if r.schedule.Idle(at(now)) > 0 {
			continue
		}
		_, picks = r.schedule.Next(at(now), picks[:0])
		r.calls++
		if len(picks) < 100 {
			r.short++
		}
		for _, p := range picks {
			r.look(p.ID, now)
		}
	}
}

// callBack has the vendor tell of changes.
func (r *run) callBack(now float64) {
	if !r.callbacks {
		return
	}
	for i, p := range r.lives {
		before := len(r.pending[i])
		r.pending[i] = p.until(now, r.pending[i])
		for _, c := range r.pending[i][before:] {
			if r.dice.IntN(100) > 0 {
				r.hints = append(r.hints, hint{c.at + 0.1, i})
			}
		}
	}
	left := r.hints[:0]
	for _, h := range r.hints {
		if h.at > now {
			left = append(left, h)
		} else if id := r.numbers[h.person]; id >= 0 {
			r.schedule.Hint(id, false, at(now))
		}
	}
	r.hints = left
}

// replace has somebody watched no more, and somebody else in their place.
func (r *run) replace(now float64) {
	k := r.dice.IntN(len(r.active))
	id := r.active[k]
	i := r.ids[id]
	r.schedule.Drop(id)
	r.numbers[i] = -1
	r.active[k] = r.active[len(r.active)-1]
	r.active = r.active[:len(r.active)-1]
	j := r.spare[0]
	r.spare = append(r.spare[1:], i)
	r.lives[j].until(now, nil)
	r.join(j, now-r.dice.Float64()/r.rate)
}

// look is what a call shows of somebody.
func (r *run) look(id int32, now float64) {
	i := r.ids[id]
	p := r.lives[i]
	if r.callbacks {
		r.between = append(r.between[:0], r.pending[i]...)
		r.pending[i] = r.pending[i][:0]
	} else {
		r.between = p.until(now, r.between[:0])
	}
	l := Look{At: at(now), Outcome: Seen, Online: p.phase.shows() != 0, Changed: r.looked[i] >= 0 && p.phase.shows() != r.shown[i]}
	if r.lastTime && len(r.between) > 0 {
		l.Since = at(r.between[len(r.between)-1].at)
	}
	if r.looked[i] < 0 {
		if now >= r.warm.Seconds() && now < r.end {
			r.first.add(now-r.joined[i], 1)
		}
	} else {
		r.judge(i, now)
	}
	r.shown[i], r.looked[i] = p.phase.shows(), now
	r.schedule.Done(id, l)
}

// judge notes how late changes are seen.
func (r *run) judge(i int, now float64) {
	p, seen := r.lives[i], 0
	if now > r.warm.Seconds() && now < r.end {
		r.longest = max(r.longest, time.Duration((now-r.looked[i])*1e9))
	}
	for k, c := range r.between {
		next := now
		if k+1 < len(r.between) {
			next = r.between[k+1].at
		}
		if c.at < r.warm.Seconds() || c.at >= r.end {
			continue
		}
		seen++
		r.lag.add(now-c.at, 1)
		r.weightedLag.add(now-c.at, p.watchers)
		if c.begins {
			r.start.add(now-c.at, p.watchers)
		}
		if c.to != r.shown[i] {
			r.wrong += p.watchers * (next - c.at)
		}
	}
	if seen == 0 {
		return
	}
	r.changes += float64(seen)
	r.missed += float64(seen)
	if p.phase.shows() != r.shown[i] {
		r.missed--
	}
}
