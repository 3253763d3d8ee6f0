package doctor

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// cluster is three servers that know one another.
func cluster(t *testing.T) (nodes []*server.Server) {
	t.Helper()
	first := closed(t)
	for i := range 3 {
		o := server.Options{JetStream: true, ServerName: fmt.Sprintf("n%d", i+1),
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: server.RANDOM_PORT}}
		if i == 0 {
			o.Cluster.Port = portOf(t, first)
		}
		o.Routes = server.RoutesFromStr("nats://" + first)
		nodes = append(nodes, natsServer(t, o))
	}
	for _, n := range nodes {
		require.True(t, n.ReadyForConnections(20*time.Second))
	}
	require.Eventually(t, func() bool {
		for _, n := range nodes {
			if n.JetStreamIsLeader() {
				return len(n.JetStreamClusterPeers()) == 3
			}
		}
		return false
	}, 20*time.Second, 20*time.Millisecond)
	return nodes
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return n
}

// TestCopiesInACluster is a cluster of three that loses one.
func TestCopiesInACluster(t *testing.T) {
	nodes := cluster(t)
	nc, err := nats.Connect(nodes[0].ClientURL())
	require.NoError(t, err)
	defer nc.Close()
	three := bridge.Settings{Replicas: 3}
	require.Eventually(t, func() bool {
		_, err := bridge.Open(t.Context(), nc, demoApp, three, nil)
		return err == nil
	}, 20*time.Second, 100*time.Millisecond)
	require.Eventually(t, func() bool {
		i, err := bridge.Inspect(t.Context(), nc, three)
		return err == nil && len(i.Stream.Away)+len(i.Buckets[4].Away) == 0 && !i.Stream.Headless
	}, 20*time.Second, 100*time.Millisecond)

	url := nodes[0].ClientURL()
	replicated := func(p *Plan) { p.NATS.Settings = three }
	linked(t, url, replicated).says(
		"✔ permissions   all that serve does is permitted",
		"✔ stream        PRESENCE is as it must be",
		"✔ replicas      3 copies of each in cluster c")
	linked(t, url, nil).says(
		"! replicas      NATS_REPLICAS is 1: PRESENCE has 3, presence_watch has 3, presence_holders has 3, presence_subscriptions has 3, presence_roles has 3 and 1 more\n" +
			"                → nats stream edit PRESENCE --replicas=1, and the same of KV_presence_...: serve leaves them as they are")

	stream := jetStreamAt(t, url)
	info, err := stream.Stream(t.Context(), bridge.StreamName)
	require.NoError(t, err)
	require.Zero(t, info.CachedInfo().State.LastSeq, "what proves a permission is not stored")

	nodes[2].Shutdown()
	nodes[2].WaitForShutdown()
	var r report
	require.Eventually(t, func() bool {
		r = linked(t, url, replicated)
		return r.marks[Warning] == 6 && r.marks[Failed] == 0
	}, 20*time.Second, 100*time.Millisecond)
	r.says("! stream        PRESENCE: copies are away or behind, at n3\n                → start them again, or look at their logs",
		"! buckets       presence_watch: copies are away or behind, at n3\n                → start them again, or look at their logs",
		"! buckets       presence_holders: copies are away or behind, at n3\n                → start them again, or look at their logs",
		"! buckets       presence_subscriptions: copies are away or behind, at n3\n                → start them again, or look at their logs",
		"! buckets       presence_roles: copies are away or behind, at n3\n                → start them again, or look at their logs",
		"! buckets       presence_leases: copies are away or behind, at n3\n                → start them again, or look at their logs")

	nodes[1].Shutdown()
	nodes[1].WaitForShutdown()
	const headless = "✘ stream        PRESENCE has no leader and takes nothing\n" +
		"                → start the servers of the cluster that are down: more than half have to run"
	require.Eventually(t, func() bool { r = linked(t, url, replicated); return r.contains(headless) }, 30*time.Second, 100*time.Millisecond)
	require.NotContains(t, r.text, "✔ stream")
}

// TestAClusterWithoutLeader is a server whose fellows never came.
func TestAClusterWithoutLeader(t *testing.T) {
	alone := natsServer(t, server.Options{JetStream: true, ServerName: "n1", Routes: server.RoutesFromStr("nats://" + closed(t)),
		Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: server.RANDOM_PORT}})
	linked(t, alone.ClientURL(), impatient).says("✘ jetstream     it does not answer within 300 ms\n"+
		"                → look at the server's log; of a cluster's servers, more than half have to run",
		"– stream        not checked: JetStream has to be reached first")
}
