package bridge

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// office notes who leads, and that nobody leads beside another.
type office struct {
	mu      sync.Mutex
	leaders map[string]int // id -> how many leads it runs now
	most    int            // at once
	terms   map[string]int // id -> how often it began to lead
}

func newOffice() *office { return &office{leaders: map[string]int{}, terms: map[string]int{}} }

// lead leads until ctx is done.
func (o *office) lead(id string) func(context.Context) error {
	return func(ctx context.Context) error {
		o.mu.Lock()
		o.leaders[id]++
		o.terms[id]++
		o.most = max(o.most, len(o.leaders))
		o.mu.Unlock()
		<-ctx.Done()
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.leaders[id]--; o.leaders[id] == 0 {
			delete(o.leaders, id)
		}
		return nil
	}
}

func (o *office) leads(id string) func() bool {
	return func() bool { o.mu.Lock(); defer o.mu.Unlock(); return o.leaders[id] > 0 }
}

func (o *office) leader() (id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id = range o.leaders {
	}
	return id
}

func run(t *testing.T, b *Bus, o *office, id string) (stop func()) {
	return inBackground(t, func(ctx context.Context) error { return b.Lead(ctx, RolePoller, id, o.lead(id)) })
}

func TestOneLeadsAtATimeAndAGracefulStopHandsOver(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	s := quick
	s.RoleTTL = 10 * time.Second // so that no expiry can be what hands over
	o, stop := newOffice(), map[string]func(){}
	for _, id := range []string{"a", "b", "c"} {
		stop[id] = run(t, busAt(t, srv, s), o, id)
	}
	for len(stop) > 1 {
		require.Eventually(t, func() bool { return o.leader() != "" }, soon, often)
		id := o.leader()
		began := time.Now()
		stop[id]()
		delete(stop, id)
		require.Eventually(t, func() bool { return o.leader() != "" }, soon, often)
		require.Less(t, time.Since(began), time.Second)
	}
	require.Equal(t, 1, o.most)
}

func TestRolesAreHeldApart(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	o := newOffice()
	run(t, b, o, "poller")
	inBackground(t, func(ctx context.Context) error { return b.Lead(ctx, RoleKeeper, "keeper", o.lead("keeper")) })
	other := *b
	other.app = App{Org: "demo", Name: "other"}
	run(t, &other, o, "other")
	for _, id := range []string{"poller", "keeper", "other"} {
		require.Eventually(t, o.leads(id), soon, often)
	}
}

func TestACrashIsTakenOverWithinTheTTL(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	s := quick
	s.RoleTTL = 3 * time.Second
	o, crashing := newOffice(), busAt(t, srv, s)
	run(t, crashing, o, "a")
	require.Eventually(t, o.leads("a"), soon, often)
	run(t, busAt(t, srv, s), o, "b")
	began := time.Now()
	crashing.nc.Close() // it can no longer renew, nor free the role
	require.Eventually(t, o.leads("b"), soon, often)
	require.GreaterOrEqual(t, time.Since(began), s.RoleTTL/2, "not while the other may still lead")
	require.Less(t, time.Since(began), s.RoleTTL+2*time.Second)
	require.Equal(t, 1, o.most, "who cannot renew steps down before")
}

func TestWhoLosesTheKeyStepsDown(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	o := newOffice()
	run(t, b, o, "a")
	require.Eventually(t, o.leads("a"), soon, often)
	_, err := b.roles.Put(t.Context(), "demo.presence.poller", []byte("somebody else"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !o.leads("a")() }, soon, often)
	require.Eventually(t, o.leads("a"), soon, often, "and waits until the other has gone")
}

// TestAKeyThatNobodyRenewsIsToldOf writes a role by hand, so that it never expires.
func TestAKeyThatNobodyRenewsIsToldOf(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	var logged logBuffer
	b, err := Open(t.Context(), connectTo(t, srv), demoApp, quick, logged.logger())
	require.NoError(t, err)
	_, err = b.js.PublishMsg(t.Context(), &nats.Msg{Subject: "$KV.presence_roles.demo.presence.poller",
		Header: nats.Header{"Nats-TTL": {"never"}}, Data: []byte("old\x00hand" + strings.Repeat("!", 1000))})
	require.NoError(t, err)
	o := newOffice()
	run(t, b, o, "a")
	require.Eventually(t, func() bool {
		return strings.Contains(logged.String(), "nats kv del presence_roles demo.presence.poller")
	}, soon, often)
	line := logged.String()
	require.Contains(t, line, "held_by=\"old\\x00hand!!!")
	require.Contains(t, line, "since=")
	require.Less(t, len(line), 1000)
	require.False(t, o.leads("a")())
	require.NoError(t, b.roles.Delete(t.Context(), "demo.presence.poller"))
	require.Eventually(t, o.leads("a"), soon, often)
	require.Equal(t, 1, countLines(logged.String(), "nobody renews"))
}

// TestWhoRenewsIsNotStuck: a key that changes blocks nobody, and one that stays is told of once.
func TestWhoRenewsIsNotStuck(t *testing.T) {
	var s standing
	for at := range 100 {
		require.False(t, s.stuck(uint64(1+at/2), time.Unix(int64(at), 0), time.Second))
	}
	require.False(t, s.stuck(50, time.Unix(100, 0), time.Second))
	require.True(t, s.stuck(50, time.Unix(101, 0), time.Second))
	require.False(t, s.stuck(50, time.Unix(102, 0), time.Second))
}

func TestALeadThatFailsFreesTheRole(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	s := quick
	s.RoleTTL = 10 * time.Second
	b, o := busAt(t, srv, s), newOffice()
	var failed atomic.Bool
	fail := make(chan struct{})
	inBackground(t, func(ctx context.Context) error {
		return b.Lead(ctx, RolePoller, "a", func(context.Context) error {
			<-fail
			failed.Store(true)
			return errors.New("on purpose")
		})
	})
	require.Eventually(t, func() bool { _, err := b.roles.Get(t.Context(), "demo.presence.poller"); return err == nil }, soon, often)
	run(t, busAt(t, srv, s), o, "b")
	began := time.Now()
	close(fail)
	require.Eventually(t, o.leads("b"), soon, often)
	require.True(t, failed.Load())
	require.Less(t, time.Since(began), time.Second)
}

func TestWhoIsSlowToStopLeadsUntilItHasStopped(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	s := quick
	s.RoleTTL = 2 * time.Second
	b, o := busAt(t, srv, s), newOffice()
	leading, stopped := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Lead(ctx, RolePoller, "a", func(context.Context) error {
			close(leading)
			<-stopped
			return nil
		})
	}()
	waitFor(t, leading, "the lead")
	run(t, busAt(t, srv, s), o, "b")
	first, err := b.roles.Get(t.Context(), "demo.presence.poller")
	require.NoError(t, err)
	cancel()
	require.Eventually(t, func() bool {
		e, err := b.roles.Get(t.Context(), "demo.presence.poller")
		return err == nil && string(e.Value()) == "a" && e.Created().Sub(first.Created()) > 2*s.RoleTTL
	}, soon, often)
	require.False(t, o.leads("b")())
	close(stopped)
	require.NoError(t, <-done)
	require.Eventually(t, o.leads("b"), soon, often)
}

func TestARoleIsFoundAgainInABucketMadeAnew(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	o := newOffice()
	run(t, b, o, "a")
	require.Eventually(t, o.leads("a"), soon, often)
	deleteStream(t, b.js, "KV_"+RolesBucket)
	require.Eventually(t, func() bool { o.mu.Lock(); defer o.mu.Unlock(); return o.terms["a"] == 2 }, soon, often)
}

// Nobody may burn a processor while the connection is closed.
func TestAClosedConnectionIsNotAskedWithoutAPause(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	var logged logBuffer
	nc := connectTo(t, srv)
	b, err := Open(t.Context(), nc, demoApp, quick, logged.logger())
	require.NoError(t, err)
	o := newOffice()
	run(t, busAt(t, srv, quick), o, "a")
	require.Eventually(t, o.leads("a"), soon, often)
	run(t, b, o, "b")
	require.Eventually(t, func() bool { return nc.NumSubscriptions() > 0 }, soon, often)
	nc.Close()
	asked := func() int { return countLines(logged.String(), "asking for a role") }
	require.Eventually(t, func() bool { return asked() >= 3 }, soon, often)
	require.Less(t, asked(), 8)
}

// TestWhoWasStoppedWaitsUntilTheRoleIsSure: a lease that was not renewed for too long, by any clock, is no lease.
func TestWhoWasStoppedWaitsUntilTheRoleIsSure(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	l := &lease{bus: b}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), leaseKey{}, l))
	now := time.Now()
	for _, stopped := range []time.Time{now.Add(-b.settings.RoleTTL), now.Add(-b.settings.RoleTTL).Round(0)} {
		l.renewed.Store(&now)
		require.NoError(t, StillLeading(ctx))
		l.renewed.Store(&stopped)
		require.False(t, l.sure(now))
		sure := make(chan error)
		go func() { sure <- StillLeading(ctx) }()
		select {
		case <-sure:
			t.Fatal("it went on")
		case <-time.After(50 * time.Millisecond):
		}
		l.renewed.Store(&now)
		require.NoError(t, <-sure)
	}
	require.True(t, l.sure(now.Add(b.settings.RoleTTL*3/5)))
	require.False(t, l.sure(now.Add(b.settings.RoleTTL*3/5+1)))
	cancel()
	require.ErrorIs(t, StillLeading(ctx), context.Canceled)
	require.NoError(t, StillLeading(t.Context()), "who needs no role has it")
}
