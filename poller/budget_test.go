package poller

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// TestNoSecondIsOverTheBudget counts at the vendor while pollers replace each other, in peace and by a crash, and when
// answers take their time. Calls that leave in time can still meet where the road between delays one more than the
// other, as the loopback of a busy machine does, and a road that is late by as much as d brings those of 1+d seconds
// into one. So the road is measured beside: on an idle machine it adds nothing to the budget.
func TestNoSecondIsOverTheBudget(t *testing.T) {
	const rate = 30
	for name, tt := range map[string]struct {
		latency time.Duration
		happens func(*rig, *testPoller)
		least   int // calls in the worst second: it is used, as far as a busy machine lets it
	}{
		"steady":           {0, nil, rate / 2},
		"two seconds late": {2 * time.Second, nil, rate * 3 / 4}, // with fewer than 45 under way it were less
		"stopped":          {0, replaced((*testPoller).stopped), rate / 2},
		"killed":           {0, replaced((*testPoller).killed), rate / 2},
		"a burst of hints": {0, burst, rate / 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigWith(t, emulator.Options{Users: 5000, Paused: true}, time.Second)
			r.people(5000)
			r.registered(5000)
			r.rate = rate
			require.NoError(t, r.emulator.SetFaults(emulator.Faults{LatencyMS: int(tt.latency.Milliseconds())}))
			road := newLoopback(t)
			one := r.poller(r.config("one"))
			calls := func() int { return r.emulator.Stats().Calls["get"] }
			r.eventually("one is at work", func() bool { return calls() > 3*rate })
			if tt.happens != nil {
				tt.happens(r, one)
			}
			before := calls()
			r.eventually("it goes on", func() bool { return calls() > before+3*rate })
			peak := r.emulator.Stats().PeakPerS["get"]
			t.Logf("at most %d calls in a second, of %d; the loopback was up to %v late", peak, rate, road.late())
			require.LessOrEqual(t, peak, road.most(rate))
			require.GreaterOrEqual(t, peak, tt.least)
		})
	}
}

func (p *testPoller) stopped() { p.stop() }
func (p *testPoller) killed()  { p.kill() }

// replaced has another poller take over from one that ends so.
func replaced(end func(*testPoller)) func(*rig, *testPoller) {
	return func(r *rig, one *testPoller) {
		two := r.poller(r.config("two"))
		end(one)
		r.eventually("two leads", two.leading)
	}
}

// burst has the vendor tell of four thousand people at once.
func burst(r *rig, _ *testPoller) {
	_, bus := r.bus()
	for uid := range r.emulator.Users() {
		if uid > "user-4000" {
			continue
		}
		require.NoError(r.t, bus.PublishHint(bridge.Hint{UID: bridge.UID(uid), Source: bridge.SourceHint}))
	}
}

// loopback measures how late the machine's own network is.
type loopback struct {
	conn  net.Conn
	worst atomic.Int64
}

func newLoopback(t *testing.T) *loopback {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var echo errgroup.Group
	echo.Go(func() error {
		far, err := listener.Accept()
		if err == nil {
			_, err = io.Copy(far, far)
		}
		return err
	})
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	l := &loopback{conn: conn}
	echo.Go(l.ping)
	t.Cleanup(func() {
		_ = conn.Close()
		_ = listener.Close()
		_ = echo.Wait() // it ends by an error
	})
	return l
}

func (l *loopback) ping() error {
	for b := make([]byte, 1); ; {
		sent := time.Now()
		if _, err := l.conn.Write(b); err != nil {
			return err
		}
		if _, err := io.ReadFull(l.conn, b); err != nil {
			return err
		}
		l.worst.Store(max(l.worst.Load(), int64(time.Since(sent))))
		time.Sleep(time.Millisecond)
	}
}

// most is how many calls of so many a second may meet in one.
func (l *loopback) most(rate float64) int { return int(rate*(1+l.late().Seconds())) + 1 }

func (l *loopback) late() time.Duration { return time.Duration(l.worst.Load()) }
