package hub

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	// heardFor is longer than a callback can be repeated and still be fresh: from as far in the future as it may
	// be until it is as old as it may be.
	heardFor = 2*callbackAge + time.Second

	// maxHeard is how many are remembered: some 50 a second. Where more come, a repeated one may be taken for new,
	// which is one more look at the most.
	maxHeard = 1 << 15
)

// heard remembers which callbacks have come, for a while. What is forgotten is forgotten by generations: the one
// before lasts until the present one is old or full.
type heard struct {
	seed maphash.Seed

	mu          sync.Mutex
	now, before map[uint64]struct{} // hashes of ids
	since       time.Time           // when now began
}

func newHeard() *heard {
	return &heard{seed: maphash.MakeSeed(), now: map[uint64]struct{}{}}
}

// first says whether a callback of that id comes for the first time.
func (h *heard) first(id string, at time.Time) bool {
	hash := maphash.String(h.seed, id)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.now) >= maxHeard/2 || at.Sub(h.since) > heardFor {
		h.now, h.before, h.since = map[uint64]struct{}{}, h.now, at
	}
	_, now := h.now[hash]
	_, before := h.before[hash]
	h.now[hash] = struct{}{}
	return !now && !before
}
