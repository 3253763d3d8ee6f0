package hub

import (
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// TestGauges: each figure is under its own name.
func TestGauges(t *testing.T) {
	r := prometheus.NewRegistry()
	m := newMetrics(r, &sync.Mutex{})
	m.gauges(1, 2, 3, 4)
	m.limit.Set(5)
	families, err := r.Gather()
	require.NoError(t, err)
	got := map[string]float64{}
	for _, f := range families {
		if len(f.GetMetric()) == 1 && f.GetMetric()[0].GetGauge() != nil {
			got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.Equal(t, map[string]float64{
		"presence_bridge_hub_sessions": 1, "presence_bridge_hub_watched_users": 2, "presence_bridge_hub_unknown_users": 3,
		"presence_bridge_hub_held_users": 4, "presence_bridge_hub_sessions_limit": 5, "presence_bridge_hub_stuck_sockets": 0,
	}, got)
}
