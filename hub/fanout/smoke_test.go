//go:build linux

package fanout

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHarnessCounts what arrives, all of it and nothing else, from the hub and from both floors.
func TestHarnessCounts(t *testing.T) {
	for name, server := range map[string]func() *target{
		"hub":      func() *target { return startHub(t) },
		"floor":    func() *target { return startFloor(t) },
		"coalesce": func() *target { return startFloor(t, coalesceVariable+"=1") },
	} {
		s := connect(t, server(), spread(50, 10, 100), 0)
		for _, r := range []result{s.rate(400, 250*time.Millisecond), s.saturate(4, 250*time.Millisecond)} {
			require.GreaterOrEqual(t, r.expected, int64(4*50), name)
			require.Zero(t, r.missing(), name)
			require.EqualValues(t, r.expected, r.latency.total, name)
			require.Positive(t, r.latency.quantile(0.99), name)
		}
		s.end()
	}
}

// TestHarnessCountsWhatComesInPieces that are hardly longer than what is counted.
func TestHarnessCountsWhatComesInPieces(t *testing.T) {
	at, a := startFloor(t), spread(20, 10, 100)
	s := &session{t: t, at: at, crowd: newCrowd(t, at.at[0], a.clients), audience: a, patience: patience}
	s.crowd.buf = s.crowd.buf[:delivery+1]
	s.crowd.gather()
	defer s.end()
	r := s.rate(400, 250*time.Millisecond)
	require.Equal(t, int64(200), r.expected)
	require.Zero(t, r.missing())
}

// TestHarnessNoticesWhatIsMissing when one of ten deliveries is left out.
func TestHarnessNoticesWhatIsMissing(t *testing.T) {
	s := connect(t, startFloor(t, dropVariable+"=10"), spread(50, 10, 100), 0)
	defer s.end()
	s.patience = time.Second
	r := s.rate(400, 250*time.Millisecond)
	require.Equal(t, int64(500), r.expected, "each of 100 users once, for all who watch")
	require.GreaterOrEqual(t, r.missing(), int64(50))
	arrived := func() bool { return s.crowd.received.Load() == 450 }
	require.Eventually(t, arrived, time.Minute, lookAgain, "and no more are missing than were left out")
}
