package poller

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/meter"
)

// Vendor is who is asked; *[easemob.Client] is one, and so is [easemob.Online].
type Vendor interface {
	// Wait waits for the next slot of a kind of call and takes it. The poller asks for easemob.KindGet only.
	Wait(ctx context.Context, kind easemob.Kind) error
	// GetNow asks in the name of operator for the presence of up to easemob.MaxUIDs users, in a slot that the
	// caller has taken.
	GetNow(ctx context.Context, operator string, uids []string) (easemob.Answer, error)
	// Rate is how many calls a second of a kind there may be now.
	Rate(kind easemob.Kind) float64
}

// Poller looks at everybody who is watched, while it has the role, and follows the log, the registry and the
// ledger all the time, so that it can take the role over at once.
type Poller struct {
	bus      *bridge.Bus
	vendor   Vendor
	config   Config
	log      *slog.Logger
	journal  *bridge.Journal
	registry *bridge.Registry
	metrics  *metrics

	failures, unwritten complaints // of the vendor, and of NATS

	mu     sync.Mutex
	ledger map[bridge.UID]string // uid -> operator that subscribes the user
	term   *term                 // nil while another leads; what is in it is guarded by mu too
}

// New makes a poller; it starts nothing.
func New(bus *bridge.Bus, vendor Vendor, c Config) (*Poller, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(c.Registerer, c.maxStaleness())
	if err != nil {
		return nil, fmt.Errorf("registering the poller's metrics: %w", err)
	}
	if err := meter.Register(c.Registerer, bus); err != nil {
		return nil, fmt.Errorf("registering the bus's metrics: %w", err)
	}
	p := &Poller{
		bus: bus, vendor: vendor, config: c, log: c.logger(), metrics: m,
		journal: bridge.NewJournal(bus), ledger: map[bridge.UID]string{},
	}
	p.failures = complaints{log: p.log, what: "asking the vendor"}
	p.unwritten = complaints{log: p.log, what: "writing what was seen"}
	p.registry = bridge.NewRegistry(bus, p.watchesChanged)
	return p, nil
}

// Run follows and, whenever the role is ours, leads, until ctx is done; then it returns nil. Everything that it
// started has ended by then.
func (p *Poller) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	p.follow(ctx, g)
	g.Go(func() error { return p.bus.Lead(ctx, bridge.RolePoller, p.config.ID, p.lead) })
	return g.Wait()
}

// follow keeps what a leader needs warm.
func (p *Poller) follow(ctx context.Context, g *errgroup.Group) {
	// The order matters: the freshness reads what the journal has learned of the same message.
	g.Go(func() error { return p.bus.Follow(ctx, p.journal, freshness{p}) })
	g.Go(func() error { return p.registry.Run(ctx) })
	g.Go(func() error { return p.bus.FollowLedger(ctx, p.ledgerChanged) })
}

func (p *Poller) watchesChanged(d bridge.Watches) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.term == nil {
		return
	}
	now := time.Now()
	p.term.watch(d.Added, now)
	for _, uid := range d.Removed {
		p.term.unwatch(uid)
	}
	for _, uid := range d.Weighed {
		p.term.lineup.weigh(uid, weight(p.registry.Watchers(uid)), now)
	}
	p.term.nudge()
}

func (p *Poller) ledgerChanged(c bridge.LedgerChange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.Subscription == nil {
		delete(p.ledger, c.UID)
	} else {
		p.ledger[c.UID] = strings.ToLower(c.Subscription.Operator)
	}
	if p.term != nil {
		p.term.lineup.assign(c.UID, p.ledger[c.UID], time.Now())
		p.term.nudge()
	}
}

// freshness keeps the watch list's verifications in step with the journal, whoever wrote what. It is a
// [bridge.Follower] that comes after the journal.
type freshness struct{ p *Poller }

// Reset implements [bridge.Follower].
func (f freshness) Reset(int64) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if f.p.term != nil {
		f.p.term.list.forgetAll()
	}
}

// Apply implements [bridge.Follower].
func (f freshness) Apply(e bridge.Entry) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if f.p.term != nil {
		f.p.term.learn(e.UID)
	}
}

// CaughtUp implements [bridge.Follower].
func (f freshness) CaughtUp() {}
