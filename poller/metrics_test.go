package poller

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// TestResults: who is refused for what a call asks, who for whom they are, and who may come again, are told apart.
func TestResults(t *testing.T) {
	require.Equal(t, "ok", resultOf(nil))
	for body, want := range map[string]struct {
		status int
		result string
	}{
		`{"error":"illegal_argument"}`:             {400, "refused"},
		`{"result":"the app not open presence"}`:   {400, "denied"},
		`{"error":"unauthorized"}`:                 {401, "denied"},
		`{"error":"forbidden_op"}`:                 {403, "denied"},
		`{"error":"resource_limited"}`:             {429, "denied"},
		`{"error":"reach_limit"}`:                  {429, "throttled"},
		`{"error":"internal_server_error"}`:        {500, "failed"},
		`{"error":"service_resource_not_found"}  `: {404, "denied"},
	} {
		require.Equal(t, want.result, resultOf(vendorSays(t, want.status, body)), body)
	}
}

// TestFigures: the budget is shown beside what MAX_STALENESS takes, and how long nothing can be written.
func TestFigures(t *testing.T) {
	r := prometheus.NewRegistry()
	m, err := newMetrics(r, 30*time.Second)
	require.NoError(t, err)
	now := time.Now()
	m.figures(figures{watched: 5950, budget: 40, maxStaleness: 30 * time.Second, unwritten: now.Add(-7 * time.Second)}, now)
	require.Equal(t, 2.0, testutil.ToFloat64(m.needed), "60 calls in 30 s")
	require.Equal(t, 40.0, testutil.ToFloat64(m.budget))
	require.Equal(t, 30.0, testutil.ToFloat64(m.promise))
	require.Equal(t, 7.0, testutil.ToFloat64(m.unwritten))
	m.figures(figures{watched: 5950, budget: 40, maxStaleness: 30 * time.Second}, now)
	require.Zero(t, testutil.ToFloat64(m.unwritten))
	m.idle()
	require.Zero(t, testutil.ToFloat64(m.needed))
	require.Equal(t, 30.0, testutil.ToFloat64(m.promise), "it is a setting")
}
