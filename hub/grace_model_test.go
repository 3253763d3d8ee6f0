package hub

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	modelGrace      = time.Second
	graceModelUsers = 3
)

// graceModel is a log and two hubs with a grace, each at its own pace and now and then made anew or made to read the
// log again, NATS with a clock of its own, and clients who roam.
//
// Where it is exact, the clocks agree and hubs keep pace. Then every hub shows, always and to everybody, what a plain
// look at the whole history says. Else they may differ, and the promises are fewer: nobody is taken back in time,
// nobody is shown offline before the grace is over, and in the end everybody holds the newest.
type graceModel struct {
	t       *testing.T
	r       *rand.Rand
	exact   bool
	skew    time.Duration // of NATS's clock against the hubs'
	log     []written
	hubs    [2]*Hub
	stops   [2]func()
	at      [2]int // how much of the log each has applied
	clients []*modelClient
	told    int // of states offline
}

// written is a message of the log, and when it was.
type written struct {
	bridge.Entry
	at time.Time
}

func TestGraceModel(t *testing.T) {
	seeds := 120
	if testing.Short() {
		seeds = 50
	}
	told := 0
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			m := &graceModel{t: t, r: rand.New(rand.NewPCG(uint64(seed), 11)), exact: seed%2 == 0}
			if !m.exact {
				m.skew = time.Duration(m.r.IntN(2000)-1000) * time.Millisecond
			}
			m.run()
			told += m.told
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	require.Greater(t, told, seeds, "states offline that clients were told")
}

func (m *graceModel) run() {
	defer func() {
		for _, stop := range m.stops {
			stop()
		}
	}()
	for i := range m.hubs {
		m.start(i)
	}
	for range 3 {
		v := newView()
		v.graceful = true
		m.clients = append(m.clients, &modelClient{view: v})
	}
	for range 60 {
		m.step()
		m.pass(time.Duration(m.r.IntN(300)) * time.Millisecond)
		m.check()
	}
	m.settle()
}

// pass lets time go by, to no round moment: what is due is either done or has yet to come.
func (m *graceModel) pass(d time.Duration) {
	time.Sleep(d + time.Microsecond)
	synctest.Wait()
}

func (m *graceModel) step() {
	c := m.clients[m.r.IntN(len(m.clients))]
	hub := m.r.IntN(2)
	switch n := m.r.IntN(100); {
	case n < 45:
		m.write()
	case n < 58:
		m.pull(c)
	case n < 70:
		m.connect(c)
		require.NoError(m.t, m.hubs[c.hub].subscribe(m.t.Context(), c.session, "", []bridge.UID{m.uid(), m.uid()}, ""))
	case n < 82:
		c.hangUp(m.hubs[c.hub])
	case n < 88:
		m.connect(c)
	case n < 92:
		m.read(hub)
	case n < 94:
		m.anew(hub)
	case m.exact:
	case n < 96:
		m.unwatch()
	case n < 98:
		m.hubs[hub].hear(bridge.Feed{State: bridge.FeedDown})
	default:
		m.hubs[0].hear(live())
		m.hubs[1].hear(live())
	}
	for i := range m.hubs {
		if m.exact || m.r.IntN(3) > 0 {
			m.follow(i, len(m.log))
		}
	}
}

func (m *graceModel) uid() bridge.UID {
	return bridge.UID(fmt.Sprintf("u%d", m.r.IntN(graceModelUsers)))
}

func (m *graceModel) last(uid bridge.UID) (w written, ok bool) {
	for _, w := range slices.Backward(m.log) {
		if w.UID == uid {
			return w, true
		}
	}
	return written{}, false
}

// write is a look that is told. A text of its own tells each state from all others.
func (m *graceModel) write() {
	uid, text := m.uid(), fmt.Sprint(len(m.log))
	s := bridge.StateOf(map[string]string{"web": fmt.Sprint(m.r.IntN(2))}, text, 0)
	before, ok := m.last(uid)
	switch {
	case !ok || before.Unwatched():
		m.append(uid, s, bridge.ChangedFirst)
	case before.Online == s.Online:
		m.append(uid, s, bridge.ChangedExt)
	default:
		m.append(uid, s, bridge.ChangedStatus)
	}
}

// unwatch says that nobody looks at somebody any more.
func (m *graceModel) unwatch() {
	if before, ok := m.last(m.uid()); ok && !before.Unwatched() {
		m.append(before.UID, before.State, bridge.ChangedUnwatched)
	}
}

func (m *graceModel) append(uid bridge.UID, s bridge.State, changed string) {
	now := time.Now()
	e := entry(uint64(len(m.log)+1), uid, s, changed)
	e.ObservedAt, e.Stored = now.UnixMilli(), now.Add(m.skew).UnixNano()
	if before, ok := m.last(uid); ok {
		e.Prev, e.NotBefore = &before.State, max(before.ObservedAt, e.ObservedAt-10)
	}
	m.log = append(m.log, written{Entry: e, at: now})
}

// follow lets a hub apply so many messages more.
func (m *graceModel) follow(hub, n int) {
	for ; n > 0 && m.at[hub] < len(m.log); n-- {
		m.hubs[hub].Apply(m.log[m.at[hub]].Entry)
		m.at[hub]++
	}
}

// start makes a hub.
func (m *graceModel) start(hub int) {
	h := quietHub(m.t, func(c *Config) { c.OfflineGrace = modelGrace })
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = h.runGrace(ctx) })
	m.hubs[hub], m.stops[hub] = h, func() { cancel(); all.Wait() }
	m.read(hub)
	h.hear(live())
}

// anew is a hub that stops, and another that begins with what the log has kept: the last message of everybody. Of who
// has changed since they went offline it cannot know that they went just now.
func (m *graceModel) anew(hub int) {
	for uid := range m.users() {
		if start, n := m.absence(uid); m.exact && n > 1 && time.Since(start.at) < modelGrace {
			return
		}
	}
	for _, c := range m.clients {
		if c.hub == hub {
			c.hangUp(m.hubs[c.hub])
		}
	}
	m.stops[hub]()
	m.start(hub)
}

// read is a consumer made anew: the last message of everybody, and that this is all.
func (m *graceModel) read(hub int) {
	h := m.hubs[hub]
	h.Reset(1)
	for i, w := range m.log {
		if last, _ := m.last(w.UID); last.Seq == w.Seq {
			h.Apply(m.log[i].Entry)
		}
	}
	m.at[hub] = len(m.log)
	h.CaughtUp()
	if m.exact || m.r.IntN(2) == 0 {
		h.hear(live())
	}
}

func (m *graceModel) users() map[bridge.UID]bool {
	users := map[bridge.UID]bool{}
	for _, w := range m.log {
		users[w.UID] = true
	}
	return users
}

// absence is the message with which a user went offline, if that is what they are, and of how many messages it is
// the first. None is where they were not online before.
func (m *graceModel) absence(uid bridge.UID) (start written, n int) {
	for _, w := range slices.Backward(m.log) {
		switch {
		case w.UID != uid:
			continue
		case w.Online:
			return start, n
		}
		start, n = w, n+1
		if w.Changed[0] == bridge.ChangedFirst || w.Changed[0] == bridge.ChangedUnwatched {
			return written{}, 0
		}
	}
	return written{}, 0
}

// shown is the plain truth about what is shown of a user now.
func (m *graceModel) shown(uid bridge.UID) bridge.State {
	last, _ := m.last(uid)
	if start, n := m.absence(uid); n > 0 && time.Since(start.at) < modelGrace {
		return *start.Prev
	}
	return last.State
}

// newest is what the log says of a user.
func (m *graceModel) newest(uid bridge.UID) bridge.State {
	last, _ := m.last(uid)
	return last.State
}

func (m *graceModel) pull(c *modelClient) {
	if c.session == nil {
		return
	}
	for _, data := range m.hubs[c.hub].pull(c.session) {
		f := decodeFrame(m.t, data)
		if err := c.take(f); err != nil {
			m.t.Error(err)
		}
		for _, p := range f.Presences {
			m.checkNotTooSoon(p)
		}
	}
}

// checkNotTooSoon says that nobody is told offline, of one who went just now.
func (m *graceModel) checkNotTooSoon(p bridge.Presence) {
	if p.Online {
		return
	}
	m.told++
	i := slices.IndexFunc(m.log, func(w written) bool { return w.UID == p.UID && w.State.Equal(p.State) })
	if w := m.log[i]; w.Changed[0] == bridge.ChangedStatus && time.Since(w.at) < modelGrace-m.skew.Abs() {
		m.t.Errorf("%s is told offline %s after they went", p.UID, time.Since(w.at))
	}
}

// connect comes back to some hub, with the cursor that the client has.
func (m *graceModel) connect(c *modelClient) {
	if c.session != nil {
		return
	}
	c.hub = m.r.IntN(2)
	c.session = greeted(m.t, m.hubs[c.hub], grant{open: true})
	if len(c.uids) == 0 {
		return
	}
	if since, err := parseCursor(c.cursor); err == nil {
		m.follow(c.hub, max(0, int(since.at.Seq)-m.at[c.hub]))
	}
	require.NoError(m.t, m.hubs[c.hub].subscribe(m.t.Context(), c.session, "", slices.Collect(maps.Keys(c.uids)), c.cursor))
	if m.r.IntN(4) > 0 { // else the answer is pulled later, or lost
		m.pull(c)
	}
}

// check holds what is shown against the plain truth, in the stream and in a snapshot, and that backends are told
// what the log says.
func (m *graceModel) check() {
	if !m.exact {
		return
	}
	for _, h := range m.hubs {
		h.hear(live()) // or it would be down by now
	}
	for _, c := range m.clients {
		m.pull(c)
		for uid := range m.users() {
			if c.session != nil && c.uids[uid] {
				require.Equal(m.t, m.shown(uid), c.held[uid].State, "%s in the stream", uid)
			}
		}
	}
	for _, h := range m.hubs {
		m.checkSnapshot(h, grant{open: true}, m.shown)
		if m.r.IntN(4) == 0 {
			m.checkSnapshot(h, grant{open: true, raw: true}, m.newest)
		}
		h.peek(func() { require.Len(m.t, h.grace.queue, len(h.grace.holds)) })
	}
}

func (m *graceModel) checkSnapshot(h *Hub, g grant, want func(bridge.UID) bridge.State) {
	s := greeted(m.t, h, g)
	defer h.exit(s)
	require.NoError(m.t, h.subscribe(m.t.Context(), s, "", slices.Collect(maps.Keys(m.users())), ""))
	for _, f := range pulled(m.t, h, s) {
		require.Len(m.t, f.Presences, len(m.users()))
		for _, p := range f.Presences {
			require.Equal(m.t, want(p.UID), p.State, "%s in a snapshot, raw: %t", p.UID, g.raw)
		}
	}
}

// settle lets everything come to rest. Then every client holds the newest, and nobody is held back.
func (m *graceModel) settle() {
	for _, c := range m.clients {
		m.connect(c)
		m.pull(c)
		for uid := range c.uids {
			if last, ok := m.last(uid); !ok || last.Unwatched() {
				m.append(uid, online("at last"), bridge.ChangedFirst)
			}
		}
	}
	for i, h := range m.hubs {
		m.follow(i, len(m.log))
		h.hear(live())
	}
	m.pass(2 * modelGrace)
	for i, c := range m.clients {
		m.pull(c)
		for uid := range c.uids {
			last, _ := m.last(uid)
			require.Equal(m.t, last.Presence(), c.held[uid], "client %d, %s", i, uid)
		}
		m.hubs[c.hub].peek(func() { require.Empty(m.t, c.session.unknown) })
	}
	for _, h := range m.hubs {
		h.peek(func() {
			require.Zero(m.t, h.grace.size())
			require.Empty(m.t, h.grace.queue)
			for uid, u := range h.users {
				require.Nil(m.t, u.held, uid)
			}
		})
	}
}
