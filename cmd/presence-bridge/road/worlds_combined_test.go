package road

import (
	"math/rand/v2"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// A dimension is a question to which the sources have two answers or more: the alternatives to what the samples show.
type dimension []world

// A throw is one answer in every dimension: the index of a world, or one beyond the last for what the samples show.
type throw []int

func throwIn(dice *rand.Rand) throw {
	t := make(throw, len(dimensions))
	for i, d := range dimensions {
		t[i] = dice.IntN(len(d) + 1)
	}
	return t
}

func (t throw) world(name string) world {
	var parts []world
	for i, d := range dimensions {
		if t[i] < len(d) {
			parts = append(parts, d[t[i]])
		}
	}
	return combined(name, parts...)
}

// combined is a world that is many things at once.
func combined(name string, parts ...world) world {
	each := func(f func(world)) {
		for _, p := range parts {
			f(p)
		}
	}
	whole := world{
		name:   name,
		vendor: func(o *emulator.Options) { each(func(p world) { call(p.vendor, o) }) },
		bridge: func(r *road) { each(func(p world) { call(p.bridge, r) }) },
		before: func(w *played) { each(func(p world) { call(p.before, w) }) },
		midway: func(w *played) { each(func(p world) { call(p.midway, w) }) },
		shows: func(w *played) bool {
			ok := true
			each(func(p world) { ok = p.shown(w) && ok })
			return ok
		},
	}
	each(func(p world) { whole.is = append(whole.is, p.name) })
	return whole
}

// shown says whether the vendor was so, and says it in words where it was not.
func (in world) shown(w *played) bool {
	if in.shows == nil || in.shows(w) {
		return true
	}
	w.t.Errorf("the vendor is not so, or has not shown it: %s", in.name)
	return false
}

// pairs are the answers in two dimensions that have been played together.
type pairs map[[4]int]bool

func (p pairs) add(t throw) {
	for i := range t {
		for j := range i {
			p[[4]int{i, t[i], j, t[j]}] = true
		}
	}
}

// best is the one of many throws that brings the most new pairs.
func (p pairs) best(dice *rand.Rand) (best throw) {
	most := -1
	for range 300 {
		t, news := throwIn(dice), 0
		for i := range t {
			for j := range i {
				if !p[[4]int{i, t[i], j, t[j]}] {
					news++
				}
			}
		}
		if news > most {
			best, most = t, news
		}
	}
	return best
}

func allPairs() (n int) {
	for i := range dimensions {
		for j := range i {
			n += (len(dimensions[i]) + 1) * (len(dimensions[j]) + 1)
		}
	}
	return n
}
