package easemob

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNeverMoreThanRatePlusOneInAnyWindow has callers come at random, give up at random, and the process stall
// at random: whatever second one looks at, it holds no more than rate+1 calls.
func TestNeverMoreThanRatePlusOneInAnyWindow(t *testing.T) {
	for _, rate := range []float64{1, 7, 40, 333} {
		for seed := range uint64(5) {
			synctest.Test(t, func(t *testing.T) {
				releases, stalls := stormyReleases(t, rate, seed)
				require.Greater(t, len(releases), int(10*rate), "the storm let hardly anybody through")
				require.Positive(t, stalls, "nothing stalled")
				assert.LessOrEqual(t, busiestSecond(releases), int(rate)+1, "rate %v seed %d", rate, seed)
			})
		}
	}
}

func stormyReleases(t *testing.T, rate float64, seed uint64) (releases []time.Time, stalls int) {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 1))
	upTo := func(d time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(rnd.Int64N(int64(d)))
	}
	l := newLimiter(slotShare * rate)
	l.sleep = func(ctx context.Context, d time.Duration) error { // one at a time: only the head sleeps
		if upTo(time.Duration(2*rate)+1) == 0 { // long enough runs between stalls to fill a second
			d += upTo(2 * time.Second)
			stalls++
		}
		return sleep(ctx, d)
	}
	var wg sync.WaitGroup
	for range int(30*rate) + 200 {
		start, patience := upTo(60*time.Second), time.Hour
		if upTo(4) == 0 {
			patience = upTo(time.Second)
		}
		wg.Go(func() {
			time.Sleep(start)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if l.wait(ctx) == nil {
				mu.Lock()
				releases = append(releases, time.Now())
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return releases, stalls
}

// busiestSecond is the most times that any window of one second holds. The list is in order.
func busiestSecond(times []time.Time) int {
	most, first := 0, 0
	for i, end := range times {
		for end.Sub(times[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestFirstCallDoesNotWaitAndIdleTimeIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(slotShare * 10)
		start := time.Now()
		require.NoError(t, l.wait(t.Context()))
		assert.Zero(t, time.Since(start))
		time.Sleep(time.Hour)
		start = time.Now()
		for range 10 {
			require.NoError(t, l.wait(t.Context()))
		}
		assert.GreaterOrEqual(t, time.Since(start), 9*time.Second/10)
	})
}

func TestCallersAreServedInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		require.NoError(t, l.wait(t.Context()))
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if l.wait(t.Context()) == nil {
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		for i, got := range order {
			assert.Equal(t, i, got)
		}
		assert.Len(t, order, 20)
	})
}

func TestWhoGivesUpLeavesItsPlaceToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		require.NoError(t, l.wait(t.Context()))
		start := time.Now()
		gone, cancel := context.WithCancel(t.Context())
		var head, middle, last error
		var served time.Duration
		var wg sync.WaitGroup
		wg.Go(func() { head = l.wait(gone) })
		synctest.Wait()
		wg.Go(func() { middle = l.wait(gone) })
		synctest.Wait()
		wg.Go(func() { last = l.wait(t.Context()); served = time.Since(start) })
		synctest.Wait()
		cancel()
		wg.Wait()
		assert.ErrorIs(t, head, context.Canceled)
		assert.ErrorIs(t, middle, context.Canceled)
		assert.NoError(t, last)
		assert.Equal(t, time.Second, served)
		assert.ErrorIs(t, l.wait(gone), context.Canceled, "who has gone takes no free slot")
		start = time.Now()
		require.NoError(t, l.wait(t.Context()))
		assert.Equal(t, time.Second, time.Since(start))
	})
}

var errThrottled = &Error{class: throttled}

func TestBackOffGrowsToItsCapAndSuccessResetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1000)
		var most []time.Duration
		l.jitter = func(d time.Duration) time.Duration { most = append(most, d); return d }
		for range 8 {
			require.NoError(t, l.wait(t.Context()))
			start := time.Now()
			d := l.failed(l.era(), errThrottled)
			require.NoError(t, l.wait(t.Context()))
			assert.Equal(t, d, time.Since(start))
		}
		ms := time.Millisecond
		assert.Equal(t, []time.Duration{500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms, 10000 * ms, 10000 * ms, 10000 * ms}, most)
		l.succeeded(l.era())
		assert.Equal(t, backOffBase, l.failed(l.era(), errThrottled))
	})
}

func TestCallsThrottledTogetherAreOneThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1000)
		l.jitter = func(d time.Duration) time.Duration { return d }
		before := l.era()
		assert.Equal(t, backOffBase, l.failed(before, errThrottled))
		assert.Zero(t, l.failed(before, errThrottled), "was in flight already")
		l.succeeded(before) // so was this: it says nothing of now
		assert.Equal(t, 2*backOffBase, l.failed(l.era(), errThrottled))
	})
}

func TestAPauseReachesWhoAlreadyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		l.jitter = func(d time.Duration) time.Duration { return d }
		require.NoError(t, l.wait(t.Context()))
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, l.wait(t.Context())) })
		synctest.Wait()
		l.failed(l.era(), errThrottled)
		wg.Wait()
		assert.Equal(t, backOffBase, time.Since(start))
	})
}

func TestFullJitterStaysWithin(t *testing.T) {
	for range 1000 {
		d := fullJitter(backOffBase)
		assert.True(t, d >= 0 && d <= backOffBase)
	}
}
