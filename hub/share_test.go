package hub

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// sharingVendor notes the last share that was taken of its budget.
type sharingVendor struct {
	vendor
	parts atomic.Int64
}

func (v *sharingVendor) Share(kind easemob.Kind, parts int) {
	if kind == easemob.KindSet {
		v.parts.Store(int64(parts))
	}
}

// TestHubsShareTheBudgetForSets: one hub has all of it, two have half each when both have heard of each other, and who
// comes takes next to nothing until then. One that only shows presence has no part in it.
func TestHubsShareTheBudgetForSets(t *testing.T) {
	w := newWorld(t)
	one, two := &sharingVendor{}, &sharingVendor{}
	has := func(v *sharingVendor, parts int64) {
		t.Helper()
		require.Eventually(t, func() bool { return v.parts.Load() == parts }, 30*time.Second, 5*time.Millisecond, "1/%d", parts)
	}
	start := func(id string, v Setter) (stop func()) {
		h, err := New(Config{Bus: w.bus(), ID: id, Auth: Auth{None: true}, Vendor: v})
		require.NoError(t, err)
		return running(t, h.Run)
	}
	start("hub-1", one)
	has(one, atOnce)
	has(one, 1)
	start("edge", nil)
	start("online-only", &vendor{})
	start("hub-2", two)
	has(two, 2*gently)
	has(one, 2)
	has(two, 2)
}

func TestPartsOfTheBudget(t *testing.T) {
	require.Equal(t, atOnce, parts(0, 0))
	require.Equal(t, 1, parts(0, gentlyFor))
	require.Equal(t, 3*gently, parts(2, gentlyFor-1))
	require.Equal(t, 3, parts(2, gentlyFor))
}

// TestWhoIsAwayFromNATSGoesGently: the others take it for dead, and take its part.
func TestWhoIsAwayFromNATSGoesGently(t *testing.T) {
	now := time.Now()
	s := newSharing(now)
	at := func(d time.Duration, others int, counted bool) int { return s.parts(others, counted, now.Add(d)) }
	require.Equal(t, 2*gently, at(0, 1, true))
	require.Equal(t, 2, at(gentlyFor, 1, true))
	require.Equal(t, 2, at(gentlyFor+unheardFor, 0, false), "it may be back in a moment")
	away := gentlyFor + unheardFor + 1
	require.Equal(t, 2*gently, at(away, 0, false))
	require.Equal(t, 3*gently, at(away+shareEvery, 2, true), "they have yet to hear of it")
	require.Equal(t, 3, at(away+gentlyFor, 2, true))
}
