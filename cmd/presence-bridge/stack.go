package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
	"github.com/presence-bridge/presence-bridge/hub/keeper"
	"github.com/presence-bridge/presence-bridge/hub/processors"
	"github.com/presence-bridge/presence-bridge/poller"
	"github.com/presence-bridge/presence-bridge/web"
)

// plan says which parts of the bridge a process runs, and how.
type plan struct {
	command  string // on whose behalf
	app      bridge.App
	emulator *emulator.Options // nil: the vendor is elsewhere; otherwise its URL is filled in
	vendor   *easemob.Config   // nil: nobody is asked, a hub only reads
	online   bool              // the vendor is asked who is online, and no more
	poller   *poller.Config    // nil: no poller; names no id, logger or metrics, nor do the next two
	keeper   *keeper.Config    // nil: no keeper
	hub      *hub.Config       // nil: no hub; names no bus, vendor or followers either
	nats     natsPlan

	listen, adminListen, emulatorListen string // of the hub, for operators, of the emulator

	handed environment // says what socket was handed over, for a hub that listens on it
}

// The phases of a stack.
const (
	phaseStarting = iota
	phaseRunning
	phaseStopping
)

// stack is the parts of the bridge in one process, running.
type stack struct {
	*parts
	plan
	id       string // of this process among all of them
	registry *prometheus.Registry
	phase    atomic.Int32

	public, admin net.Listener // public is nil without a hub
	played        net.Listener // nil without an emulator
	nats          *bridge.Server
	conn          *nats.Conn
	bus           *bridge.Bus
	client        *easemob.Client
	browsers      *hub.Hub
	asker         *poller.Poller // nil without a poller
}

// runStack runs a plan until ctx is done. It calls up when everything has been started.
func runStack(ctx context.Context, p plan, log *slog.Logger, up func(context.Context, *stack) error) error {
	s := newStack(p, log)
	defer s.stop()
	if err := s.bind(ctx, p.command, s.places()...); err != nil {
		return err
	}
	if err := s.startAll(ctx); err != nil {
		return err
	}
	if err := up(ctx, s); err != nil {
		return err
	}
	return s.wait(ctx)
}

func newStack(p plan, log *slog.Logger) *stack {
	s := &stack{parts: newParts(log), plan: p, id: newID(), registry: prometheus.NewRegistry()}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// places are the addresses that are bound before anything starts. NATS binds its own.
func (s *stack) places() (list []place) {
	if s.hub != nil {
		list = append(list, place{"--listen", "LISTEN", s.listen, ":0", &s.public, s.handed.inherit})
	}
	list = append(list, place{"--admin-listen", "ADMIN_LISTEN", s.adminListen, "127.0.0.1:0", &s.admin, nil})
	if s.plan.nats.url == "" {
		list = append(list, place{"--nats-listen", "NATS_LISTEN", s.plan.nats.server.Listen, "127.0.0.1:0", nil, nil})
	}
	if s.emulator != nil {
		list = append(list, place{"--emulator-listen", "EMULATOR_LISTEN", s.emulatorListen, "127.0.0.1:0", &s.played, nil})
	}
	return list
}

// startAll starts the parts. What is started last is stopped first: who leads gives the role away at once,
// while browsers are still being told to come back elsewhere, and what all rely on goes last.
func (s *stack) startAll(ctx context.Context) error {
	s.serveHTTP("admin listener", s.admin, s.adminHandler())
	for _, start := range []func(context.Context) error{
		s.startEmulator, s.openNATS, s.openVendor, s.startHub, s.startPoller,
	} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	s.phase.Store(phaseRunning)
	return nil
}

func (s *stack) stop() {
	if s.phase.Swap(phaseStopping) == phaseRunning { // otherwise the error says it all
		s.log.Info("stopping")
		s.turnAway()
	}
	s.parts.stop()
}

// turnAway sends newcomers to other hubs before the poller and the keeper stop, and gives clients the time to follow.
func (s *stack) turnAway() {
	if s.browsers != nil {
		s.browsers.TurnAway()
		s.patience = s.browsers.DrainWithin()
	}
}

// openNATS starts or reaches NATS, and makes or checks what the bridge keeps there.
func (s *stack) openNATS(ctx context.Context) (err error) {
	p := s.plan.nats
	if p.url != "" {
		s.conn, err = bridge.Connect(p.url, p.creds, s.log)
	} else {
		err = s.startNATS(p)
	}
	if err != nil {
		return err
	}
	s.down.add("NATS connection", func(context.Context) { s.conn.Close() })
	s.bus, err = bridge.Open(ctx, s.conn, s.app, p.settings, s.log)
	return err
}

func (s *stack) startNATS(p natsPlan) error {
	server, release, err := p.startServer()
	if err != nil {
		return err
	}
	s.nats = server
	s.down.add("NATS server", func(context.Context) { server.Stop(); release() })
	s.conn, err = server.Connect(s.log)
	return err
}

// startEmulator comes before those who ask it, so that it answers until they have stopped.
func (s *stack) startEmulator(context.Context) error {
	if s.emulator == nil {
		return nil
	}
	return s.emulate(s.played, *s.emulator)
}

func (s *stack) openVendor(context.Context) (err error) {
	if s.vendor == nil {
		return nil
	}
	c := *s.vendor
	if s.played != nil {
		c.URL = "http://" + s.played.Addr().String()
	}
	if s.client, err = easemob.New(c); err == nil {
		s.down.add("vendor client", func(context.Context) { s.client.Close() })
	}
	return err
}

// startHub starts the keeper with the hub, whose one consumer feeds the keeper's journal too.
func (s *stack) startHub(context.Context) (err error) {
	if s.hub == nil {
		return nil
	}
	c := *s.hub
	c.Bus, c.ID, c.Logger, c.Registerer, c.Files, c.Version = s.bus, s.id, s.log, s.registry, web.Files(), buildVersion()
	if s.client != nil { // a nil *Client in the interface would be a vendor all the same
		c.Vendor = s.source()
	}
	keep, err := s.makeKeeper()
	if err != nil {
		return err
	}
	if keep != nil {
		c.Followers = append(c.Followers, keep.Journal())
	}
	if s.browsers, err = hub.New(c); err != nil {
		return err
	}
	s.start("hub", s.browsers.Run)
	s.start("public listener", func(ctx context.Context) error { return s.browsers.Serve(ctx, s.public) })
	if keep != nil {
		s.start("keeper", keep.Run)
	}
	if s.nats == nil && s.poller == nil { // a hub of its own
		s.start("processors", processors.Follow)
	}
	return nil
}

// source is the client as those see it who look at users and set them.
func (s *stack) source() interface {
	poller.Vendor
	hub.Setter
} {
	if s.online {
		return s.client.Online()
	}
	return s.client
}

func (s *stack) makeKeeper() (*keeper.Keeper, error) {
	if s.keeper == nil {
		return nil, nil
	}
	c := *s.keeper
	c.ID, c.Logger, c.Registerer = s.id, s.log, s.registry
	return keeper.New(s.bus, s.client, c)
}

func (s *stack) startPoller(context.Context) error {
	if s.poller == nil {
		return nil
	}
	c := *s.poller
	c.ID, c.Logger, c.Registerer = s.id, s.log, s.registry
	asker, err := poller.New(s.bus, s.source(), c)
	if err != nil {
		return err
	}
	s.asker = asker
	s.start("poller", asker.Run)
	return nil
}

// ready is nil when what this process is there for can be done.
func (s *stack) ready() error {
	switch {
	case s.phase.Load() == phaseStarting: // the fields below are being written
		return errors.New("starting")
	case s.phase.Load() == phaseStopping:
		return errors.New("stopping")
	case s.browsers != nil:
		return s.browsers.Ready()
	case !s.bus.Connected():
		return errors.New("NATS is away")
	}
	return nil
}
