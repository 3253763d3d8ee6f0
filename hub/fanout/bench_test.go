//go:build linux

package fanout

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	users       = 10_000 // of W2
	each        = 100    // of them a client watches
	outstanding = 16     // deliveries a client where the load is what the server can do
)

// figures are what the rounds of a benchmark came to, by unit.
type figures map[string][]float64

func (f figures) add(unit string, v float64) { f[unit] = append(f[unit], v) }

// report tells the medians.
func (f figures) report(b *testing.B) {
	b.ReportMetric(0, "ns/op")
	for unit, values := range f {
		b.ReportMetric(median(values), unit)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// inTurns measures the floor, then the hub, so many rounds: what else the machine does meets both.
func inTurns(b *testing.B, round func(f figures)) {
	for b.Loop() {
		f := figures{}
		for range *rounds {
			round(f)
		}
		f.report(b)
	}
}

// tell logs a load's figures, of which a benchmark reports the medians.
func tell(b *testing.B, who string, r result) {
	b.Helper()
	if r.missing() != 0 {
		b.Errorf("%s: %d of %d deliveries are missing", who, r.missing(), r.expected)
	}
	b.Logf("%s: %d deliveries of %d bytes, %.0f/s, %.2f µs of CPU each, p50 %.1f ms, p99 %.1f ms", who, r.received,
		r.bytes/max(r.received, 1), r.perSecond, r.perDelivery(), r.latency.quantile(0.5), r.latency.quantile(0.99))
}

// BenchmarkW1 is one user whom all watch, who changes ten times a second.
func BenchmarkW1(b *testing.B) {
	a := spread(*conns, 1, 1)
	load := func(who string, at *target, wait time.Duration) result {
		s := connect(b, at, a, wait)
		defer s.end()
		r := s.rate(10, *duration)
		tell(b, who, r)
		return r
	}
	inTurns(b, func(f figures) {
		floor, hub := load("floor", startFloor(b), 0), load("hub", startHub(b), *settle)
		f.add("µs/delivery", hub.perDelivery())
		f.add("x-floor", hub.perDelivery()/floor.perDelivery())
	})
}

// BenchmarkW2 is many clients who each watch a hundred of ten thousand users: 500 changes a second for what a delivery
// costs, 1,000 for how late it is, and as many as are delivered.
func BenchmarkW2(b *testing.B) {
	a := spread(*conns, each, users)
	inTurns(b, func(f figures) {
		floor := w2(b, "floor", startFloor(b), a, 0, even, busy)
		most := w2(b, "coalescing floor", startFloor(b, coalesceVariable+"=1"), a, 0, saturated)
		hub := w2(b, "hub", startHub(b), a, *settle, even, busy, saturated)
		f.add("µs/delivery", hub[even].perDelivery())
		f.add("x-floor", hub[even].perDelivery()/floor[even].perDelivery())
		f.add("p99-ms", hub[busy].latency.quantile(0.99))
		f.add("p99-x-floor", hub[busy].latency.quantile(0.99)/floor[busy].latency.quantile(0.99))
		f.add("saturated/s", hub[saturated].perSecond)
		f.add("saturated-x-floor", hub[saturated].perSecond/most[saturated].perSecond)
	})
}

// The loads of W2, in changes a second.
const (
	even      = 500
	busy      = 1000
	saturated = -1 // as many as are delivered
)

// w2 is what came of each of the loads.
func w2(b *testing.B, who string, at *target, a audience, wait time.Duration, loads ...int) map[int]result {
	b.Helper()
	s := connect(b, at, a, wait)
	defer s.end()
	results := map[int]result{}
	for _, load := range loads {
		if load == saturated {
			results[load] = s.saturate(outstanding, *duration)
			tell(b, who+", saturated", results[load])
			continue
		}
		results[load] = s.rate(load, *duration)
		tell(b, fmt.Sprintf("%s, %d changes/s", who, load), results[load])
	}
	return results
}

// BenchmarkConnect is a storm of clients who connect and subscribe to a hundred users, 128 at a time. A tenth of them
// are there before, so that most users are watched already: who watches a user first makes a hub say so to NATS.
func BenchmarkConnect(b *testing.B) {
	a := spread(*conns, each, users)
	inTurns(b, func(f figures) {
		floor, _ := storm(b, "floor", startFloor(b), a, 0)
		hub, cpu := storm(b, "hub", startHub(b), a, *settle)
		f.add("conns/s", hub)
		f.add("µs/conn", cpu)
		f.add("x-floor", hub/floor)
	})
}

// storm is the rate of connections, and the server's processor time for one in µs.
func storm(b *testing.B, who string, at *target, a audience, wait time.Duration) (perSecond, cpu float64) {
	b.Helper()
	defer at.stop()
	few, many := a.clients[:len(a.clients)/10], a.clients[len(a.clients)/10:]
	early, late := newCrowd(b, at.at[0], few), newCrowd(b, at.at[0], many)
	first := early.gather()
	defer early.stop()
	time.Sleep(wait)
	before := at.cpu()
	took := late.gather()
	defer late.stop()
	cpu = float64((at.cpu() - before).Microseconds()) / float64(len(many))
	perSecond = float64(len(many)) / took.Seconds()
	b.Logf("%s: %.0f connections/s, %.0f µs of CPU each; the first tenth %.0f/s", who, perSecond, cpu,
		float64(len(few))/first.Seconds())
	return perSecond, cpu
}

// BenchmarkIdle is what clients of twenty users take of the hub's memory while nothing happens.
func BenchmarkIdle(b *testing.B) {
	a := spread(*idle, 20, users)
	n := float64(*idle)
	inTurns(b, func(f figures) {
		at := startHub(b)
		before, few := at.resident(), at.goroutines()
		s := connect(b, at, a, *idleFor)
		defer s.end()
		resting, many := (at.resident()-before)/n, at.goroutines()
		at.collect()
		collected := (at.resident() - before) / n
		f.add("KB/conn", resting)
		f.add("KB/conn-collected", collected)
		f.add("goroutines/conn", float64(many-few)/n)
		b.Logf("hub: %d connections after %v: %.1f KB each, %.1f when collected", *idle, *idleFor, resting, collected)
	})
}
