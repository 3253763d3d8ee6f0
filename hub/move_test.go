package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestClientsMove has all clients of one hub go to another while users change. They come level, are blind for no longer
// than they were told to wait, lose no change and see none undone. The other hub hears of changes a little later.
func TestClientsMove(t *testing.T) {
	const movers, users, lag = 600, 300, 5 // a process under the race detector has room for 8,000 goroutines
	synctest.Test(t, func(t *testing.T) {
		a, b := serveInBubble(t, nil), serveInBubble(t, nil)
		log := &sharedLog{hubs: []*bubbleHub{a, b}, lag: []int{0, lag}, users: users}
		log.grow(t, users)
		ctx, cancel := context.WithCancel(t.Context())
		var all []*mover
		var moving sync.WaitGroup
		for i := range movers {
			m := &mover{hubs: []*bubbleHub{a, b}, uids: log.some(i), held: map[bridge.UID]int64{}}
			all = append(all, m)
			moving.Go(func() { m.err = m.run(ctx) })
		}
		synctest.Wait()
		require.Equal(t, movers, a.sessions.len())

		begun := time.Now()
		stopped := make(chan struct{})
		go func() { defer close(stopped); a.stop() }()
		for range 40 { // 800 ms; the last comes to the second hub after 710
			log.grow(t, 10)
			time.Sleep(20 * time.Millisecond)
		}
		<-stopped
		log.catchUp()
		synctest.Wait()
		require.Zero(t, a.sessions.len())
		require.Equal(t, movers, b.sessions.len())
		requireMoved(t, all, log, begun)
		cancel()
		moving.Wait()
		b.end()
		a.end()
	})
}

func requireMoved(t *testing.T, all []*mover, log *sharedLog, begun time.Time) {
	t.Helper()
	var came []time.Duration
	servedLate := 0
	for i, m := range all {
		require.NoError(t, m.err)
		require.Empty(t, m.wentBack)
		for _, uid := range m.uids {
			require.Equal(t, log.newest[uid], m.held[uid], "client %d, %s", i, uid)
		}
		require.LessOrEqual(t, m.came.Sub(m.let), comeBackFrom+scatter)
		came = append(came, m.came.Sub(begun))
		if m.toldAt[0].Sub(begun) > dismissEvery {
			servedLate++
		}
	}
	require.LessOrEqual(t, most(came, 100*time.Millisecond), comingMost/8, "clients came in a heap")
	require.Greater(t, servedLate, len(all)/4, "changes reach who waits for their turn")
	require.LessOrEqual(t, came[len(came)-1], time.Duration(len(all))*time.Second/leavePerS+comeBackFrom+scatter+dismissEvery)
}

// sharedLog is what hubs follow, each so many messages behind.
type sharedLog struct {
	hubs    []*bubbleHub
	lag     []int
	users   int
	entries []bridge.Entry
	told    [2]int
	newest  map[bridge.UID]int64
}

func (l *sharedLog) uid(i int) bridge.UID { return bridge.UID(fmt.Sprintf("user-%02d", i%l.users)) }

// some is whom the i-th client watches.
func (l *sharedLog) some(i int) (uids []bridge.UID) {
	for k := range 5 {
		uids = append(uids, l.uid(i+7*k))
	}
	return uids
}

func (l *sharedLog) grow(t *testing.T, n int) {
	t.Helper()
	if l.newest == nil {
		l.newest = map[bridge.UID]int64{}
	}
	for range n {
		seq := uint64(len(l.entries) + 1)
		uid := l.uid(int(seq))
		l.entries = append(l.entries, entry(seq, uid, online(fmt.Sprint(seq)), bridge.ChangedStatus))
		l.newest[uid] = int64(seq)
	}
	for i := range l.hubs {
		l.tell(i, len(l.entries)-l.lag[i])
	}
}

func (l *sharedLog) tell(i, until int) {
	l.hubs[i].hear(live())
	for ; l.told[i] < until; l.told[i]++ {
		l.hubs[i].Apply(l.entries[l.told[i]])
	}
}

func (l *sharedLog) catchUp() {
	for i := range l.hubs {
		l.tell(i, len(l.entries))
	}
}

// mover is a client that does what a goodbye says.
type mover struct {
	hubs     []*bubbleHub
	uids     []bridge.UID
	cursor   string
	held     map[bridge.UID]int64 // newest observed_at
	wentBack []bridge.UID
	toldAt   [2]time.Time // when a change last came, of each hub
	let      time.Time    // when the first hub had closed
	came     time.Time    // when it went to the second
	err      error
}

// run stays at the first hub until it is let go, and at the second until ctx is done.
func (m *mover) run(ctx context.Context) error {
	after, err := m.visit(ctx, 0)
	if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		return fmt.Errorf("the first hub: %w", err)
	}
	m.let = time.Now()
	time.Sleep(after)
	m.came = time.Now()
	if _, err = m.visit(ctx, 1); ctx.Err() == nil {
		return fmt.Errorf("the second hub: %w", err)
	}
	return nil
}

// visit takes what a hub says until the connection ends, and returns when to come back.
func (m *mover) visit(ctx context.Context, which int) (after time.Duration, err error) {
	conn, _, err := websocket.Dial(ctx, "ws://hub/v1/ws", &websocket.DialOptions{HTTPClient: m.hubs[which].http(), Subprotocols: []string{Subprotocol}})
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.CloseNow() }()
	ask, err := json.Marshal(fields{"type": "subscribe", "uids": m.uids, "since": m.cursor})
	if err == nil {
		err = conn.Write(ctx, websocket.MessageText, ask)
	}
	for err == nil {
		var data []byte
		var f frame
		if _, data, err = conn.Read(ctx); err != nil {
			break
		}
		if err = json.Unmarshal(data, &f); f.Type == "bye" {
			after = time.Duration(f.ReconnectAfterMS) * time.Millisecond
		}
		m.take(f, which)
	}
	return after, err
}

func (m *mover) take(f frame, which int) {
	if f.Cursor != "" {
		m.cursor = f.Cursor
	}
	if f.Type == "changes" {
		m.toldAt[which] = time.Now()
	}
	for _, p := range f.Presences {
		if p.ObservedAt < m.held[p.UID] {
			m.wentBack = append(m.wentBack, p.UID)
		}
		m.held[p.UID] = max(m.held[p.UID], p.ObservedAt)
	}
}
