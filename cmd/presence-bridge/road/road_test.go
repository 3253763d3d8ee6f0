package road

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
	"github.com/presence-bridge/presence-bridge/hub/keeper"
	"github.com/presence-bridge/presence-bridge/poller"
	"github.com/presence-bridge/presence-bridge/web"
)

// TestMain has the logs of processes as text, as on a terminal: tests read them.
func TestMain(m *testing.M) {
	_ = os.Setenv("LOG_FORMAT", "text")
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(packages.dir)
		os.Exit(code)
	}))
}

var app = bridge.App{Org: "demo", Name: "presence"}

var operators = []string{"svc-1", "svc-2"}

// road is the whole bridge, with as many pollers and hubs as a test wants.
type road struct {
	t        testing.TB
	emulator *emulator.Server
	vendor   string // URL of the emulator
	nats     *bridge.Server
	natsAt   bridge.ServerOptions // where it listens, if the rest reaches it over TCP
	settings bridge.Settings
	ttl      time.Duration // of the vendor's subscriptions
	rate     float64
	stale    time.Duration // MAX_STALENESS
	online   bool          // as with EASEMOB_STATUS=online
	appID    string        // how the bridge names the app; by org and name when empty
	keeper   keeper.Config // what is not said of all keepers
	log      *slog.Logger

	callbackSecret string     // of the hubs; empty: they take no callbacks
	auth           hub.Auth   // of the hubs; zero: everybody may come in
	limits         hub.Limits // of the hubs
	page           string     // whom the page shows; empty: 200
}

func (r *road) options(o emulator.Options) emulator.Options {
	o.Org, o.App, o.KeepHistory = app.Org, app.Name, 4096
	o.LimitPerS = max(o.LimitPerS, 50)
	return o
}

// build starts the emulator and NATS; pollers and hubs are the test's to add.
func build(t testing.TB, o emulator.Options) *road {
	t.Helper()
	r := &road{t: t, ttl: time.Hour, rate: 40, stale: 30 * time.Second, log: slog.New(slog.NewTextHandler(testWriter{t}, nil)),
		settings: bridge.Settings{InMemory: true, RoleTTL: 3 * time.Second}}
	var err error
	r.emulator, err = emulator.New(r.options(o))
	require.NoError(t, err)
	server := httptest.NewServer(r.emulator)
	t.Cleanup(server.Close)
	r.vendor = server.URL
	r.start("population", r.emulator.Run)
	r.nats, err = bridge.StartServer(bridge.ServerOptions{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { r.nats.Stop() }) // by then it may be another
	return r
}

// start runs something until the test ends or the returned function is called, and waits for its end.
func (r *road) start(name string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil && ctx.Err() == nil {
			r.t.Errorf("%s: %v", name, err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	r.t.Cleanup(stop)
	return stop
}

// bus opens a connection and a place at NATS for one more process.
func (r *road) bus() (*nats.Conn, *bridge.Bus) {
	connect := r.nats.Connect
	if r.natsAt.Listen != "" {
		connect = func(log *slog.Logger) (*nats.Conn, error) { return bridge.Connect(r.nats.URL(), "", log) }
	}
	nc, err := connect(r.log)
	require.NoError(r.t, err)
	r.t.Cleanup(nc.Close)
	bus, err := bridge.Open(context.Background(), nc, app, r.settings, r.log)
	require.NoError(r.t, err)
	return nc, bus
}

func (r *road) client() *easemob.Client {
	config := easemob.Config{URL: r.vendor, Org: app.Org, App: app.Name, ClientID: "id", ClientSecret: "secret", Rate: r.rate, Logger: r.log}
	if r.appID != "" {
		config.Org, config.App, config.AppID = "", "", r.appID
	}
	client, err := easemob.New(config)
	require.NoError(r.t, err)
	r.t.Cleanup(client.Close)
	return client
}

// addPoller adds a poller. kill cuts its connection, as a crash does: nothing is released or said.
func (r *road) addPoller(id string) (stop, kill func()) {
	nc, bus := r.bus()
	var vendor poller.Vendor = r.client()
	if r.online {
		vendor = r.client().Online()
	}
	p, err := poller.New(bus, vendor, poller.Config{Operators: operators, Nameless: r.online, Rate: r.rate, MaxStaleness: r.stale, ID: id, Logger: r.log})
	require.NoError(r.t, err)
	stop = r.start("poller "+id, p.Run)
	return stop, func() { nc.Close(); stop() }
}

// roadHub is one hub with its keeper.
type roadHub struct {
	*hub.Hub
	addr string
	stop func() // says goodbye
	kill func() // does not
}

func (h *roadHub) http(path string) string { return "http://" + h.addr + path }

func (r *road) addHub(id string) *roadHub { return r.addHubAt(id, "127.0.0.1:0") }

func (r *road) addHubAt(id, listen string) *roadHub {
	nc, bus := r.bus()
	auth, page := r.auth, cmp.Or(r.page, "user-0001..user-0200")
	auth.None = len(auth.HMACSecret) == 0
	c := hub.Config{Bus: bus, Auth: auth, Limits: r.limits,
		CallbackSecret: r.callbackSecret, Files: web.Files(), PageUIDs: []string{page}, ID: id, Logger: r.log}
	stopKeeper := func() {}
	if client := r.client(); r.online {
		c.Vendor = client.Online() // and no keeper, for nobody can be subscribed
	} else {
		config := r.keeper
		config.Operators, config.TTL, config.ID, config.Logger = operators, r.ttl, id, r.log
		k, err := keeper.New(bus, client, config)
		require.NoError(r.t, err)
		c.Vendor, c.Followers = client, []bridge.Follower{k.Journal()}
		stopKeeper = r.start("keeper "+id, k.Run)
	}
	h, err := hub.New(c)
	require.NoError(r.t, err)
	l := listenAt(r.t, listen)
	stopHub := r.start("hub "+id, h.Run)
	stopServing := r.start("serving "+id, func(ctx context.Context) error { return h.Serve(ctx, l) })
	stop := func() { stopServing(); stopKeeper(); stopHub() }
	return &roadHub{Hub: h, addr: l.Addr().String(), stop: stop, kill: func() { nc.Close(); stop() }}
}

// listenAt takes an address, or the listener that has been kept for it.
func listenAt(t testing.TB, address string) net.Listener {
	t.Helper()
	if l, ok := kept.LoadAndDelete(address); ok {
		return l.(net.Listener)
	}
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	return l
}

// eventually waits for a condition; what it was last told explains a failure.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, within, 20*time.Millisecond, what)
}

func getJSON(t testing.TB, url string, into any) {
	t.Helper()
	response, err := http.Get(url) //nolint:noctx // loopback
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode, url)
	require.NoError(t, json.NewDecoder(response.Body).Decode(into))
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Helper()
	w.t.Log(string(p))
	return len(p), nil
}
