package easemob

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

func TestARateYieldsAndComesBack(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, refused := range []float64{40, 39, 20, 5, 0.9} {
		y := yielding{most: 40, refused: refused, at: start}
		require.InDelta(t, max(yieldTo*refused, 0.8), y.rate(start), 1e-9, "right after a refusal at %v", refused)
		before := y.rate(start)
		for at := start; at.Before(start.Add(time.Minute)); at = at.Add(100 * time.Millisecond) {
			require.GreaterOrEqual(t, y.rate(at), before-1e-9)
			before = y.rate(at)
		}
		require.Equal(t, 40.0, y.rate(start.Add(time.Minute)), "back to full after a refusal at %v", refused)
		require.Less(t, y.rate(start.Add(5*time.Second)), max(refused*1.01, 2), "not beyond it at once")
	}
	y := yielding{most: 40}
	require.Equal(t, 40.0, y.rate(start))
	for range 1000 {
		y.yield(start)
	}
	require.Equal(t, 0.8, y.rate(start), "never nothing")
}

// vendorModel lets so many calls of a second go, as the vendor counts seconds: sliding, or by the clock.
type vendorModel struct {
	sliding  bool
	limit    func(t time.Duration) int
	start    time.Time
	mu       sync.Mutex
	accepted []time.Time
}

func (v *vendorModel) call(now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	from := now.Truncate(time.Second)
	if v.sliding {
		from = now.Add(-time.Second + 1)
	}
	n := 0
	for i := len(v.accepted) - 1; i >= 0 && !v.accepted[i].Before(from); i-- {
		n++
	}
	if n >= v.limit(now.Sub(v.start)) {
		return false
	}
	v.accepted = append(v.accepted, now)
	return true
}

// caller calls as fast as a limiter lets it, each call 100 ms long, and counts.
func (v *vendorModel) play(t *testing.T, l *limiter, d time.Duration) (calls, refused int) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for l.wait(ctx) == nil {
		wg.Go(func() {
			era := l.era()
			ok := v.call(time.Now())
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if calls++; ok {
				l.succeeded(era)
				return
			}
			refused++
			l.failed(era, errThrottled)
		})
	}
	wg.Wait()
	return calls, refused
}

// TestTheShareOfTheAppsClientsIsFound: whatever the app's own clients leave of the limit is used, and hardly a call is
// spent on finding that out.
func TestTheShareOfTheAppsClientsIsFound(t *testing.T) {
	for _, sliding := range []bool{true, false} {
		for _, left := range []int{45, 35, 20, 10, 5} {
			synctest.Test(t, func(t *testing.T) {
				v := &vendorModel{sliding: sliding, start: time.Now(), limit: func(time.Duration) int { return left }}
				l := newLimiter(slotShare * 40)
				v.play(t, l, time.Minute) // until it is steady
				calls, refused := v.play(t, l, 10*time.Minute)
				could := 600 * min(float64(left), slotShare*40)
				t.Logf("sliding %v, %d a second are left: %d calls of %.0f, %.2f %% refused", sliding, left, calls, could, 100*float64(refused)/float64(calls))
				require.Less(t, refused*50, calls, "refused of %d", calls)
				require.Greater(t, float64(calls-refused), 0.9*could)
			})
		}
	}
}

// TestWhenTheVendorEasesAllIsUsedWithinAMinute, also after it has refused everything for minutes.
func TestWhenTheVendorEasesAllIsUsedWithinAMinute(t *testing.T) {
	for _, left := range []int{0, 1, 20} {
		synctest.Test(t, func(t *testing.T) {
			v := &vendorModel{sliding: true, start: time.Now(), limit: func(at time.Duration) int {
				if at < 5*time.Minute {
					return left
				}
				return 50
			}}
			l := newLimiter(slotShare * 40)
			_, refused := v.play(t, l, 5*time.Minute)
			require.Positive(t, refused)
			v.play(t, l, time.Minute)
			require.Equal(t, slotShare*40, l.rate())
		})
	}
}

// TestTheShareIsFoundAtTheEmulator has the app's own clients take thirty of the fifty calls a second.
func TestTheShareIsFoundAtTheEmulator(t *testing.T) {
	e, err := emulator.New(emulator.Options{Users: 10, Paused: true})
	require.NoError(t, err)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	require.NoError(t, e.SetFaults(emulator.Faults{ClientCallsPerS: 30}))
	client, err := New(Config{URL: server.URL, Org: "demo", App: "presence", ClientID: "id", ClientSecret: "secret", Rate: 40,
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 50}}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	until, calls := time.Now().Add(12*time.Second), 0
	for time.Now().Before(until) {
		_, err := client.Get(t.Context(), "svc-1", []string{"user-0001"})
		if calls++; err != nil {
			require.True(t, IsThrottled(err), "%v", err)
		}
	}
	stats := e.Stats()
	t.Logf("%d calls, %d refused, %.1f a second in the end", calls, stats.Rejected["429"], client.Rate(KindGet))
	require.Positive(t, stats.Rejected["429"], "the fault fired")
	require.LessOrEqual(t, stats.Rejected["429"], 15)
	require.InDelta(t, 20, client.Rate(KindGet), 6)
}
