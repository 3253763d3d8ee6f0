package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/hub"
)

// A backend has a hundred users watched whom no browser shows, and prints what changes. It needs a connection to NATS
// and nothing of this module.
func Example() {
	run(func(ctx context.Context, nc *nats.Conn, printed chan<- struct{}) error {
		changes, err := nc.Subscribe("presence.v1.demo.presence.>", func(m *nats.Msg) {
			var change struct {
				UID    string `json:"uid"`
				Online bool   `json:"online"`
			}
			if json.Unmarshal(m.Data, &change) == nil {
				fmt.Println(change.UID, "is online:", change.Online)
				printed <- struct{}{}
			}
		})
		if err != nil {
			return err
		}
		defer func() { _ = changes.Unsubscribe() }()

		type lease struct {
			Holder string   `json:"holder"`
			UIDs   []string `json:"uids"`
			TTL    string   `json:"ttl"`
		}
		wanted := lease{Holder: "billing", TTL: "10m"}
		for i := range 100 {
			wanted.UIDs = append(wanted.UIDs, fmt.Sprintf("user-%03d", i))
		}
		request, err := json.Marshal(wanted)
		if err != nil {
			return err
		}
		renew := time.NewTicker(5 * time.Minute)
		defer renew.Stop()
		for {
			answer, err := nc.Request("presence.api.watch", request, 10*time.Second)
			if err != nil {
				return err
			}
			if why := answer.Header.Get("Nats-Service-Error"); why != "" {
				return errors.New(why)
			}
			select {
			case <-renew.C:
			case <-ctx.Done():
				return nil
			}
		}
	})
	// Output:
	// user-007 is online: true
	// user-042 is online: true
	// user-007 is online: false
}

// run plays the bridge for a backend: NATS, a hub, and a poller that sees three things once it is told whom to look at.
func run(backend func(ctx context.Context, nc *nats.Conn, printed chan<- struct{}) error) {
	server, err := bridge.StartServer(bridge.ServerOptions{})
	check(err)
	defer server.Stop()
	nc, err := server.Connect(nil)
	check(err)
	defer nc.Close()
	ctx, cancel := context.WithCancel(context.Background())
	bus, err := bridge.Open(ctx, nc, bridge.App{Org: "demo", Name: "presence"}, bridge.Settings{InMemory: true}, nil)
	check(err)
	h, err := hub.New(hub.Config{Bus: bus, Auth: hub.Auth{None: true}, ID: "hub-1"})
	check(err)

	told, printed := make(chan bridge.UID, 100), make(chan struct{}, 3)
	journal := bridge.NewJournal(bus)
	registry := bridge.NewRegistry(bus, func(w bridge.Watches) {
		for _, uid := range w.Added {
			told <- uid
		}
	})
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { check(bus.Follow(ctx, journal)) })
	all.Go(func() { check(registry.Run(ctx)) })
	all.Go(func() { check(h.Run(ctx)) })
	for answers(nc) != nil { // the hub has just been started
	}
	all.Go(func() { check(backend(ctx, nc, printed)) })

	<-journal.Ready()
	for range cap(told) {
		<-told
	}
	for _, seen := range []struct {
		uid    bridge.UID
		status string
	}{{"user-007", "1"}, {"user-042", "1"}, {"user-007", "0"}} {
		_, err := journal.Observe(ctx, []bridge.Observation{{UID: seen.uid, At: time.Now(), Source: bridge.SourcePoll,
			State: bridge.StateOf(map[string]string{"web_1": seen.status}, "", 0)}})
		check(err)
		<-printed
	}
}

func answers(nc *nats.Conn) error {
	_, err := nc.Request("presence.api.set", nil, time.Second) // the last to be offered
	return err
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
