package keeper

import (
	"context"
	"fmt"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"

	"golang.org/x/sync/errgroup"
)

// Vendor is what the keeper asks of the vendor; *easemob.Client is one.
type Vendor interface {
	Subscribe(ctx context.Context, operator string, uids []string, ttl time.Duration) (easemob.Answer, error)
	Unsubscribe(ctx context.Context, operator string, uids []string) error
	AllSubscriptions(ctx context.Context, operator string, read func(users int)) ([]easemob.Subscription, error)
}

// ledger is where it is written down who subscribes whom; *bridge.Bus is one.
type ledger interface {
	Subscribed(ctx context.Context, uid bridge.UID, s bridge.Subscription) error
	Unsubscribed(ctx context.Context, uid bridge.UID) error
	Ledger(ctx context.Context) (map[bridge.UID]bridge.Subscription, error)
}

// registry knows who is watched; *bridge.Registry is one. It tells [Keeper.changed] of changes.
type registry interface {
	Run(ctx context.Context) error
	Ready() <-chan struct{}
	Watched(uid bridge.UID) bool
	All() []bridge.UID
}

// observer takes what the answers show; *bridge.Journal is one.
type observer interface {
	Observe(ctx context.Context, batch []bridge.Observation) (bridge.Outcome, error)
}

// role runs lead while this process is the active keeper, as [bridge.Bus.Lead] does.
type role func(ctx context.Context, lead func(context.Context) error) error

// Keeper holds the vendor's subscriptions of everybody who is watched. Make one with [New].
type Keeper struct {
	config   Config
	vendor   Vendor
	ledger   ledger
	observer observer
	role     role
	metrics  *metrics
	inbox    *inbox

	registry registry
	journal  *bridge.Journal
}

// New makes a keeper; it starts nothing and calls nobody.
func New(bus *bridge.Bus, vendor Vendor, c Config) (*Keeper, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	metrics, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, fmt.Errorf("registering the keeper's metrics: %w", err)
	}
	journal := bridge.NewJournal(bus)
	k := &Keeper{
		config: c.withDefaults(), vendor: vendor, metrics: metrics, inbox: newInbox(),
		ledger: bus, observer: journal, journal: journal,
		role: func(ctx context.Context, lead func(context.Context) error) error {
			return bus.Lead(ctx, bridge.RoleKeeper, c.ID, lead)
		},
	}
	k.registry = bridge.NewRegistry(bus, k.inbox.changed)
	return k, nil
}

// Journal is what writes the states that subscribing brings into the log. It is of use only while it follows
// the log: whoever runs [bridge.Bus.Follow] passes it there.
func (k *Keeper) Journal() *bridge.Journal { return k.journal }

// Run keeps the subscriptions whenever this process has the role, until ctx is done. Everything it started
// has ended when it returns, and nothing was unsubscribed for it. One Run at a time.
func (k *Keeper) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return k.registry.Run(ctx) })
	g.Go(func() error { return k.role(ctx, k.lead) })
	return g.Wait()
}
