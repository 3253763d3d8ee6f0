package bridge_test

import (
	"context"
	"fmt"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// printer is a follower that prints what happens.
type printer struct{ printed chan struct{} }

func (p printer) Reset(int64) {}
func (p printer) CaughtUp()   {}
func (p printer) Apply(e bridge.Entry) {
	fmt.Println(e.UID, "is online:", e.Online, e.Changed)
	p.printed <- struct{}{}
}

// A poller looks at somebody, and a follower hears of it.
func Example() {
	server, err := bridge.StartServer(bridge.ServerOptions{})
	if err != nil {
		panic(err)
	}
	defer server.Stop()
	nc, err := server.Connect(nil)
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithCancel(context.Background())
	app := bridge.App{Org: "demo", Name: "presence"}
	bus, err := bridge.Open(ctx, nc, app, bridge.Settings{InMemory: true}, nil)
	if err != nil {
		panic(err)
	}

	journal, p := bridge.NewJournal(bus), printer{make(chan struct{})}
	followed := make(chan error)
	go func() { followed <- bus.Follow(ctx, journal, p) }()
	<-journal.Ready()
	for _, status := range []string{"1", "1", "0"} { // the second look shows nothing new
		_, err := journal.Observe(ctx, []bridge.Observation{{
			UID: "alice", State: bridge.StateOf(map[string]string{"web_1": status}, "", 0), At: time.Now(), Source: bridge.SourcePoll,
		}})
		if err != nil {
			panic(err)
		}
	}
	<-p.printed
	<-p.printed
	cancel()
	<-followed
	// Output:
	// alice is online: true [first]
	// alice is online: false [status]
}

// A hub says whom its browsers watch, and a poller hears of it.
func ExampleHolder() {
	server, err := bridge.StartServer(bridge.ServerOptions{})
	if err != nil {
		panic(err)
	}
	defer server.Stop()
	nc, err := server.Connect(nil)
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithCancel(context.Background())
	app := bridge.App{Org: "demo", Name: "presence"}
	bus, err := bridge.Open(ctx, nc, app, bridge.Settings{InMemory: true}, nil)
	if err != nil {
		panic(err)
	}

	heard := make(chan struct{})
	registry := bridge.NewRegistry(bus, func(w bridge.Watches) {
		fmt.Println("watched:", w.Added, "not any more:", w.Removed)
		heard <- struct{}{}
	})
	holder := bridge.NewHolder(bus, "hub-1")
	ended := make(chan error)
	go func() { ended <- registry.Run(ctx) }()
	go func() { ended <- holder.Run(ctx) }()
	<-registry.Ready()
	holder.Watch("alice")
	<-heard
	holder.Unwatch("alice")
	<-heard
	cancel()
	<-ended
	<-ended
	// Output:
	// watched: [alice] not any more: []
	// watched: [] not any more: [alice]
}
