package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	movedUsers  = 1000
	movedWatch  = 5  // users that a client watches
	movedPerS   = 50 // changes
	movesMost   = 1500
	movedWithin = 10 * time.Second // that many clients or fewer: 10,000
)

// movers is how many clients move; MOVE_CLIENTS=10000 is what the hub promises.
func movers(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("MOVE_CLIENTS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
	}
	return 300
}

// TestHubsClientsMove stops one of two hubs of the real program while users change: its clients come to the other one
// level, and none loses a change. Both are hubs at the edge, and the test is the poller.
func TestHubsClientsMove(t *testing.T) {
	n := movers(t)
	s := newStand(t)
	first, second := s.hub(), s.hub()
	all, stopMoving := s.move(n, first.page, second.page)
	inTime(t, "everybody is at the first hub", func() bool { return s.arrived[0].Load() == int64(n) })

	told := time.Now()
	require.NoError(t, first.Process.Signal(syscall.SIGTERM))
	first.stderr.wait(t, "msg=stopping")
	inTime(t, "everybody is at the second hub", func() bool { return s.arrived[1].Load()+s.failed.Load() == int64(n) })
	took := time.Since(told)
	require.NoError(t, first.end(t, time.Minute), "the hub ends well")
	s.stopChanging()
	require.Zero(t, s.failed.Load(), "%v", firstError(all))
	inTime(t, "everybody holds the newest", func() bool {
		return !slices.ContainsFunc(all, func(m *moving) bool { return !m.holds(s.newest) })
	})
	stopMoving()
	m := s.sum(t, all, told)
	t.Logf("%d clients moved in %s; at most %d went in a second, and %d were let in; blind for %s at most, %s in the middle; %d changes meanwhile",
		n, took.Round(time.Millisecond), m.went, m.came, m.blindMost, m.blindMiddle, m.changes)
	require.Positive(t, m.changes)
	require.LessOrEqual(t, m.went, movesMost)
	if n > 1000 { // by hand
		require.LessOrEqual(t, m.came, movesMost)
		require.LessOrEqual(t, took, movedWithin)
	}
}

// inTime is for what takes long on a busy machine.
func inTime(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 2*time.Minute, 20*time.Millisecond, what)
}

// stand is NATS, and somebody who writes changes as a poller does.
type stand struct {
	t            *testing.T
	nats         *bridge.Server
	newest       map[string]int // uid -> the newest that was written; read only when nothing changes any more
	wrote        []time.Time    // when
	arrived      [2]atomic.Int64
	failed       atomic.Int64
	stopChanging func()
}

func newStand(t *testing.T) *stand {
	t.Helper()
	server, err := bridge.StartServer(bridge.ServerOptions{Listen: "127.0.0.1:0", Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	nc, err := server.Connect(nil)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	bus, err := bridge.Open(t.Context(), nc, emulatedApp, bridge.Settings{}, nil)
	require.NoError(t, err)
	s := &stand{t: t, nats: server, newest: map[string]int{}}
	journal := bridge.NewJournal(bus)
	s.background(func(ctx context.Context) error { return bus.Follow(ctx, journal) })
	<-journal.Ready()
	s.stopChanging = s.background(func(ctx context.Context) error { return s.change(ctx, journal) })
	s.background(func(ctx context.Context) error { return s.speak(ctx, bus) })
	return s
}

func (s *stand) background(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var g sync.WaitGroup
	g.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			s.t.Errorf("in the background: %v", err)
		}
	})
	stop = func() { cancel(); g.Wait() }
	s.t.Cleanup(stop)
	return stop
}

// change makes everybody known, and then changes one after the other.
func (s *stand) change(ctx context.Context, journal *bridge.Journal) error {
	tick := time.NewTicker(time.Second / movedPerS)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		uid := movedUser(i)
		state := bridge.StateOf(map[string]string{"web": "1"}, strconv.Itoa(i), 0)
		out, err := journal.Observe(context.WithoutCancel(ctx), []bridge.Observation{
			{UID: bridge.UID(uid), State: state, At: time.Now(), Source: bridge.SourcePoll}})
		if err != nil || len(out.Again) > 0 {
			return fmt.Errorf("writing %d: %+v, %w", i, out, err)
		}
		s.newest[uid] = i
		s.wrote = append(s.wrote, time.Now())
		if i >= movedUsers {
			<-tick.C
		}
	}
	return nil
}

func movedUser(i int) string { return fmt.Sprintf("user-%04d", i%movedUsers) }

func (s *stand) speak(ctx context.Context, bus *bridge.Bus) error {
	tick := time.NewTicker(bridge.FeedEvery)
	defer tick.Stop()
	for {
		if err := bus.PublishFeed(bridge.Feed{State: bridge.FeedLive, AsOf: time.Now().UnixMilli()}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

type hubProcess struct {
	*child
	page string
}

func (s *stand) hub() hubProcess {
	s.t.Helper()
	c := spawn(s.t, "serve", "--role", "hub", "--nats-url", s.nats.URL(), "--easemob-org", emulatedApp.Org, "--easemob-app", emulatedApp.Name,
		"--auth", "none", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	page := c.stderr.wait(s.t, upPattern)
	inTime(s.t, "the hub is ready", func() bool { status, _ := fetch(s.t, "GET", page+"/readyz", ""); return status == http.StatusOK })
	return hubProcess{c, page}
}

// move has n clients at the first hub that go to the second when they are told to.
func (s *stand) move(n int, pages ...string) (all []*moving, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var g sync.WaitGroup
	door := make(chan struct{}, 32) // who comes at first
	for i := range n {
		m := &moving{stand: s, held: map[string]int{}}
		for k := range movedWatch {
			m.uids = append(m.uids, movedUser(i+k*197))
		}
		all = append(all, m)
		g.Go(func() {
			door <- struct{}{}
			if m.err = m.run(ctx, pages, func() { <-door }); m.err != nil {
				s.failed.Add(1)
			}
		})
	}
	stop = func() { cancel(); g.Wait() }
	s.t.Cleanup(stop)
	return all, stop
}

// moving is a client that does what a goodbye says.
type moving struct {
	*stand
	uids   []string
	cursor string
	let    time.Time // closed by the first hub
	went   time.Time // to the second hub
	came   time.Time // was let in there
	knew   time.Time // was answered there
	err    error

	mu       sync.Mutex
	held     map[string]int
	wentBack int
}

// firstError is what went wrong with somebody; read it when everybody has come or failed.
func firstError(all []*moving) error {
	for _, m := range all {
		if m.err != nil {
			return m.err
		}
	}
	return nil
}

func (m *moving) holds(newest map[string]int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !slices.ContainsFunc(m.uids, func(uid string) bool { return m.held[uid] != newest[uid] })
}

func (m *moving) run(ctx context.Context, pages []string, in func()) error {
	after, err := m.visit(ctx, pages[0], func() { in(); m.arrived[0].Add(1) })
	m.let = time.Now()
	if websocket.CloseStatus(err) != websocket.StatusServiceRestart || after == 0 {
		return fmt.Errorf("at the first hub, told to come back after %s: %w", after, err)
	}
	time.Sleep(after)
	m.went = time.Now()
	if _, err = m.visit(ctx, pages[1], func() { m.knew = time.Now(); m.arrived[1].Add(1) }); ctx.Err() == nil {
		return fmt.Errorf("at the second hub: %w", err)
	}
	return nil
}

var thin = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ReadBufferSize: 1024, WriteBufferSize: 1024}}

// visit takes what a hub says until the connection ends, and returns when to come back. answered is called once.
func (m *moving) visit(ctx context.Context, page string, answered func()) (after time.Duration, err error) {
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(page, "http")+"/v1/ws", &websocket.DialOptions{HTTPClient: thin})
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.CloseNow() }()
	m.came = time.Now()
	ask, err := json.Marshal(map[string]any{"type": "subscribe", "uids": m.uids, "since": m.cursor})
	if err == nil {
		err = conn.Write(ctx, websocket.MessageText, ask)
	}
	for err == nil {
		var data []byte
		if _, data, err = conn.Read(ctx); err != nil {
			break
		}
		var f movedFrame
		if err = json.Unmarshal(data, &f); err == nil {
			m.take(f)
		}
		switch f.Type {
		case "subscribed":
			answered()
		case "bye":
			after = time.Duration(f.ReconnectAfterMS) * time.Millisecond
		}
	}
	return after, err
}

type movedFrame struct {
	Type, Cursor     string
	ReconnectAfterMS int64 `json:"reconnect_after_ms"`
	Presences        []struct{ UID, Ext string }
}

func (m *moving) take(f movedFrame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.Cursor != "" {
		m.cursor = f.Cursor
	}
	for _, p := range f.Presences {
		i, _ := strconv.Atoi(p.Ext)
		if i < m.held[p.UID] {
			m.wentBack++
		}
		m.held[p.UID] = max(i, m.held[p.UID])
	}
}

// movedSum is what came of it.
type movedSum struct {
	went, came             int // clients in a second, at most
	blindMost, blindMiddle time.Duration
	changes                int
}

func (s *stand) sum(t *testing.T, all []*moving, told time.Time) (sum movedSum) {
	t.Helper()
	var went, came, blind []time.Duration
	for _, m := range all {
		require.NoError(t, m.err)
		require.Zero(t, m.wentBack, "a client was told an older state")
		went, came, blind = append(went, m.went.Sub(told)), append(came, m.came.Sub(told)), append(blind, m.knew.Sub(m.let))
	}
	slices.Sort(blind)
	sum = movedSum{went: mostInASecond(went), came: mostInASecond(came), blindMost: blind[len(blind)-1], blindMiddle: blind[len(blind)/2]}
	last := told.Add(slices.Max(came))
	for _, at := range s.wrote {
		if at.After(told) && at.Before(last) {
			sum.changes++
		}
	}
	return sum
}

func mostInASecond(moments []time.Duration) (most int) {
	slices.Sort(moments)
	first := 0
	for i, at := range moments {
		for moments[first] <= at-time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
