package hub

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// view is what a client makes of the messages it gets, as the contract tells it to.
type view struct {
	uids    map[bridge.UID]bool // asked for and answered
	held    map[bridge.UID]bridge.Presence
	pending map[bridge.UID]bool
	cursor  string

	graceful bool // a hub that begins within a grace says of the same state that it was seen earlier
}

func newView() *view {
	return &view{uids: map[bridge.UID]bool{}, held: map[bridge.UID]bridge.Presence{}, pending: map[bridge.UID]bool{}}
}

// take applies a message, and says what must not be.
func (v *view) take(f frame) error {
	if f.Type != "subscribed" && f.Type != "changes" {
		return nil
	}
	for _, p := range f.Presences {
		old, ok := v.held[p.UID]
		if ok && (f.Type == "changes" || f.Complete) && p.ObservedAt < old.ObservedAt && !(v.graceful && p.State.Equal(old.State)) {
			return fmt.Errorf("%s went back from %d to %d", p.UID, old.ObservedAt, p.ObservedAt)
		}
		v.held[p.UID] = p
		v.uids[p.UID] = true
		delete(v.pending, p.UID)
	}
	for _, uid := range f.Pending {
		v.pending[uid], v.uids[uid] = true, true
	}
	v.cursor = f.Cursor
	return nil
}

func (v *view) forget(uid bridge.UID) {
	delete(v.uids, uid)
	delete(v.held, uid)
	delete(v.pending, uid)
}

// model is a log, two hubs that follow it each at its own pace, and clients who come and go between them.
type model struct {
	t       *testing.T
	r       *rand.Rand
	stream  int64
	log     []bridge.Entry
	newest  map[bridge.UID]bridge.Entry
	now     int64
	hubs    [2]*Hub
	at      [2]int // how much of the log each has applied
	clients []*modelClient
}

type modelClient struct {
	*view
	hub     int
	session *session // nil: not connected
}

const modelUsers = 8

func TestModel(t *testing.T) {
	seeds := 600
	if testing.Short() {
		seeds = 50
	}
	for seed := range seeds {
		m := &model{t: t, r: rand.New(rand.NewPCG(uint64(seed), 7)), stream: 1, newest: map[bridge.UID]bridge.Entry{}}
		for i := range m.hubs {
			m.hubs[i] = quietHub(t)
		}
		for range 4 {
			m.clients = append(m.clients, &modelClient{view: newView()})
		}
		for range 150 {
			m.step()
		}
		m.settle()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (m *model) uid() bridge.UID { return bridge.UID(fmt.Sprintf("u%d", m.r.IntN(modelUsers))) }

func (m *model) step() {
	c := m.clients[m.r.IntN(len(m.clients))]
	hub := m.r.IntN(2)
	switch n := m.r.IntN(100); {
	case n < 30:
		m.write(m.uid(), "")
	case n < 34:
		m.write(m.uid(), bridge.ChangedUnwatched)
	case n < 55:
		m.follow(hub, m.r.IntN(4))
	case n < 70:
		m.pull(c)
	case n < 82:
		m.subscribe(c, m.uid(), m.uid())
	case n < 86:
		m.unsubscribe(c, m.uid())
	case n < 91:
		c.hangUp(m.hubs[c.hub])
	case n < 95:
		m.hubs[hub].hear(bridge.Feed{State: []bridge.FeedState{bridge.FeedLive, bridge.FeedDegraded, bridge.FeedDown}[m.r.IntN(3)]})
	case n < 98:
		m.reread(hub)
	case n == 98:
		m.hubs[hub].letGo(time.Now().Add(2 * lingerFor))
	case m.r.IntN(4) == 0:
		m.anew()
	}
}

// write is a look that is told, or that nobody looks any more.
func (m *model) write(uid bridge.UID, changed string) {
	last, ok := m.newest[uid]
	state := online(fmt.Sprint(len(m.log), m.stream))
	m.now++
	switch {
	case changed == bridge.ChangedUnwatched && (!ok || last.Unwatched()):
		return
	case changed == bridge.ChangedUnwatched:
		state = last.State
	case !ok || last.Unwatched():
		changed = bridge.ChangedFirst
	default:
		changed = bridge.ChangedExt
	}
	e := entry(uint64(len(m.log)+1), uid, state, changed)
	e.ObservedAt = m.now
	m.log, m.newest[uid] = append(m.log, e), e
}

// follow lets a hub apply so many messages more. Now and then one comes again.
func (m *model) follow(hub, n int) {
	if m.at[hub] > 0 && m.r.IntN(4) == 0 {
		m.hubs[hub].Apply(m.log[m.r.IntN(m.at[hub])])
	}
	for ; n > 0 && m.at[hub] < len(m.log); n-- {
		m.hubs[hub].Apply(m.log[m.at[hub]])
		m.at[hub]++
	}
}

// reread is a consumer made anew: the last message of everybody, and that this is all.
func (m *model) reread(hub int) {
	h := m.hubs[hub]
	h.Reset(m.stream)
	last := slices.SortedFunc(maps.Values(m.newest), func(a, b bridge.Entry) int { return int(a.Seq) - int(b.Seq) })
	for _, e := range last {
		h.Apply(e)
		if m.r.IntN(modelUsers) == 0 {
			m.pull(m.clients[m.r.IntN(len(m.clients))])
		}
	}
	m.at[hub] = len(m.log)
	h.CaughtUp()
}

// anew is a log deleted and begun again.
func (m *model) anew() {
	m.stream++
	m.log, m.newest = nil, map[bridge.UID]bridge.Entry{}
	m.reread(0)
	m.reread(1)
}

// pull reads what there is, as an event stream does or as a socket.
func (m *model) pull(c *modelClient) {
	if c.session == nil {
		return
	}
	pull := pulled
	if m.r.IntN(2) == 0 {
		pull = taken
	}
	for _, f := range pull(m.t, m.hubs[c.hub], c.session) {
		if err := c.take(f); err != nil {
			m.t.Error(err)
		}
	}
}

// connect comes back to some hub, with the cursor that the client has. A hub that lags behind the cursor has
// caught up by then, see TestCursorAheadOfALaggingHub.
func (m *model) connect(c *modelClient) {
	if c.session != nil {
		return
	}
	c.hub = m.r.IntN(2)
	c.session = greeted(m.t, m.hubs[c.hub], grant{open: true})
	if len(c.uids) == 0 {
		return
	}
	if since, err := parseCursor(c.cursor); err == nil && since.at.Stream == m.stream {
		m.follow(c.hub, max(0, int(since.at.Seq)-m.at[c.hub]))
	}
	require.NoError(m.t, m.hubs[c.hub].subscribe(m.t.Context(), c.session, "", slices.Collect(maps.Keys(c.uids)), c.cursor))
	if m.r.IntN(4) > 0 { // else the answer is pulled later, or lost
		m.pull(c)
	}
}

func (m *model) subscribe(c *modelClient, uids ...bridge.UID) {
	m.connect(c)
	require.NoError(m.t, m.hubs[c.hub].subscribe(m.t.Context(), c.session, "", uids, ""))
}

func (m *model) unsubscribe(c *modelClient, uid bridge.UID) {
	if c.session == nil {
		return
	}
	m.pull(c)
	m.hubs[c.hub].unsubscribe(c.session, []bridge.UID{uid})
	c.forget(uid)
}

func (c *modelClient) hangUp(of *Hub) {
	if c.session != nil {
		of.exit(c.session)
		c.session = nil
	}
}

// settle lets everything come to rest: whoever is watched is looked at, hubs keep up, the feed is live, clients
// read. Then every client holds the newest that the log has of whom it watches.
func (m *model) settle() {
	for _, c := range m.clients {
		m.connect(c)
		m.pull(c)
	}
	for _, c := range m.clients {
		for uid := range c.uids {
			if last, ok := m.newest[uid]; !ok || last.Unwatched() {
				m.write(uid, "")
			}
		}
	}
	for i, h := range m.hubs {
		m.follow(i, len(m.log))
		h.hear(live())
	}
	for i, c := range m.clients {
		m.pull(c)
		require.Equal(m.t, len(c.session.watches), len(c.uids))
		for uid := range c.uids {
			require.Equal(m.t, m.newest[uid].Presence(), c.held[uid], "client %d, %s", i, uid)
			require.NotContains(m.t, c.pending, uid)
		}
		require.Zero(m.t, waiting(c.session))
		require.Empty(m.t, c.session.unknown)
	}
	for _, h := range m.hubs {
		for _, u := range h.users {
			for i, w := range u.watched {
				require.Equal(m.t, tie{u.number, uint32(i)}, h.sessions.at(w.to).watches[w.at])
			}
		}
	}
}
