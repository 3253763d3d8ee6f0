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
	"github.com/presence-bridge/presence-bridge/hub"
	"github.com/presence-bridge/presence-bridge/hub/keeper"
	"github.com/presence-bridge/presence-bridge/poller"
	"github.com/presence-bridge/presence-bridge/web"
)

// plan says which parts of the bridge a process runs, and how.
type plan struct {
	app         bridge.App
	vendor      *easemob.Config // nil: nobody is asked, a hub only reads
	poller      *poller.Config  // nil: no poller; names no id, logger or metrics, nor do the next two
	keeper      *keeper.Config  // nil: no keeper
	hub         *hub.Config     // nil: no hub; names no bus, vendor or followers either
	nats        natsPlan
	listen      string // of the hub
	adminListen string
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
	if err := s.bind(ctx); err != nil {
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

// bind takes the addresses before anything starts, and tells all that are taken at once.
func (s *stack) bind(ctx context.Context) error {
	var wrong problems
	var err error
	if s.hub != nil {
		s.public, err = s.listenOn(ctx, "--listen (LISTEN)", s.listen)
		wrong.add(err)
	}
	s.admin, err = s.listenOn(ctx, "--admin-listen (ADMIN_LISTEN)", s.adminListen)
	wrong.add(err)
	return wrong.err()
}

// startAll starts the parts. What is started last is stopped first: who leads gives the role away at once,
// while browsers are still being told to come back elsewhere, and what all rely on goes last.
func (s *stack) startAll(ctx context.Context) error {
	s.serveHTTP("admin listener", s.admin, s.adminHandler())
	for _, start := range []func(context.Context) error{
		s.openNATS, s.openVendor, s.startHub, s.startPoller,
	} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	s.phase.Store(phaseRunning)
	return nil
}

func (s *stack) stop() {
	s.log.Info("stopping")
	s.phase.Store(phaseStopping)
	s.parts.stop()
}

// openNATS starts or reaches NATS, and makes or checks what the bridge keeps there.
func (s *stack) openNATS(ctx context.Context) (err error) {
	p := s.plan.nats
	if p.url != "" {
		s.conn, err = bridge.Connect(p.url, p.creds, s.log)
	} else if s.nats, err = p.startServer(); err == nil {
		s.down.add("NATS server", func(context.Context) { s.nats.Stop() })
		s.conn, err = s.nats.Connect(s.log)
	}
	if err != nil {
		return err
	}
	s.down.add("NATS connection", func(context.Context) { s.conn.Close() })
	s.bus, err = bridge.Open(ctx, s.conn, s.app, p.settings, s.log)
	return err
}

func (s *stack) openVendor(context.Context) (err error) {
	if s.vendor == nil {
		return nil
	}
	if s.client, err = easemob.New(*s.vendor); err == nil {
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
	c.Bus, c.ID, c.Logger, c.Registerer, c.Files = s.bus, s.id, s.log, s.registry, web.Files()
	if s.client != nil { // a nil *Client in the interface would be a vendor all the same
		c.Vendor = s.client
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
	return nil
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
	asker, err := poller.New(s.bus, s.client, c)
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
