package keeper

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"

	"github.com/stretchr/testify/require"
)

var testApp = bridge.App{Org: "demo", Name: "presence"}

// newBus is a place at a NATS server of its own.
func newBus(t *testing.T) *bridge.Bus {
	t.Helper()
	server, err := bridge.StartServer(bridge.ServerOptions{})
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	nc, err := server.Connect(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	bus, err := bridge.Open(t.Context(), nc, testApp, bridge.Settings{InMemory: true}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return bus
}

// overHTTP is a client of an emulator behind a real listener.
func overHTTP(t *testing.T, emu *emulator.Server) *easemob.Client {
	t.Helper()
	server := httptest.NewServer(emu)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := easemob.New(easemob.Config{URL: server.URL, Org: "demo", App: "presence", Token: fixedToken,
		HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// running runs everything until stop, which waits for it.
func running(t *testing.T, runs ...func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, run := range runs {
		all.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("running: %v", err)
			}
		})
	}
	stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// TestWithRealParts has a registry, a ledger, a log and a role at a real NATS server, and a vendor behind
// HTTP whose subscriptions last three seconds.
func TestWithRealParts(t *testing.T) {
	t.Parallel()
	bus := newBus(t)
	emu, err := emulator.New(emulator.Options{Users: 5, Paused: true, Token: fixedToken, ListLag: time.Second})
	require.NoError(t, err)
	client := overHTTP(t, emu)
	config := Config{Operators: []string{"svc-1", "svc-2"}, TTL: 3 * time.Second, Linger: 500 * time.Millisecond,
		Reconcile: 2 * time.Second, Settle: 1500 * time.Millisecond, ID: "keeper-1"}
	holder := bridge.NewHolder(bus, "hub-1")
	users := []bridge.UID{"user-0001", "user-0002", "user-0003", "nobody.at-all"}
	holder.Watch(users...)
	running(t, holder.Run)

	k, err := New(bus, client, config)
	require.NoError(t, err)
	stop := running(t, k.Run, func(ctx context.Context) error { return bus.Follow(ctx, k.Journal()) })
	require.Eventually(t, func() bool { return len(subscribed(emu, config)) == len(users) }, 5*time.Second, 10*time.Millisecond)

	// What subscribing shows is in the log.
	require.Eventually(t, func() bool {
		e, _, ok := k.Journal().Last("user-0001")
		return ok && e.Source == bridge.SourceSubscribe
	}, 5*time.Second, 10*time.Millisecond)

	// Nobody is without a subscription for two lifetimes, and the ledger says who has whom.
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		require.Len(t, subscribed(emu, config), len(users))
	}
	requireLedgerTells(t, bus, emu, config)

	// Whoever is watched no more is released, and taken out of the ledger.
	holder.Unwatch("user-0003")
	require.Eventually(t, func() bool { return len(subscribed(emu, config)) == len(users)-1 }, 5*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		lines, err := bus.Ledger(t.Context())
		return err == nil && len(lines) == len(users)-1
	}, 5*time.Second, 10*time.Millisecond)

	// A restart finds everything as it was.
	stop()
	require.Len(t, subscribed(emu, config), len(users)-1)
	emu.ResetStats()
	k, err = New(bus, client, config)
	require.NoError(t, err)
	running(t, k.Run, func(ctx context.Context) error { return bus.Follow(ctx, k.Journal()) })
	require.Eventually(t, func() bool { return emu.Stats().Calls["sublist"] > 0 }, 10*time.Second, 10*time.Millisecond)
	require.Len(t, subscribed(emu, config), len(users)-1)
}

// subscribed is who is subscribed at the vendor, by whom.
func subscribed(emu *emulator.Server, c Config) map[bridge.UID]string {
	all := map[bridge.UID]string{}
	for _, op := range c.Operators {
		for uid := range emu.Subscriptions(op) {
			all[bridge.UID(uid)] = op
		}
	}
	return all
}

func requireLedgerTells(t *testing.T, l ledger, emu *emulator.Server, c Config) {
	t.Helper()
	require.Empty(t, ledgerOff(t, l, emu, c))
}

// ledgerOff says where the ledger and the vendor differ; empty: nowhere.
func ledgerOff(t *testing.T, l ledger, emu *emulator.Server, c Config) string {
	t.Helper()
	lines, err := l.Ledger(t.Context())
	require.NoError(t, err)
	told := 0
	for _, op := range c.Operators {
		for uid, until := range emu.Subscriptions(op) {
			line := lines[bridge.UID(uid)]
			d := until.Sub(time.UnixMilli(line.Until)).Abs()
			if line.Operator != op || d > 2*time.Second {
				return fmt.Sprintf("%s is %q's in the ledger and %s's at the vendor, %v off", uid, line.Operator, op, d)
			}
			told++
		}
	}
	if len(lines) != told {
		return fmt.Sprintf("%d in the ledger, %d at the vendor", len(lines), told)
	}
	return ""
}

const fixedToken = "a-fixed-token"
