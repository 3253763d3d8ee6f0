package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"

	"github.com/stretchr/testify/require"
)

// memoryLedger is a ledger without NATS. TestLedger holds it against the real one.
type memoryLedger struct {
	mu    sync.Mutex
	lines map[bridge.UID]bridge.Subscription
	away  error // what every call returns, if anything
}

func (l *memoryLedger) Subscribed(ctx context.Context, uid bridge.UID, s bridge.Subscription) error {
	return l.do(ctx, func() { l.lines[uid] = s })
}

func (l *memoryLedger) Unsubscribed(ctx context.Context, uid bridge.UID) error {
	return l.do(ctx, func() { delete(l.lines, uid) })
}

func (l *memoryLedger) Ledger(ctx context.Context) (lines map[bridge.UID]bridge.Subscription, err error) {
	err = l.do(ctx, func() { lines = maps.Clone(l.lines) })
	return lines, err
}

func (l *memoryLedger) do(ctx context.Context, what func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(ctx.Err(), l.away); err != nil {
		return err
	}
	what()
	return nil
}

func (l *memoryLedger) setAway(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = err
}

func (l *memoryLedger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// watchers are a registry that a test speaks for.
type watchers struct {
	changed func(bridge.Watches)
	mu      sync.Mutex
	watched map[bridge.UID]bool
}

func (w *watchers) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (w *watchers) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

func (w *watchers) Watched(uid bridge.UID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watched[uid]
}

func (w *watchers) All() []bridge.UID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.watched))
}

func (w *watchers) watch(uids ...bridge.UID) {
	w.mu.Lock()
	for _, uid := range uids {
		w.watched[uid] = true
	}
	w.mu.Unlock()
	w.changed(bridge.Watches{Added: uids})
}

func (w *watchers) unwatch(uids ...bridge.UID) {
	w.mu.Lock()
	for _, uid := range uids {
		delete(w.watched, uid)
	}
	w.mu.Unlock()
	w.changed(bridge.Watches{Removed: uids})
}

// witness notes what is observed.
type witness struct {
	mu   sync.Mutex
	seen map[bridge.UID][]bridge.Observation
}

func (w *witness) Observe(_ context.Context, batch []bridge.Observation) (bridge.Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range batch {
		w.seen[o.UID] = append(w.seen[o.UID], o)
	}
	return bridge.Outcome{Published: len(batch)}, nil
}

func (w *witness) of(uid bridge.UID) []bridge.Observation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[uid]
}

// direct takes calls to the emulator without a network, so that synctest's clock can run.
type direct struct{ emu *emulator.Server }

func (d direct) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil { // so the emulator resets a connection
			err = errors.New("connection reset")
		}
	}()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	d.emu.ServeHTTP(w, r)
	return w.Result(), nil
}

// stage is a keeper among fakes, with the real client and the real emulator, in a synctest bubble.
type stage struct {
	t        *testing.T
	config   Config
	emu      *emulator.Server
	client   *easemob.Client
	watchers *watchers
	ledger   *memoryLedger
	witness  *witness
	logs     *logs
	stop     func()
}

func newStage(t *testing.T, o emulator.Options, c Config) *stage {
	o.Token, o.Paused = fixedToken, true
	emu, err := emulator.New(o)
	require.NoError(t, err)
	client, err := easemob.New(easemob.Config{URL: "http://vendor.test", Org: "demo", App: "presence", Token: fixedToken,
		HTTPClient: &http.Client{Transport: direct{emu}}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	s := &stage{t: t, config: c, emu: emu, client: client, logs: &logs{}, stop: func() {},
		watchers: &watchers{watched: map[bridge.UID]bool{}, changed: func(bridge.Watches) {}},
		ledger:   &memoryLedger{lines: map[bridge.UID]bridge.Subscription{}},
		witness:  &witness{seen: map[bridge.UID][]bridge.Observation{}}}
	s.config.ID = "keeper"
	s.config.Logger = slog.New(slog.NewTextHandler(s.logs, nil))
	require.NoError(t, s.config.Validate())
	return s
}

// start starts a keeper that leads at once.
func (s *stage) start() {
	s.stop = running(s.t, s.keeper(s.client).Run)
	synctest.Wait()
}

func (s *stage) keeper(v Vendor) *Keeper {
	metrics, err := newMetrics(nil)
	require.NoError(s.t, err)
	k := &Keeper{config: s.config.withDefaults(), vendor: v, ledger: s.ledger, observer: s.witness,
		registry: s.watchers, metrics: metrics, inbox: newInbox(),
		role: func(ctx context.Context, lead func(context.Context) error) error { return lead(ctx) }}
	s.watchers.changed = k.inbox.changed
	return k
}

func (s *stage) subscribed() map[bridge.UID]string { return subscribed(s.emu, s.config) }

// logs are the lines logged.
type logs struct {
	mu    sync.Mutex
	lines []string
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(l.lines)
}
