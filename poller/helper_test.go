package poller

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

const patience = 45 * time.Second // for what takes a blink on a machine that has nothing else to do

var testApp = bridge.App{Org: "demo", Name: "presence"}

// rig is everything around pollers, made of real parts: NATS, the emulator behind HTTP, a holder who watches,
// and a record of the whole log.
type rig struct {
	t        *testing.T
	log      *slog.Logger
	nats     *bridge.Server
	emulator *emulator.Server
	http     *httptest.Server
	settings bridge.Settings
	rate     float64 // of the vendor's clients

	holder *bridge.Holder
	record *record
}

func newRig(t *testing.T, o emulator.Options) *rig {
	t.Helper()
	return newRigWith(t, o, time.Minute)
}

// newRigWith is for tests of the role. The others keep it long: on a busy machine a short one is lost.
func newRigWith(t *testing.T, o emulator.Options, roleTTL time.Duration) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{t: t, log: slog.New(slog.DiscardHandler), rate: 100,
		settings: bridge.Settings{InMemory: true, RoleTTL: roleTTL}}
	if o.LimitPerS == 0 {
		o.LimitPerS = -1
	}
	o.KeepHistory = 1 << 20
	var err error
	r.emulator, err = emulator.New(o)
	require.NoError(t, err)
	r.http = httptest.NewServer(r.emulator)
	t.Cleanup(r.http.Close)
	r.start(r.emulator.Run)
	r.nats, err = bridge.StartServer(bridge.ServerOptions{})
	require.NoError(t, err)
	t.Cleanup(r.nats.Stop)
	_, bus := r.bus()
	r.holder, r.record = bridge.NewHolder(bus, "holder"), newRecord()
	r.start(r.holder.Run)
	r.start(func(ctx context.Context) error { return bus.Follow(ctx, r.record) })
	return r
}

// start runs something until the test is over, or stop is called, and waits for its end.
func (r *rig) start(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("it did not end in peace: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

func (r *rig) bus() (*nats.Conn, *bridge.Bus) {
	nc, err := r.nats.Connect(r.log)
	require.NoError(r.t, err)
	r.t.Cleanup(nc.Close)
	bus, err := bridge.Open(context.Background(), nc, testApp, r.settings, r.log)
	require.NoError(r.t, err)
	return nc, bus
}

func (r *rig) client() *easemob.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	client, err := easemob.New(easemob.Config{URL: r.http.URL, Org: testApp.Org, App: testApp.Name,
		ClientID: "id", ClientSecret: "secret", Rate: r.rate, HTTPClient: &http.Client{Transport: transport}})
	require.NoError(r.t, err)
	r.t.Cleanup(client.Close)
	return client
}

// testPoller is a poller with what a test wants to do to it.
type testPoller struct {
	*Poller
	metrics *prometheus.Registry
	stop    func() // in peace
	kill    func() // its connection is cut: nothing is said, nothing is left in peace
}

// config is in a hurry, so that tests need not wait.
func (r *rig) config(id string) Config {
	return Config{Operators: []string{"svc-1"}, Rate: r.rate, Revisit: 50 * time.Millisecond, ID: id}
}

func (r *rig) poller(c Config) *testPoller {
	return r.pollerAsking(r.client(), c, (*Poller).Run)
}

func (r *rig) pollerAsking(v Vendor, c Config, run func(*Poller, context.Context) error) *testPoller {
	nc, bus := r.bus()
	metrics := prometheus.NewRegistry()
	c.Registerer = metrics
	p, err := New(bus, v, c)
	require.NoError(r.t, err)
	stop := r.start(func(ctx context.Context) error { return run(p, ctx) })
	return &testPoller{Poller: p, metrics: metrics, stop: stop, kill: func() { nc.Close(); stop() }}
}

// leadNow leads without asking whether it may.
func leadNow(p *Poller, ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	p.follow(ctx, g)
	g.Go(func() error { return p.lead(ctx) })
	return g.Wait()
}

func (p *testPoller) leading() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.term != nil
}

// turned says whether everybody who is watched has been looked at since then.
func (p *testPoller) turned(since time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.term == nil || len(p.term.list.users) == 0 {
		return false
	}
	for _, w := range p.term.list.users {
		if !w.asked.After(since) {
			return false
		}
	}
	return true
}

// metric is the sum of a metric over its labels.
func (p *testPoller) metric(t testing.TB, name string) (sum float64) {
	families, err := p.metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == prefix+name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	require.Eventually(r.t, ok, patience, 10*time.Millisecond, what)
}

// people watches the emulator's first n, and returns who they are.
func (r *rig) people(n int) []bridge.UID {
	uids := make([]bridge.UID, 0, n)
	for uid := range r.emulator.Users() {
		uids = append(uids, bridge.UID(uid))
	}
	slices.Sort(uids)
	r.holder.Watch(uids[:n]...)
	return uids[:n]
}

// registered waits until so many are watched in the bucket.
func (r *rig) registered(n int) {
	_, bus := r.bus()
	registry := bridge.NewRegistry(bus, nil)
	stop := r.start(registry.Run)
	r.eventually("everybody is in the bucket", func() bool { return len(registry.All()) == n })
	stop()
}

// settled waits until the log shows the truth about everybody.
func (r *rig) settled(uids []bridge.UID) {
	r.t.Helper()
	r.eventually("the log shows the truth", func() bool {
		truth := r.emulator.Users()
		for _, uid := range uids {
			if last := r.record.last(uid); last == nil || !last.State.Equal(stateFromTruth(truth[string(uid)])) {
				return false
			}
		}
		return true
	})
}

func stateFromTruth(u emulator.User) bridge.State {
	return bridge.StateOf(u.Status, u.Ext, u.LastTime*1000)
}

// checkLog holds every message ever published against the truth and against the one before it.
func (r *rig) checkLog() {
	r.t.Helper()
	for uid, changes := range r.record.all() {
		var ever []bridge.State
		for _, m := range r.emulator.History(string(uid)) {
			ever = append(ever, stateFromTruth(m.User))
		}
		if len(ever) == 0 {
			ever = append(ever, bridge.StateOf(nil, "", 0)) // who the vendor never saw
		}
		for i, c := range changes {
			require.True(r.t, slices.ContainsFunc(ever, c.State.Equal), "%s was never %+v", uid, c.State)
			if i == 0 {
				require.Nil(r.t, c.Prev)
				require.Equal(r.t, []string{bridge.ChangedFirst}, c.Changed)
				continue
			}
			require.NotNil(r.t, c.Prev)
			require.Equal(r.t, changes[i-1].State, *c.Prev, "prev of %s", uid)
			require.GreaterOrEqual(r.t, c.ObservedAt, changes[i-1].ObservedAt, "observed_at of %s goes back", uid)
			if c.Changed[0] != bridge.ChangedFirst && !c.Unwatched() {
				require.False(r.t, c.State.Equal(*c.Prev), "%s has not changed", uid)
			}
		}
	}
}

// record keeps every message of the log. It is a [bridge.Follower].
type record struct {
	mu      sync.Mutex
	changes map[bridge.UID][]*bridge.Change
	count   int
}

func newRecord() *record { return &record{changes: map[bridge.UID][]*bridge.Change{}} }

func (r *record) Reset(int64) {}
func (r *record) CaughtUp()   {}

func (r *record) Apply(e bridge.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes[e.UID] = append(r.changes[e.UID], e.Change)
	r.count++
}

func (r *record) last(uid bridge.UID) *bridge.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.changes[uid]; len(c) > 0 {
		return c[len(c)-1]
	}
	return nil
}

func (r *record) of(uid bridge.UID) []*bridge.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.changes[uid])
}

func (r *record) total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

func (r *record) all() map[bridge.UID][]*bridge.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[bridge.UID][]*bridge.Change, len(r.changes))
	for uid, c := range r.changes {
		all[uid] = slices.Clone(c)
	}
	return all
}

// feeds keeps every message of the feed's health.
type feeds struct {
	mu  sync.Mutex
	got []bridge.Feed
}

func (r *rig) feeds() *feeds {
	f := &feeds{}
	_, bus := r.bus()
	_, err := bus.SubscribeFeed(func(m bridge.Feed) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.got = append(f.got, m)
	})
	require.NoError(r.t, err)
	return f
}

func (f *feeds) last() bridge.Feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.got) == 0 {
		return bridge.Feed{}
	}
	return f.got[len(f.got)-1]
}
