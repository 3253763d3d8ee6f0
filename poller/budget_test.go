package poller

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// TestNoSecondIsOverTheBudget counts at the vendor while pollers replace each other, in peace and by a crash, and when
// answers take their time.
func TestNoSecondIsOverTheBudget(t *testing.T) {
	const rate = 30
	for name, tt := range map[string]struct {
		latency time.Duration
		replace func(*testPoller)
		least   int // calls in the worst second: it is used, as far as a busy machine lets it
	}{
		"steady":           {0, nil, rate / 2},
		"two seconds late": {2 * time.Second, nil, rate / 2},
		"stopped":          {0, func(p *testPoller) { p.stop() }, rate / 2},
		"killed":           {0, func(p *testPoller) { p.kill() }, rate / 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigWith(t, emulator.Options{Users: 5000, Paused: true}, time.Second)
			r.people(5000)
			r.registered(5000)
			r.rate = rate
			require.NoError(t, r.emulator.SetFaults(emulator.Faults{LatencyMS: int(tt.latency.Milliseconds())}))
			one := r.poller(r.config("one"))
			calls := func() int { return r.emulator.Stats().Calls["get"] }
			r.eventually("one is at work", func() bool { return calls() > 3*rate })
			if tt.replace != nil {
				two := r.poller(r.config("two"))
				tt.replace(one)
				r.eventually("two leads", two.leading)
			}
			before := calls()
			r.eventually("it goes on", func() bool { return calls() > before+3*rate })
			peak := r.emulator.Stats().PeakPerS["get"]
			t.Logf("at most %d calls in a second, of %d", peak, rate)
			require.LessOrEqual(t, peak, rate+1)
			require.GreaterOrEqual(t, peak, tt.least)
		})
	}
}
