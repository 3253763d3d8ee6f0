//go:build !race

// Millions of looks in fake time, in one goroutine: the race detector has nothing to find in them, and makes them ten
// times as slow.

package schedule

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGates holds the schedule against round robin, and against one that knows how often everybody changes.
func TestGates(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			t.Parallel()
			b := benchmarkZ(seed + 1)
			ring, known, ours := b.run(roundRobin), b.run(oracle), b.run(learned)
			g := gates{t: t}
			g.most("weighted mean lag / round robin", ours.weightedLag.mean(), ring.weightedLag.mean(), 0.20)
			g.most("weighted mean lag / oracle", ours.weightedLag.mean(), known.weightedLag.mean(), 0.55)
			g.most("mean lag / round robin", ours.lag.mean(), ring.lag.mean(), 0.45)
			g.most("weighted p99 / round robin", ours.weightedLag.quantile(.99), ring.weightedLag.quantile(.99), 1.25)
			g.most("p99 / round robin", ours.lag.quantile(.99), ring.lag.quantile(.99), 2.2)
			g.most("session start / round robin", ours.start.mean(), ring.start.mean(), 0.7)
			g.most("missed changes / round robin", ours.missed, ring.missed, 0.35)
			g.most("time shown wrong / round robin", ours.wrong, ring.wrong, 0.28)
			g.most("longest gap", ours.longest.Seconds(), 1, 60+2/b.rate)
			require.Zero(t, ours.short, "calls that are not full")
		})
	}
}

// TestMemoryless: where the age of a state tells nothing, little is lost.
func TestMemoryless(t *testing.T) {
	t.Parallel()
	b := benchmarkZ(1)
	b.workload = "memoryless"
	known, ours := b.run(oracle), b.run(learned)
	gates{t: t}.most("weighted mean lag / oracle", ours.weightedLag.mean(), known.weightedLag.mean(), 1.15)
}

// TestFlapstorm: a few who flap for ever take little from the others.
func TestFlapstorm(t *testing.T) {
	t.Parallel()
	b := benchmarkZ(1)
	b.workload = "flapstorm"
	ring, ours := b.run(roundRobin), b.run(learned)
	gates{t: t}.most("session start / round robin", ours.start.mean(), ring.start.mean(), 0.8)
}

// TestBudgetIsCut has 30 % of the calls for ten minutes of each hour, which is a turn of 67 s.
func TestBudgetIsCut(t *testing.T) {
	t.Parallel()
	b := benchmarkZ(1)
	b.maxStaleness = 100 * time.Second
	b.budget = func(at float64) float64 {
		if at-3600*float64(int(at/3600)) < 600 {
			return 0.3
		}
		return 1
	}
	known, ours := b.run(oracle), b.run(learned)
	g := gates{t: t}
	g.most("weighted mean lag / oracle", ours.weightedLag.mean(), known.weightedLag.mean(), 0.6)
	g.most("longest gap", ours.longest.Seconds(), 1, b.maxStaleness.Seconds()+2/(0.3*b.rate))
	require.Zero(t, ours.short, "calls that are not full")
}

// TestCallsDoNotSuffice has a turn of 20 s: what it does not fit in is one and a half of it, what it does is kept.
func TestCallsDoNotSuffice(t *testing.T) {
	t.Parallel()
	for maxStaleness, longest := range map[time.Duration]float64{10 * time.Second: 30, 19 * time.Second: 30, 22 * time.Second: 22, 25 * time.Second: 25} {
		b := benchmarkZ(1)
		b.maxStaleness, b.warm, b.count = maxStaleness, time.Hour, time.Hour
		ours := b.run(learned)
		gates{t: t}.most("longest gap of "+maxStaleness.String(), ours.longest.Seconds(), 1, longest+2/b.rate)
		require.Zero(t, ours.short, "calls that are not full")
	}
}

// TestLastTime has a turn of 100 s, in which many changes come and go. That there was one tells the vendor's last_time.
func TestLastTime(t *testing.T) {
	t.Parallel()
	b := benchmarkZ(1)
	b.rate, b.maxStaleness = 0.5, 5*time.Minute
	without := b.run(learned)
	b.lastTime = true
	with := b.run(learned)
	gates{t: t}.most("weighted mean lag / that without last_time", with.weightedLag.mean(), without.weightedLag.mean(), 0.95)
}

// TestChurn: who begins to be watched is looked at in the next call but one.
func TestChurn(t *testing.T) {
	t.Parallel()
	b := benchmarkZ(1)
	b.churn, b.warm, b.count = 0.01, time.Hour, 2*time.Hour
	ours := b.run(learned)
	require.Greater(t, len(ours.first.lags), 5000)
	gates{t: t}.most("first look, p99, in calls", ours.first.quantile(.99)*b.rate, 1, 2)
}

// TestCallbacks: with them a change is known by the next call.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	b := benchmarkZ(1)
	b.callbacks, b.warm, b.count = true, time.Hour, 3*time.Hour
	ours := b.run(learned)
	gates{t: t}.most("weighted mean lag", ours.weightedLag.mean(), 1, 0.1+0.5/b.rate+0.1)
}

// TestManyOperators: a call is for the users of one of ten operators, which costs little.
func TestManyOperators(t *testing.T) {
	t.Parallel()
	b := benchmarkZ(1)
	b.people, b.rate, b.warm, b.count = 30_000, 15, time.Hour, time.Hour
	one := b.run(learned)
	b.operators = 10
	ten := b.run(learned)
	g := gates{t: t}
	g.most("weighted mean lag / that of one operator", ten.weightedLag.mean(), one.weightedLag.mean(), 1.05)
	g.most("longest gap", ten.longest.Seconds(), 1, 60+2/b.rate)
	require.Zero(t, ten.short, "calls that are not full")
}

type gates struct{ t *testing.T }

func (g gates) most(what string, got, of, limit float64) {
	g.t.Helper()
	g.t.Logf("%-40s %6.3f of %.3f", what, got/of, limit)
	if !(got/of <= limit) {
		g.t.Errorf("%s: %.3f, more than %.3f", what, got/of, limit)
	}
}
