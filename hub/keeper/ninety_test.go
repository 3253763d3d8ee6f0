package keeper

import (
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// simFaults are what has to have happened over the seeds of TestNinetyDays.
var simFaults = []string{
	"a call fails", "a call fails and is done all the same", "a call is refused",
	"a subscription is lost", "a subscription comes late", "a late subscription never comes",
	"a subscription is evicted", "an operator is forgotten", "somebody is pushed out", "a stranger is subscribed",
	"the vendor is away", "a keeper ends", "a keeper ends within a call", "a write to the ledger is lost",
	"a line makes no sense", "an operator is added", "an operator is removed", "somebody comes or goes",
	"a calm time is judged", "a first subscription is prompt",
}

// TestNinetyDays lets the keeper live through ninety days, as often as there are seeds: PRESENCE_BRIDGE_SEEDS, or
// as many as there is time for.
func TestNinetyDays(t *testing.T) {
	t.Parallel()
	began, seeds := time.Now(), seeds(t)
	total := simTotal{fired: map[string]int{}}
	queue := make(chan uint64)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := range queue {
				s := newSim(seed)
				s.run()
				if total.add(s); s.oracle.err != nil {
					t.Errorf("seed %d %+v: %v", seed, s.plan, s.oracle.err)
				}
			}
		})
	}
	for seed := range seeds {
		if t.Failed() {
			break
		}
		queue <- seed
	}
	close(queue)
	workers.Wait()
	t.Logf("%d seeds in %v", seeds, time.Since(began).Round(time.Millisecond))
	for _, k := range []kind{subscribe, renew, release} {
		t.Logf("calls to %s: %d where %d are enough", k, total.calls[k], total.allowed[k])
	}
	for _, what := range slices.Sorted(maps.Keys(total.fired)) {
		t.Logf("%d times %s", total.fired[what], what)
	}
	if seeds >= 50 {
		for _, what := range simFaults {
			require.NotZero(t, total.fired[what], what)
		}
	}
}

func seeds(t *testing.T) uint64 {
	if n := os.Getenv("PRESENCE_BRIDGE_SEEDS"); n != "" {
		seeds, err := strconv.ParseUint(n, 10, 64)
		require.NoError(t, err, "PRESENCE_BRIDGE_SEEDS")
		return seeds
	}
	if raced || testing.Short() {
		return 100
	}
	return 2000
}

// simTotal adds up what the seeds have seen.
type simTotal struct {
	mu             sync.Mutex
	fired          map[string]int
	calls, allowed [kinds]int
}

func (t *simTotal) add(s *sim) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for what, n := range s.fired {
		t.fired[what] += n
	}
	for k := range kinds {
		t.calls[k] += s.oracle.calls[k]
		t.allowed[k] += s.oracle.allowed[k]
	}
}
