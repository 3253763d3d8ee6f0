//go:build linux

package fanout

import (
	"context"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/hub"
	"github.com/presence-bridge/presence-bridge/hub/processors"
)

var app = bridge.App{Org: "bench", Name: "fanout"}

// natsVariable tells a hub where NATS is.
const natsVariable = "FANOUT_NATS"

// metrics are those of a hub.
var metrics = prometheus.NewRegistry()

// answer is what a child says to its parent's question.
func answer(question string) int {
	switch question {
	case "collect":
		debug.FreeOSMemory()
	case "stuck":
		return stuck()
	}
	return runtime.NumGoroutine()
}

// stuck is how many sockets take nothing at the moment; -1: there is no hub.
func stuck() int {
	families, _ := metrics.Gather()
	for _, f := range families {
		if f.GetName() == "presence_bridge_hub_stuck_sockets" {
			return int(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return -1
}

// serveNATS keeps its streams in memory.
func serveNATS(ctx context.Context, at func(...any)) error {
	s, err := bridge.StartServer(bridge.ServerOptions{Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer s.Stop()
	at(s.URL())
	<-ctx.Done()
	return nil
}

// serveHub is a hub as it is in production, with limits that are out of the way and nobody who has to show a token.
func serveHub(ctx context.Context, at func(...any)) error {
	nc, err := bridge.Connect(os.Getenv(natsVariable), "", nil)
	if err != nil {
		return err
	}
	defer nc.Close()
	bus, err := bridge.Open(ctx, nc, app, bridge.Settings{InMemory: true}, nil)
	if err != nil {
		return err
	}
	h, err := hub.New(hub.Config{Bus: bus, Auth: hub.Auth{None: true}, ID: "hub", Registerer: metrics,
		Limits: hub.Limits{MaxConnectionsPerSubject: 1 << 20, MaxUIDsPerSubject: 1 << 30}})
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.Run(ctx) })
	g.Go(func() error { return processors.Follow(ctx) })
	g.Go(func() error { return h.Serve(ctx, l) })
	g.Go(func() error { return whenReady(ctx, h, func() { at(l.Addr()) }) })
	return g.Wait()
}

func whenReady(ctx context.Context, h *hub.Hub, then func()) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for h.Ready() != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	then()
	return nil
}
