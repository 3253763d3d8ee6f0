//go:build linux

package fanout

import (
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	oneIn     = 50               // clients stops reading
	aLittle   = 4 << 10          // bytes of room in their sockets, so that they are soon full
	muchText  = 900              // bytes more in a state, to fill them
	untilFull = 20 * time.Second // of that, at most
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

		s.flood(*duration) // what that costs in memory is not what stopping does
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

// stop has a crowd stop reading, and sends so much that the sockets of all of it are full soon: then the hub has a goroutine
// for each, and would cut them off ten seconds later.
func stop(b *testing.B, s *session, stopping *crowd, n int) {
	b.Helper()
	before := s.at.goroutines()
	stopping.paused.Store(true)
	full := 0
	for begun := time.Now(); full < n && time.Since(begun) < untilFull; full = s.at.goroutines() - before {
		s.flood(500 * time.Millisecond)
	}
	if full < n {
		b.Fatalf("only %d of %d sockets are full", full, n)
	}
}

// flood publishes long states for a while, as fast as they are delivered.
func (s *session) flood(d time.Duration) {
	s.more = strings.Repeat("x", muchText)
	s.saturate(outstanding, d)
	s.more = ""
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
