package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/meter"
)

// Setter sets a user's presence at the vendor, as *easemob.Client does.
type Setter interface {
	SetPresence(ctx context.Context, uid, resource, status, ext string) error
}

// Config is what a hub is made of.
type Config struct {
	Bus            *bridge.Bus
	Vendor         Setter            // nil: a read-only hub, which refuses to set anything
	Followers      []bridge.Follower // who follows the log with the hub, through its one consumer
	Auth           Auth
	AllowedOrigins []string // whose pages may use the hub, see ALLOWED_ORIGINS
	Limits         Limits
	Files          fs.FS         // the live page and the browser client; nil: none is served
	OfflineGrace   time.Duration // how long who goes offline is shown as they were; 0: not at all
	CallbackSecret string        // of the vendor's rule that posts to CallbackPath; empty: callbacks are refused
	PageUIDs       []string      // whom the page shows to who opens it bare
	WatchUIDs      []bridge.UID  // who is watched whether or not a client looks, for backends that read the log
	ID             string        // one token, unique among all hubs
	Version        string        // of the program, for those who list services
	DrainTimeout   time.Duration // until the last client is let go when the hub stops; 0: 10 s
	Logger         *slog.Logger
	Registerer     prometheus.Registerer // nil: no metrics
}

// Validate tells everything that is wrong with the settings.
func (c Config) Validate() error {
	var wrong []error
	if c.Bus == nil {
		wrong = append(wrong, errors.New("a hub needs a bus"))
	}
	if c.ID == "" || bridge.EncodeToken(c.ID) != c.ID {
		wrong = append(wrong, fmt.Errorf("a hub's id is one token, %q is not", c.ID))
	}
	return errors.Join(append(wrong, c.Auth.Validate(), c.Limits.Validate(), CheckOfflineGrace(c.OfflineGrace), checkDrain(c.DrainTimeout))...)
}

// Hub fans the log out to browsers. See the package's documentation.
type Hub struct {
	bus     *bridge.Bus
	vendor  Setter
	sharer  Sharer // the vendor, where hubs share its budget; nil elsewhere
	more    []bridge.Follower
	archive archive
	auth    *verifier
	origins origins
	limits  Limits
	files   fs.FS
	page    []string
	pinned  map[bridge.UID]bool // watched for as long as the hub runs
	version string
	log     *slog.Logger
	holder  *bridge.Holder
	metrics *metrics
	handler http.Handler

	callbacks   *callbacks // nil: none are taken
	dispatchers []*dispatcher
	clerks      clerks
	heldBack    chan struct{} // holds one token when somebody is held back: see grace
	arrivals    *arrivals
	looking     chan struct{} // holds one token for each history that is being read

	complaint rate.Sometimes // about foreign origins
	unheard   rate.Sometimes // about callbacks that are of no use
	unread    rate.Sometimes // about histories that could not be read

	patience time.Duration // until the last client is let go when the hub stops
	caughtUp chan struct{} // closed when the log was read for the first time
	empty    chan struct{} // holds one token when a draining hub has no sessions left
	leaving  chan struct{} // closed when the hub begins to stop

	patient context.Context // done when a draining hub waits for nobody any more
	quit    func()          // ends patient

	applied time.Time // when the last message of the log was; owned by who follows the log

	mu        sync.Mutex
	users     map[bridge.UID]*user
	people    roll[user]               // users, by number
	wanted    map[bridge.UID]bool      // watched by this hub's holder
	unvouched map[bridge.UID]bool      // of wanted: nobody says that their state is news
	idle      map[bridge.UID]time.Time // of wanted: until when they stay so without anybody who watches
	leased    map[bridge.UID]leases    // of wanted: whom backends want watched
	leasesDue time.Time                // when they are looked at next
	sessions  roll[session]
	heart     heart
	told      []*user // room for news
	fetched   uint32  // what fetch has read: of no use, but without it the compiler would not read
	round     uint64  // counts the rounds of stamping users, see stamp
	moment    int64   // now, in Unix milliseconds, while many are told; 0: nobody has looked
	applying  bool    // a message of the log is being applied: who is touched is told when it is
	subjects  map[string]*subject
	setters   map[bridge.UID]*setter // who has set their presence of late
	position  bridge.Cursor          // what has been applied of the log
	places    places                 // the newest of it
	grace     *grace                 // who is shown as they were; nil: nobody ever is
	current   bool                   // everything that the log held has been applied
	draining  bool
	feed      feedState
	feedHeard time.Time // when the poller last spoke
	scratch   scratch
}

// New makes a hub. It starts nothing: Run keeps it up to date, Serve takes connections.
func New(c Config) (*Hub, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := meter.Register(c.Registerer, c.Bus); err != nil {
		return nil, fmt.Errorf("registering the bus's metrics: %w", err)
	}
	h := newHub(c)
	h.beginEmpty()
	h.build(c) // last: it makes use of what the others have made
	for _, uid := range c.WatchUIDs {
		h.pinned[uid] = true
		h.want(uid)
	}
	return h, nil
}

// newHub takes over the settings, and makes what signals are given by.
func newHub(c Config) *Hub {
	h := &Hub{
		bus: c.Bus, archive: c.Bus, vendor: c.Vendor, more: c.Followers, origins: c.AllowedOrigins,
		limits: c.Limits.withDefaults(), files: c.Files, page: c.PageUIDs, version: c.Version, log: c.Logger,
		patience: cmp.Or(c.DrainTimeout, drainByDefault), grace: newGrace(c.OfflineGrace), holder: bridge.NewHolder(c.Bus, c.ID),
		complaint: rate.Sometimes{First: 1, Interval: time.Minute}, unheard: rate.Sometimes{First: 1, Interval: time.Minute},
		unread:   rate.Sometimes{First: 1, Interval: time.Minute},
		caughtUp: make(chan struct{}), leaving: make(chan struct{}),
		empty: make(chan struct{}, 1), heldBack: make(chan struct{}, 1), looking: make(chan struct{}, lookingBack),
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.patient, h.quit = context.WithCancel(context.Background())
	return h
}

// beginEmpty has the hub begin without users, clients, or anybody who tells of the feed.
func (h *Hub) beginEmpty() {
	h.users, h.wanted, h.unvouched = map[bridge.UID]*user{}, map[bridge.UID]bool{}, map[bridge.UID]bool{}
	h.idle, h.leased, h.pinned = map[bridge.UID]time.Time{}, map[bridge.UID]leases{}, map[bridge.UID]bool{}
	h.subjects, h.setters = map[string]*subject{}, map[bridge.UID]*setter{}
	h.feed = unheardOf()
}

// build makes the parts that need the hub itself.
func (h *Hub) build(c Config) {
	h.metrics = newMetrics(c.Registerer, &h.mu)
	h.metrics.limit.Set(float64(h.limits.MaxConnections))
	h.dispatchers = newDispatchers(h, runtime.GOMAXPROCS(0)/2)
	h.clerks = newClerks(16 * runtime.GOMAXPROCS(0))
	h.arrivals = newArrivals(h.limits.MaxConnections, h.metrics.refuse)
	if sharer, ok := c.Vendor.(Sharer); ok {
		h.sharer = sharer
		h.holder.Sets()
	}
	if c.CallbackSecret != "" {
		h.callbacks = newCallbacks(c.Bus.App(), c.CallbackSecret)
	}
	h.auth = h.newVerifier(c.Auth)
	h.handler = h.routes()
}

// Run follows the log, the feed and the leases, tells NATS whom this hub watches, and answers backends, until ctx is
// done.
func (h *Hub) Run(ctx context.Context) error {
	feed, err := h.bus.SubscribeFeed(h.hear)
	if err != nil {
		return fmt.Errorf("listening to the feed: %w", err)
	}
	defer func() { _ = feed.Unsubscribe() }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.bus.Follow(ctx, append([]bridge.Follower{h}, h.more...)...) })
	g.Go(func() error { return h.holder.Run(ctx) })
	g.Go(func() error { return h.tend(ctx) })
	g.Go(func() error { return h.runGrace(ctx) })
	g.Go(func() error { return h.tellHints(ctx) })
	g.Go(func() error { return h.shareSets(ctx) })
	g.Go(func() error { return h.bus.FollowLeases(ctx, h.leaseChanged) })
	g.Go(func() error { return h.auth.keep(ctx) })
	serving, stopServing := context.WithCancel(ctx)
	g.Go(func() error { return h.serveBackends(serving) })
	g.Go(func() error { defer stopServing(); return h.untilLeaving(ctx) })
	return g.Wait()
}

// untilLeaving waits until the hub begins to stop: backends are sent to other hubs at once.
func (h *Hub) untilLeaving(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-h.leaving:
	}
	return nil
}

// Ready is nil when the hub has read the log, NATS is within reach and the hub is not stopping.
func (h *Hub) Ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.draining:
		return errors.New("stopping")
	case !h.current:
		return errors.New("the log has not been read yet")
	case !h.bus.Connected():
		return errors.New(natsAway)
	}
	return h.auth.keys.ready()
}

// Handler is everything the hub serves over HTTP.
func (h *Hub) Handler() http.Handler { return h.handler }
