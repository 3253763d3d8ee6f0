package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// A backend has changes in a work queue of its own: none is dropped while its workers are away. It needs a connection to
// NATS and nothing of this module.
func Example_workQueue() {
	withChanges(func(ctx context.Context, nc *nats.Conn) error {
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		queue, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: "BILLING", Retention: jetstream.WorkQueuePolicy,
			Sources: []*jetstream.StreamSource{{Name: "PRESENCE", FilterSubject: "presence.v1.demo.presence.>"}},
		})
		if err != nil {
			return err
		}
		workers, err := queue.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "workers", AckPolicy: jetstream.AckExplicitPolicy})
		if err != nil {
			return err
		}
		for range 3 {
			m, err := workers.Next(jetstream.FetchMaxWait(30 * time.Second))
			if err != nil {
				return err
			}
			var change struct {
				UID    string `json:"uid"`
				Online bool   `json:"online"`
			}
			if err := json.Unmarshal(m.Data(), &change); err != nil {
				return err
			}
			fmt.Println(m.Headers().Get("ce-type"), change.UID, "is online:", change.Online)
			if err := m.DoubleAck(ctx); err != nil { // not acknowledged within 30 s, it comes again
				return err
			}
		}
		return nil
	})
	// Output:
	// presence.changed.v1 alice is online: true
	// presence.changed.v1 bob is online: true
	// presence.changed.v1 alice is online: false
}

// withChanges plays the bridge for a backend: NATS, and a poller that has seen three things.
func withChanges(backend func(context.Context, *nats.Conn) error) {
	server, err := bridge.StartServer(bridge.ServerOptions{})
	must(err)
	defer server.Stop()
	nc, err := server.Connect(nil)
	must(err)
	defer nc.Close()
	ctx, cancel := context.WithCancel(context.Background())
	bus, err := bridge.Open(ctx, nc, bridge.App{Org: "demo", Name: "presence"}, bridge.Settings{InMemory: true}, nil)
	must(err)
	journal, followed := bridge.NewJournal(bus), make(chan error)
	go func() { followed <- bus.Follow(ctx, journal) }()
	<-journal.Ready()
	for _, seen := range []struct {
		uid    bridge.UID
		status string
	}{{"alice", "1"}, {"bob", "1"}, {"alice", "0"}} {
		_, err := journal.Observe(ctx, []bridge.Observation{{UID: seen.uid, At: time.Now(), Source: bridge.SourcePoll,
			State: bridge.StateOf(map[string]string{"web_1": seen.status}, "", 0)}})
		must(err)
	}
	must(backend(ctx, nc))
	cancel()
	<-followed
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
