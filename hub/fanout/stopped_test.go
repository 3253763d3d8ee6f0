//go:build linux

package fanout

import (
	"sync"
	"testing"
	"time"
)

const (
	oneIn    = 50               // clients stops reading
	aLittle  = 4 << 10          // bytes of room in their sockets, so that they are soon full
	untilAll = 40 * time.Second // of load until all of them are
)

// BenchmarkStopped is what the others notice, and the hub pays, when one client of fifty stops reading under load, and
// how long after reading on it knows what is true.
func BenchmarkStopped(b *testing.B) {
	a := spread(*conns, each, users)
	few := len(a.clients) / oneIn
	inTurns(b, func(f figures) {
		at := startHub(b)
		h := &heard{of: make([]map[int64]bool, few)}
		stopping := newCrowd(b, at.at[0], a.clients[:few])
		stopping.room, stopping.got = aLittle, h.note
		stopping.gather()
		s := connect(b, at, audienceOf(a.clients[few:], users), *settle)
		defer func() { stopping.stop(); s.end() }()
		s.newest = make([]int64, users+1)

		all := s.rate(busy, *duration)
		tell(b, "all read", all)
		memory := at.resident()
		stop(b, s, stopping, few)
		rest := s.rate(busy, *duration)
		tell(b, "the others", rest)
		memory = at.resident() - memory

		resumed := time.Now()
		stopping.paused.Store(false)
		for i := range few {
			for !h.knows(i, a.clients[i], s.newest) && time.Since(resumed) < patience {
				time.Sleep(lookAgain)
			}
		}
		took := time.Since(resumed)
		b.Logf("%d stopped: %.1f MiB more, right %v after they read on", few, memory/1024, took)
		f.add("p99-x-before", rest.latency.quantile(0.99)/all.latency.quantile(0.99))
		f.add("MiB-more", memory/1024)
		f.add("s-until-right", took.Seconds())
	})
}

// stop has a crowd stop reading, and the load go on until the sockets of all of it are full: then the hub has a goroutine
// for each.
func stop(b *testing.B, s *session, stopping *crowd, n int) {
	b.Helper()
	before := s.at.goroutines()
	stopping.paused.Store(true)
	for begun := time.Now(); s.at.goroutines() < before+n; {
		if time.Since(begun) > untilAll {
			b.Fatalf("only %d of %d sockets are full", s.at.goroutines()-before, n)
		}
		s.saturate(outstanding, 500*time.Millisecond)
	}
}

// heard is what clients have been told.
type heard struct {
	mu sync.Mutex
	of []map[int64]bool // of each: when what it was told was published
}

func (h *heard) note(i int, published int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of[i] == nil {
		h.of[i] = map[int64]bool{}
	}
	h.of[i][published] = true
}

// knows says whether a client has been told the newest of all whom it watches.
func (h *heard) knows(i int, uids []int, newest []int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, uid := range uids {
		if newest[uid] != 0 && !h.of[i][newest[uid]] {
			return false
		}
	}
	return true
}
