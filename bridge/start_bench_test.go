package bridge

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const knownUsers = 100_000

// BenchmarkStart has a journal learn the last state of a hundred thousand users, as a poller does that starts or takes
// over. Then the answers of a whole turn that shows nothing new must publish nothing.
func BenchmarkStart(b *testing.B) {
	bus := benchBus(b)
	users := make([]UID, knownUsers)
	for i := range users {
		users[i] = UID(fmt.Sprintf("user-%06d", i))
	}
	fillLog(b, bus, users)
	b.ReportAllocs()
	for b.Loop() {
		j := NewJournal(bus)
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() { done <- bus.Follow(ctx, j) }()
		<-j.Ready()
		b.StopTimer()
		requireNothingNew(b, j, users)
		cancel()
		require.NoError(b, <-done)
		b.StartTimer()
	}
}

func fillLog(b *testing.B, bus *Bus, users []UID) {
	j := NewJournal(bus)
	j.Reset(bus.stream.CachedInfo().Created.UnixNano())
	j.CaughtUp()
	for first := 0; first < len(users); first += 1000 {
		out, err := j.Observe(b.Context(), benchBatch(users[first:first+1000], 1))
		require.NoError(b, err)
		require.Equal(b, 1000, out.Published)
	}
}

func requireNothingNew(b *testing.B, j *Journal, users []UID) {
	looks := benchBatch(users, 1)
	for i := range looks {
		looks[i].At = time.Now()
	}
	out, err := j.Observe(b.Context(), looks)
	require.NoError(b, err)
	require.Equal(b, Outcome{}, out)
}
