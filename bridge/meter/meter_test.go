package meter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func busAt(t *testing.T, s *bridge.Server) *bridge.Bus {
	t.Helper()
	nc, err := s.Connect(nil)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	b, err := bridge.Open(t.Context(), nc, bridge.App{Org: "demo", Name: "presence"}, bridge.Settings{InMemory: true}, nil)
	require.NoError(t, err)
	return b
}

// TestABusIsShownOnce registers it twice, as a process does that is hub and poller.
func TestABusIsShownOnce(t *testing.T) {
	s, err := bridge.StartServer(bridge.ServerOptions{})
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	b, r := busAt(t, s), prometheus.NewRegistry()
	require.NoError(t, Register(nil, b))
	require.NoError(t, Register(r, b))
	require.NoError(t, Register(r, b))
	require.Error(t, Register(r, busAt(t, s)), "whose figures would not be seen")
	require.Equal(t, 9, testutil.CollectAndCount(r, "presence_bridge_passed_over_total"), "those that are 0 are shown too")
	b.PassOver(bridge.PassedHint, "here", errors.New("why"))
	families, err := r.Gather()
	require.NoError(t, err)
	require.Equal(t, "presence_bridge_passed_over_total", families[1].GetName())
	for _, m := range families[1].GetMetric() {
		what := m.GetLabel()[0].GetValue()
		require.Equal(t, map[bool]float64{true: 1}[what == "hint"], m.GetCounter().GetValue(), what)
	}
}

// TestNATSAway: who looks sees that NATS is away.
func TestNATSAway(t *testing.T) {
	s, err := bridge.StartServer(bridge.ServerOptions{})
	require.NoError(t, err)
	r := prometheus.NewRegistry()
	require.NoError(t, Register(r, busAt(t, s)))
	const head = "# HELP presence_bridge_nats_connected 1 while NATS is within reach, 0 while it is away.\n# TYPE presence_bridge_nats_connected gauge\n"
	shows := func(value string) error {
		return testutil.GatherAndCompare(r, strings.NewReader(head+"presence_bridge_nats_connected "+value+"\n"), "presence_bridge_nats_connected")
	}
	require.NoError(t, shows("1"))
	s.Stop()
	require.Eventually(t, func() bool { return shows("0") == nil }, 30*time.Second, 5*time.Millisecond)
}
