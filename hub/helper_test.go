package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	soon  = 10 * time.Second // far longer than anything that is waited for takes
	often = 2 * time.Millisecond
)

var testApp = bridge.App{Org: "demo", Name: "presence"}

// world is a NATS server of its own, and somebody who looks at users.
type world struct {
	t      testing.TB
	server *bridge.Server
	look   *looker
}

func newWorld(t testing.TB) *world {
	t.Helper()
	server, err := bridge.StartServer(bridge.ServerOptions{})
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	w := &world{t: t, server: server}
	w.look = newLooker(t, w.bus())
	return w
}

// bus is a place at NATS with a connection of its own.
func (w *world) bus() *bridge.Bus {
	w.t.Helper()
	nc, err := w.server.Connect(nil)
	require.NoError(w.t, err)
	w.t.Cleanup(nc.Close)
	bus, err := bridge.Open(context.Background(), nc, testApp, bridge.Settings{InMemory: true}, nil)
	require.NoError(w.t, err)
	return bus
}

// running runs everything until stop, which waits for it.
func running(t testing.TB, runs ...func(context.Context) error) (stop func()) {
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

// looker plays the poller, with the real journal and the real registry: what it sees, and when, is the test's
// to say. An eager one looks at whoever becomes watched, and says of whom nobody watches any more that it is so.
type looker struct {
	t        testing.TB
	bus      *bridge.Bus
	journal  *bridge.Journal
	registry *bridge.Registry
	eager    atomic.Bool
	feed     atomic.Pointer[bridge.Feed] // told ten times a second; nil: silent

	mu    sync.Mutex
	truth map[bridge.UID]bridge.State
}

func newLooker(t testing.TB, bus *bridge.Bus) *looker {
	l := &looker{t: t, bus: bus, journal: bridge.NewJournal(bus), truth: map[bridge.UID]bridge.State{}}
	l.registry = bridge.NewRegistry(bus, l.changed)
	running(t, l.registry.Run, l.speak, func(ctx context.Context) error { return bus.Follow(ctx, l.journal) })
	<-l.journal.Ready()
	<-l.registry.Ready()
	return l
}

func (l *looker) changed(d bridge.Watches) {
	if !l.eager.Load() {
		return
	}
	for _, uid := range d.Added {
		l.observe(uid)
	}
	l.unwatched(d.Removed...)
}

func (l *looker) speak(ctx context.Context) error {
	tick := time.NewTicker(bridge.FeedEvery / 10)
	defer tick.Stop()
	for {
		if f := l.feed.Load(); f != nil {
			_ = l.bus.PublishFeed(*f)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// say keeps telling the state of the feed; empty falls silent.
func (l *looker) say(state bridge.FeedState) {
	if state == "" {
		l.feed.Store(nil)
		return
	}
	l.feed.Store(&bridge.Feed{State: state, AsOf: time.Now().UnixMilli()})
}

// see makes it true that a user is so, and looks.
func (l *looker) see(uid bridge.UID, s bridge.State) {
	l.t.Helper()
	l.mu.Lock()
	l.truth[uid] = s
	l.mu.Unlock()
	l.observe(uid)
}

func (l *looker) observe(uid bridge.UID) {
	l.t.Helper()
	l.try(func(ctx context.Context) (bridge.Outcome, error) {
		l.mu.Lock()
		s, ok := l.truth[uid]
		l.mu.Unlock()
		if !ok {
			s = bridge.StateOf(nil, "", 0)
		}
		return l.journal.Observe(ctx, []bridge.Observation{{UID: uid, State: s, At: time.Now(), Source: bridge.SourcePoll}})
	})
}

func (l *looker) unwatched(uids ...bridge.UID) {
	l.t.Helper()
	l.try(func(ctx context.Context) (bridge.Outcome, error) { return l.journal.Unwatch(ctx, uids) })
}

func (l *looker) try(step func(context.Context) (bridge.Outcome, error)) {
	l.t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		out, err := step(ctx)
		cancel()
		if err == nil && len(out.Again) == 0 {
			return
		}
	}
	l.t.Error("the log did not take an observation")
}

func online(ext string) bridge.State { return bridge.StateOf(map[string]string{"web": "1"}, ext, 0) }

// testHub is a hub that runs and serves.
type testHub struct {
	*Hub
	t         testing.TB
	id        string
	url       string // http://host:port
	logged    *logged
	stop      func() // ends Serve, then Run
	stopServe func()
}

var hubs atomic.Int64

func (w *world) hub(change ...func(*Config)) *testHub {
	w.t.Helper()
	log := &logged{}
	c := Config{Bus: w.bus(), Auth: Auth{None: true}, ID: fmt.Sprintf("hub-%d", hubs.Add(1)), Logger: log.logger()}
	for _, f := range change {
		f(&c)
	}
	h, err := New(c)
	require.NoError(w.t, err)
	stopRun := running(w.t, h.Run)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w.t, err)
	stopServe := running(w.t, func(ctx context.Context) error { return h.Serve(ctx, l) })
	th := &testHub{Hub: h, t: w.t, id: c.ID, url: "http://" + l.Addr().String(), logged: log, stopServe: stopServe,
		stop: func() { stopServe(); stopRun() }}
	require.Eventually(w.t, func() bool { return h.Ready() == nil }, soon, often)
	return th
}

// hears waits until the hub takes the feed to be in that state.
func (h *testHub) hears(state bridge.FeedState) {
	h.t.Helper()
	h.until(func() bool { return h.feed.State == state })
}

// until waits for a condition of the hub's own state.
func (h *testHub) until(condition func() bool) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return condition()
	}, soon, often)
}

// follows waits until the hub has applied everything that the log holds now.
func (h *testHub) follows(l *looker) {
	h.t.Helper()
	last, err := l.bus.LastSeq(context.Background())
	require.NoError(h.t, err)
	h.until(func() bool { return h.position.Seq >= last })
}

// logged is everything that was logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// quietHub is a hub that has read an empty log and that nobody feeds but the test, with Apply and hear.
func quietHub(t testing.TB, change ...func(*Config)) *Hub {
	t.Helper()
	c := Config{Bus: &bridge.Bus{}, Auth: Auth{None: true}, ID: "quiet"}
	for _, f := range change {
		f(&c)
	}
	h, err := New(c)
	require.NoError(t, err)
	h.archive = whole{}
	h.Reset(1)
	h.CaughtUp()
	return h
}

// whole is a log that has lost nothing.
type whole struct{}

func (whole) Holds(context.Context, bridge.Cursor) (bool, error) { return true, nil }

// entry is a message of the log. It was observed at its sequence, so that the order can be checked.
func entry(seq uint64, uid bridge.UID, s bridge.State, changed string) bridge.Entry {
	return bridge.Entry{Seq: seq, Change: &bridge.Change{UID: uid, State: s, ObservedAt: int64(seq), Changed: []string{changed}, Source: bridge.SourcePoll}}
}

func live() bridge.Feed { return bridge.Feed{State: bridge.FeedLive, AsOf: 1} }

// greeted is a session that may do what g says.
func greeted(t testing.TB, h *Hub, g grant) *session {
	t.Helper()
	s, err := h.openPulled()
	require.NoError(t, err)
	require.NoError(t, h.greet(s, g))
	h.pull(s)
	return s
}

// pulled is what a session has to be told now.
func pulled(t testing.TB, h *Hub, s *session) (frames []frame) {
	t.Helper()
	for _, data := range h.pull(s) {
		frames = append(frames, decodeFrame(t, data))
	}
	return frames
}

// taken is what a session has to be told now, read as what would go over a socket.
func taken(t testing.TB, h *Hub, s *session) (frames []frame) {
	t.Helper()
	h.mu.Lock()
	wire := bytes.NewReader(bytes.Clone(h.take(s, new([]byte))))
	h.mu.Unlock()
	for wire.Len() > 0 {
		kind, data, err := readFrame(wire)
		require.NoError(t, err)
		require.Equal(t, byte(finalText), kind)
		frames = append(frames, decodeFrame(t, data))
	}
	return frames
}

// frame is any message of the hub.
type frame struct {
	Type             string            `json:"type"`
	ID               string            `json:"id"`
	Session          string            `json:"session"`
	UID              bridge.UID        `json:"uid"`
	HeartbeatMS      int64             `json:"heartbeat_ms"`
	Limits           limitsFrame       `json:"limits"`
	Feed             feedState         `json:"feed"`
	Cursor           string            `json:"cursor"`
	Presences        []bridge.Presence `json:"presences"`
	Pending          []bridge.UID      `json:"pending"`
	Denied           []bridge.UID      `json:"denied"`
	Complete         bool              `json:"complete"`
	State            bridge.FeedState  `json:"state"`
	AsOf             int64             `json:"as_of"`
	Code             string            `json:"code"`
	Message          string            `json:"message"`
	Reason           string            `json:"reason"`
	Codes            []bridge.FeedCode `json:"codes"`
	ReconnectAfterMS int64             `json:"reconnect_after_ms"`
}

// decodeFrame reads what a hub has said, whichever way it came, and holds it against the document.
func decodeFrame(t testing.TB, data []byte) (f frame) {
	t.Helper()
	conforms(t, spoken().FromHub(data))
	require.NoError(t, json.Unmarshal(data, &f), "%s", data)
	return f
}

// exts is what the presences of a frame say, by user.
func (f frame) exts() map[bridge.UID]string {
	m := map[bridge.UID]string{}
	for _, p := range f.Presences {
		m[p.UID] = p.Ext
	}
	return m
}

// serveQuiet serves a hub that the test feeds, over TCP.
func serveQuiet(t testing.TB, h *Hub) *testHub {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	stop := running(t, func(ctx context.Context) error { return h.Serve(ctx, l) })
	return &testHub{Hub: h, t: t, url: "http://" + l.Addr().String(), stop: stop, stopServe: stop, logged: &logged{}}
}

// peek looks at what the hub's mutex guards.
func (h *Hub) peek(look func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	look()
}

// address is host:port.
func (h *testHub) address() string { return strings.TrimPrefix(h.url, "http://") }
