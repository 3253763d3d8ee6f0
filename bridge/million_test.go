package bridge

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// flood writes n watches of a holder, as fast as NATS takes them.
func flood(t testing.TB, b *Bus, holder string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	_, err := b.holders.Put(ctx, holder, nil)
	require.NoError(t, err)
	var writes errgroup.Group
	writes.SetLimit(100)
	for _, uid := range numbered(n) {
		writes.Go(func() error {
			_, err := b.js.Publish(ctx, "$KV."+WatchBucket+"."+holder+"."+string(uid), nil)
			return err
		})
	}
	require.NoError(t, writes.Wait())
}

// patient are settings with which nobody dies of a busy machine.
var patient = Settings{InMemory: true, HolderTTL: 10 * time.Minute}

// TestAFloodOfOneHolderIsBounded floods a registry that runs, and one that comes later. The bound is a smaller one, for
// the race detector's sake; BenchmarkAMillionWatchesOfOneHolder has that of every day.
func TestAFloodOfOneHolderIsBounded(t *testing.T) {
	t.Parallel()
	const most, surplus = 3_000, 2_000
	srv := startServer(t, ServerOptions{})
	b, later := busAt(t, srv, patient), busAt(t, srv, patient)
	r, late := NewRegistry(b, nil), NewRegistry(later, nil)
	r.state.most, late.state.most = most, most
	inBackground(t, r.Run)
	waitFor(t, r.Ready(), "the registry")
	flood(t, b, "greedy", most+surplus)
	modest, _ := holderAt(t, b, "modest", "alice")
	inBackground(t, late.Run)
	for _, r := range []*Registry{r, late} {
		require.Eventually(t, func() bool { return r.Watched("alice") && passedOf(r.bus, PassedSurplus) == surplus }, 4*soon, often)
		require.Len(t, r.All(), most+1)
		require.Len(t, r.state.holders["greedy"].uids, most)
	}
	modest.Watch("bob")
	modest.Unwatch("alice")
	for _, r := range []*Registry{r, late} {
		require.Eventually(t, func() bool { return r.Watched("bob") && !r.Watched("alice") }, 4*soon, often)
	}
}

// BenchmarkAMillionWatchesOfOneHolder reads a bucket with a million entries of one holder, as it is and as it were
// without the bound.
func BenchmarkAMillionWatchesOfOneHolder(b *testing.B) {
	const million = 1_000_000
	bus := busAt(b, startServer(b, ServerOptions{}), patient)
	flood(b, bus, "greedy", million)
	for name, most := range map[string]int{"bounded": MaxPerHolder, "boundless": million} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := NewRegistry(bus, nil)
				r.state.most = most
				before, began := heapNow(), time.Now()
				stop := inBackground(b, r.Run)
				<-r.Ready()
				b.ReportMetric(time.Since(began).Seconds(), "s/ready")
				b.ReportMetric(float64(heapNow()-before)/(1<<20), "MiB")
				b.ReportMetric(float64(len(r.All())), "users")
				stop()
			}
		})
	}
}

// heapNow is the bytes in use after what is in no use was let go.
func heapNow() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
