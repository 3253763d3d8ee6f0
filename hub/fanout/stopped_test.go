//go:build linux

package fanout

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	oneIn     = 50                     // clients stops reading
	aLittle   = 4 << 10                // bytes of room in their sockets, so that they are soon full
	talkative = users + 1              // whom they alone watch: a user whose states fill them
	muchText  = 900                    // bytes of such a state
	atATime   = 400                    // such states
	aMoment   = 250 * time.Microsecond // between two of them
	untilFull = 5 * time.Second        // of them, at most: the first to be full is cut off after ten
)

// BenchmarkStopped is what the others notice, and the hub pays, when one client of fifty stops reading under load, and
// how long after reading on it knows what is true.
func BenchmarkStopped(b *testing.B) {
	a := spread(*conns, each, users)
	few := len(a.clients) / oneIn
	inTurns(b, func(f figures) {
		at := startHub(b)
		h := &heard{of: make([]map[int64]bool, few)}
		stopping := newCrowd(b, at.at[0], withTalkative(a.clients[:few]))
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

// withTalkative has clients watch one user more.
func withTalkative(clients [][]int) (more [][]int) {
	for _, uids := range clients {
		more = append(more, append(slices.Clone(uids), talkative))
	}
	return more
}

// stop has a crowd stop reading, and fills the sockets of all of it, which alone are told what does: then the hub has a
// goroutine for each, and would cut them off ten seconds later. How much a socket takes is the kernel's to say, who gives
// it more room as it pleases.
func stop(b *testing.B, s *session, stopping *crowd, n int) {
	b.Helper()
	stopping.paused.Store(true)
	begun, full := time.Now(), 0
	for ; full < n && time.Since(begun) < untilFull; full = s.at.stuck() {
		for range atATime {
			require.NoError(b, s.at.publish(talkative, stamp(time.Now())+strings.Repeat("x", muchText)))
			nap(aMoment) // else a hub tells the newest of some alone
		}
	}
	if full < n {
		b.Fatalf("only %d of %d sockets are full", full, n)
	}
	b.Logf("%d sockets are full after %v", full, time.Since(begun).Round(time.Millisecond))
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
