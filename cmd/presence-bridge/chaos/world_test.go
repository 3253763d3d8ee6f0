//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// TestMain has the logs of processes as text, as on a terminal: tests read them.
func TestMain(m *testing.M) {
	_ = os.Setenv("LOG_FORMAT", "text")
	goleak.VerifyTestMain(m)
}

var app = bridge.App{Org: "demo", Name: "presence"}

const (
	users       = 400
	changesPerS = 30.0

	steadyUsers = 250 // are watched all the time
	fickleUsers = 100 // now and then; the others never are

	behind = 2 * time.Second // the clock of one poller
	ahead  = 3 * time.Second // the clock of the other
)

// world is everything there is.
type world struct {
	t        *testing.T
	emulator *emulator.Server
	nats     *natsSeat
	pollers  []*pollerSeat
	roles    jetstream.KeyValue
	js       jetstream.JetStream
	audience *audience
	recorder *recorder
	scratch  string // for copies of the store

	vendorDoing sync.Mutex // held by whoever makes the vendor odd

	mu    sync.Mutex
	fired map[kind]int
	slow  []span
}

func build(t *testing.T, seed uint64) *world {
	w := &world{t: t, fired: map[kind]int{}, scratch: t.TempDir()}
	b := buildAll(t)
	vendor := w.startVendor(seed)
	w.startNATS(b.nats)
	w.openBus()
	for i, skew := range []time.Duration{-behind, ahead} {
		w.addPoller(fmt.Sprintf("poller-%d", i+1), b.bridge, skew, vendor)
	}
	return w
}

func (w *world) startVendor(seed uint64) (address string) {
	var err error
	w.emulator, err = emulator.New(emulator.Options{Org: app.Org, App: app.Name, Users: users, ChangesPerS: changesPerS,
		Seed: seed, KeepHistory: 1 << 16})
	require.NoError(w.t, err)
	server := httptest.NewServer(w.emulator)
	w.t.Cleanup(server.Close)
	w.start("population", w.emulator.Run)
	return strings.TrimPrefix(server.URL, "http://")
}

func (w *world) startNATS(path string) {
	var err error
	w.nats, err = newNATSSeat(path, filepath.Join(w.t.TempDir(), "store"))
	require.NoError(w.t, err)
	require.NoError(w.t, w.nats.start())
	w.t.Cleanup(func() {
		w.nats.doing.Lock()
		defer w.nats.doing.Unlock()
		w.nats.now.end()
	})
}

// openBus is the test's own place at NATS, without a link between that could be cut.
func (w *world) openBus() {
	nc, err := bridge.Connect("nats://"+w.nats.addr(), "", nil)
	require.NoError(w.t, err)
	w.t.Cleanup(nc.Close)
	bus, err := bridge.Open(w.t.Context(), nc, app, bridge.Settings{}, nil)
	require.NoError(w.t, err)
	w.js, err = jetstream.New(nc)
	require.NoError(w.t, err)
	w.roles, err = w.js.KeyValue(w.t.Context(), bridge.RolesBucket)
	require.NoError(w.t, err)
	w.recorder = newRecorder(w.js)
	w.start("recorder", w.recorder.run)
	w.audience = newAudience(bridge.NewHolder(bus, "audience"))
	w.start("audience", w.audience.holder.Run)
}

func (w *world) addPoller(name, path string, skew time.Duration, vendor string) {
	var links [2]*link
	for i, to := range []string{w.nats.addr(), vendor} {
		var err error
		links[i], err = newLink(to)
		require.NoError(w.t, err)
		w.t.Cleanup(links[i].close)
	}
	seat := newPollerSeat(name, path, skew, links[0], links[1])
	w.pollers = append(w.pollers, seat)
	w.start(name, seat.run)
}

// start runs something until the test ends or stop is called, and waits for its end.
func (w *world) start(name string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			w.t.Errorf("%s: %v", name, err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(stop)
	return stop
}

// people names the emulator's population, from one number to another.
func people(from, to int) []bridge.UID {
	var uids []bridge.UID
	for i := from; i <= to; i++ {
		uids = append(uids, bridge.UID(fmt.Sprintf("user-%04d", i)))
	}
	return uids
}

// leader is the id of whoever has the role, empty where nobody has it or NATS does not say.
func (w *world) leader(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	e, err := w.roles.Get(ctx, app.Tokens()+"."+string(bridge.RolePoller))
	if err != nil {
		return ""
	}
	return string(e.Value())
}

// seatOf finds whose turn a round is: one of the pollers, or whoever leads, or the first where nobody does.
func (w *world) seatOf(ctx context.Context, r round) *pollerSeat {
	if r.poller >= 0 {
		return w.pollers[r.poller]
	}
	id := w.leader(ctx)
	for _, s := range w.pollers {
		if s.is(id) {
			return s
		}
	}
	return w.pollers[0]
}

// slowed notes a time in which looks could take longer than they do, since something stood still.
func (w *world) slowed(from, to time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slow = append(w.slow, span{from, to})
}

func (w *world) count(k kind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fired[k]++
}

var errInVain = errors.New("waited in vain")

// until waits for a condition.
func until(ctx context.Context, within time.Duration, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w for %s, %v", errInVain, within, what)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
