package keeper

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// sim is ninety days of a keeper's life in memory: a book, a vendor, a ledger and people who come and go. It
// goes from one event to the next, and a seed is the same each time. What has to hold is judged by the oracle.
type sim struct {
	plan   simPlan
	config Config
	dice   *rand.Rand
	now    time.Time
	end    time.Time

	book   *book     // nil while no keeper runs
	back   time.Time // when the next one does
	dying  bool      // this one ends within its next call
	vendor *simVendor
	ledger map[bridge.UID]bridge.Subscription
	undo   []simWrite // what was written lately, oldest first

	people    []*simUser
	strangers []*simUser
	byUID     map[bridge.UID]*simUser
	away      time.Time // the vendor is, until then
	events    []simEvent

	oracle *oracle
	fired  map[string]int
}

// simPlan is what a seed is like.
type simPlan struct {
	people, operators, capacity int
	changes                     int // of who is watched
	config                      Config
	fails, loses                float64 // of calls; of subscriptions that the vendor answers for
	faults                      int     // of each kind of event in the ninety days
	bad                         bool    // some users are refused for a while
	calm                        bool    // the second half passes without any event
	crowded                     bool    // more are watched than there is room for, at times
}

type simEvent struct {
	at time.Time
	do func()
}

type simWrite struct {
	at   time.Time
	uid  bridge.UID
	line bridge.Subscription // what it was before
	had  bool
}

const simDays = 90

func newSim(seed uint64) *sim {
	s := &sim{dice: rand.New(rand.NewPCG(seed, 90)), now: worldStart, vendor: newSimVendor(),
		ledger: map[bridge.UID]bridge.Subscription{}, byUID: map[bridge.UID]*simUser{}, fired: map[string]int{}}
	s.end = s.now.Add(simDays * 24 * time.Hour)
	s.plan = s.draw()
	s.config = s.plan.config.withDefaults()
	s.oracle = newOracle(s)
	for i := range s.plan.people {
		s.people = append(s.people, s.oracle.user(bridge.UID(fmt.Sprintf("u-%03d", i))))
	}
	for i := range s.plan.capacity / 2 {
		s.strangers = append(s.strangers, s.oracle.user(bridge.UID(fmt.Sprintf("x-%03d", i))))
	}
	s.schedule()
	s.takeOver()
	return s
}

// draw throws what the seed is like.
func (s *sim) draw() simPlan {
	d := s.dice
	p := simPlan{people: 4 + d.IntN(40), operators: 1 + d.IntN(4), changes: 100 + d.IntN(900), faults: d.IntN(12),
		calm: d.IntN(4) == 0, crowded: d.IntN(5) == 0, bad: d.IntN(4) == 0}
	if d.IntN(20) == 0 {
		p.people *= 10
	}
	p.capacity = p.people/max(p.operators-1, 1) + 5 // one operator may go
	if p.crowded {
		p.capacity = max(p.people/p.operators*2/3, 2)
	}
	if d.IntN(3) == 0 {
		p.fails = d.Float64() * 0.2
	}
	if d.IntN(4) == 0 {
		p.loses = d.Float64() * 0.1
	}
	if p.calm {
		p.fails, p.loses, p.bad = 0, 0, false
	}
	p.config = Config{ID: "sim", Capacity: p.capacity,
		TTL:       pick(d, 6*time.Hour, 24*time.Hour, 24*time.Hour, 72*time.Hour, 720*time.Hour),
		Reconcile: pick(d, time.Hour, 3*time.Hour, 6*time.Hour),
		Linger:    pick(d, 2*time.Minute, 2*time.Minute, 30*time.Minute)}
	for i := range p.operators {
		p.config.Operators = append(p.config.Operators, fmt.Sprintf("op-%d", i))
	}
	v := s.vendor
	v.most, v.lag = p.capacity, pick(d, 0, 5*time.Second, 10*time.Second)
	if d.IntN(5) == 0 {
		v.life = p.config.TTL / 3
	}
	if d.IntN(4) == 0 {
		v.lateAbove, v.late = 5, pick(d, time.Second, 4*time.Second, 40*time.Second)
	}
	return p
}

func pick(d *rand.Rand, from ...time.Duration) time.Duration { return from[d.IntN(len(from))] }

// schedule throws what happens when.
func (s *sim) schedule() {
	busy := s.end.Sub(s.now)
	if s.plan.calm {
		busy /= 2
	}
	often := func(n int, do func()) {
		for range n {
			s.events = append(s.events, simEvent{s.now.Add(time.Duration(s.dice.Int64N(int64(busy)))), do})
		}
	}
	often(s.plan.changes, s.change)
	often(2, s.rush)
	for range s.plan.faults { // some come and go within a moment
		at := s.now.Add(time.Duration(s.dice.Int64N(int64(busy))))
		for i := range 10 {
			s.events = append(s.events, simEvent{at.Add(time.Duration(i) * 60 * time.Millisecond), s.change})
		}
	}
	for _, do := range []func(){s.evict, s.evict, s.evict, s.pushOut, s.forgetOperator, s.outage, s.crash, s.crash, s.reconfigure, s.garble} {
		often(s.plan.faults, do)
	}
	if s.plan.bad {
		often(3, s.refuse)
	}
	slices.SortStableFunc(s.events, func(x, y simEvent) int { return x.at.Compare(y.at) })
}

// run lets the ninety days pass.
func (s *sim) run() {
	for s.now.Before(s.end) && s.oracle.err == nil {
		if s.step() {
			continue
		}
		next := s.end
		if len(s.events) > 0 {
			next = earlier(next, s.events[0].at)
		}
		if len(s.vendor.queue) > 0 {
			next = earlier(next, s.vendor.queue[0].at)
		}
		if s.book == nil {
			next = earlier(next, s.back)
		} else if at, ok := s.book.next(); ok {
			if !at.After(s.now) {
				s.oracle.fail("something is due, and nothing is to be done")
			}
			next = earlier(next, at)
		}
		s.now = later(s.now, next)
	}
	s.oracle.finish()
}

// step does what is to be done now, if there is anything.
func (s *sim) step() bool {
	switch {
	case len(s.vendor.queue) > 0 && !s.vendor.queue[0].at.After(s.now):
		s.catchUp()
	case len(s.events) > 0 && !s.events[0].at.After(s.now):
		e := s.events[0]
		s.events = s.events[1:]
		e.do()
	case s.book == nil && !s.back.After(s.now):
		s.takeOver()
	case s.book != nil:
		c, ok := s.book.take(s.now)
		if ok {
			s.call(c)
		}
		s.flush()
		return ok
	default:
		return false
	}
	return true
}

// catchUp does what the vendor had put off.
func (s *sim) catchUp() {
	l := s.vendor.queue[0]
	s.vendor.queue = s.vendor.queue[1:]
	s.subscribe(l.op, l.uid, s.vendor.until(s.now, l.ttl))
}

// takeOver starts a keeper with what the ledger holds.
func (s *sim) takeOver() {
	s.book = newBook(s.config, s.now)
	s.book.jitter = func(most time.Duration) time.Duration { return time.Duration(s.dice.Int64N(int64(most) + 1)) }
	var wanted []bridge.UID
	for _, u := range s.people {
		if u.wanted {
			wanted = append(wanted, u.uid)
		}
	}
	s.book.load(s.ledger, wanted, s.now)
	s.oracle.resumed()
}

// flush writes the ledger, which remembers for a while what it held before.
func (s *sim) flush() {
	if s.book == nil || len(s.book.dirty) == 0 {
		return
	}
	for len(s.undo) > 0 && s.now.Sub(s.undo[0].at) > time.Minute {
		s.undo = s.undo[1:]
	}
	for _, uid := range slices.Sorted(maps.Keys(s.book.dirty)) {
		line, had := s.ledger[uid]
		s.undo = append(s.undo, simWrite{s.now, uid, line, had})
		if sub, ok := s.book.subscription(uid); ok {
			s.ledger[uid] = sub
		} else {
			delete(s.ledger, uid)
		}
	}
	clear(s.book.dirty)
}
