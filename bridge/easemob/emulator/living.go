package emulator

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// backlog is how far behind the population may fall before changes are skipped: a machine that slept
// does not make up for the night.
const backlog = time.Second

// living plays a population out in time: a Poisson process, whose gaps come from dice of their own.
type living struct {
	people    *people
	vanishFor time.Duration // the longest that a vanished device is shown
	kick      chan struct{} // settings have changed
	stir      chan struct{} // so they have, or a device has vanished

	mu       sync.Mutex
	now      Population
	crowd    *population
	gaps     *rand.Rand
	vanished timeline[vanishing] // not noticed yet
}

func newLiving(o Options, people *people) *living {
	l := &living{
		people:    people,
		vanishFor: o.VanishFor,
		kick:      make(chan struct{}, 1),
		stir:      make(chan struct{}, 1),
		crowd:     newPopulation(o.Seed, o.DevicesPerPlatform, o.VanishRate),
		gaps:      rand.New(rand.NewPCG(o.Seed, 0x9a95)),
	}
	l.set(o.population())
	return l
}

// set changes how many live and how much. When it has returned, nothing happens by the settings before it.
func (l *living) set(p Population) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = p
	start := time.Now()
	l.crowd.resize(p.Users, func(uid string, status map[string]string, ext string, hours float64) {
		user := User{Status: status, Ext: ext}
		if len(status) > 0 {
			user.LastTime = start.Add(-time.Duration(hours * float64(time.Hour))).Unix()
		}
		l.people.settle(uid, user)
	})
	for _, c := range []chan struct{}{l.kick, l.stir} {
		select {
		case c <- struct{}{}:
		default: // one is waiting already
		}
	}
}

func (l *living) get() Population {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// run plays until ctx is done.
func (l *living) run(ctx context.Context) {
	due := time.Now()
	for ctx.Err() == nil {
		due = later(due, time.Now().Add(-backlog))
		gap, lives := l.gap()
		if !lives {
			l.idle(ctx)
			due = time.Now()
			continue
		}
		due = due.Add(gap)
		if l.reach(ctx, due) {
			l.step()
		} else {
			due = time.Now() // other settings: the gap is drawn anew, which no Poisson process minds
		}
	}
}

func (l *living) gap() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.now.lives() {
		return 0, false
	}
	seconds := min(l.gaps.ExpFloat64()/l.now.ChangesPerS, 1e6)
	return time.Duration(seconds * float64(time.Second)), true
}

// step takes the next turn, unless nobody lives any more.
func (l *living) step() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.now.lives() {
		return
	}
	l.people.move(func(at func(uid string) User) (string, map[string]string, string) {
		switch t := l.crowd.next(at); {
		case t.who == nil:
			return "", nil, ""
		case t.vanished != nil:
			l.vanish(t)
			return "", nil, ""
		default:
			return t.who.uid, t.status, t.ext
		}
	})
}

func (l *living) idle(ctx context.Context) {
	select {
	case <-l.kick:
	case <-ctx.Done():
	}
}

// reach waits until a change is due; false: the settings have changed, or ctx is done.
func (l *living) reach(ctx context.Context, due time.Time) bool {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.kick:
	case <-ctx.Done():
	}
	return false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
