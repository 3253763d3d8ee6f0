package poller

import (
	"context"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// TestNeverOfflineByAccident lets everything go wrong at the vendor that can, and holds each message that was
// published against what users ever were.
func TestNeverOfflineByAccident(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults emulator.Faults
		fired  func(emulator.Fired) int
		enough int // the vendor's client backs off after some: waiting for more would only take long
	}{
		{"outage", emulator.Faults{Outage: true}, func(f emulator.Fired) int { return f.Outage }, 4},
		{"429", emulator.Faults{ErrorRate: 0.5, ErrorStatus: 429}, func(f emulator.Fired) int { return f.Error }, 3},
		{"500", emulator.Faults{ErrorRate: 0.5, ErrorStatus: 500}, func(f emulator.Fired) int { return f.Error }, 10},
		{"resets", emulator.Faults{ResetRate: 0.5}, func(f emulator.Fired) int { return f.Reset }, 10},
		{"truncated bodies", emulator.Faults{MalformedRate: 0.5}, func(f emulator.Fired) int { return f.Malformed }, 10},
		{"missing entries", emulator.Faults{DropEntryRate: 0.3}, func(f emulator.Fired) int { return f.DropEntry }, 300},
		{"duplicate keys", emulator.Faults{DuplicateKeyRate: 0.5}, func(f emulator.Fired) int { return f.DuplicateKey }, 300},
		{"empty uids", emulator.Faults{EmptyUIDRate: 0.01}, func(f emulator.Fired) int { return f.EmptyUID }, 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, emulator.Options{Users: 150, ChangesPerS: 100})
			r.poller(r.config("p"))
			uids := r.people(150)
			r.eventually("everybody is known", func() bool { return len(r.record.all()) == 150 })
			require.NoError(t, r.emulator.SetFaults(tt.faults))
			r.eventually("the fault fires", func() bool { return tt.fired(r.emulator.FaultsFired()) >= tt.enough })
			require.NoError(t, r.emulator.SetFaults(emulator.Faults{}))
			r.pause(150)
			r.settled(uids)
			r.checkLog()
		})
	}
}

// pause lets nobody change any more.
func (r *rig) pause(users int) {
	require.NoError(r.t, r.emulator.SetPopulation(emulator.Population{Users: users, ChangesPerS: 1, Paused: true}))
}

// TestTwoAtOnce has two pollers lead at the same time, on connections of their own: it costs calls, and nothing
// else.
func TestTwoAtOnce(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 120, ChangesPerS: 150})
	one := r.pollerAsking(r.client(), r.config("one"), leadNow)
	two := r.pollerAsking(r.client(), r.config("two"), leadNow)
	uids := r.people(120)
	r.eventually("both publish", func() bool {
		return one.metric(t, "changes_published_total") > 100 && two.metric(t, "changes_published_total") > 100
	})
	r.pause(120)
	r.settled(uids)
	r.checkLog()
}

// TestTakeover kills the active poller without a word. The other goes on within the lease, and finds nothing
// that has not happened.
func TestTakeover(t *testing.T) {
	r := newRigWith(t, emulator.Options{Users: 150, Paused: true}, 2*time.Second)
	uids := r.people(150)
	one := r.poller(r.config("one"))
	r.eventually("one leads", one.leading)
	two := r.poller(r.config("two"))
	r.settled(uids)
	published := r.record.total()
	require.False(t, two.leading())

	one.kill()
	r.eventually("two leads", two.leading)
	r.eventually("two has looked at everybody", func() bool { return two.turned(time.Time{}) })
	require.Equal(t, published, r.record.total(), "nothing has changed")
	r.emulator.SetUser("user-0007", map[string]string{"ios": "1", "web": "0"}, "back")
	r.settled(uids)
	require.Equal(t, published+1, r.record.total())
	r.checkLog()
}

func TestAStopLeavesTheRoleInPeace(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 10, Paused: true}) // nobody could wait for its lease to expire
	one := r.poller(r.config("one"))
	r.eventually("one leads", one.leading)
	two := r.poller(r.config("two"))
	one.stop()
	r.eventually("two leads", two.leading)
}

// TestFirstAndUnwatched follows one user through all that watching means in the log.
func TestFirstAndUnwatched(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 5, Paused: true})
	r.poller(r.config("p"))
	steps := []struct {
		do   func(...bridge.UID)
		what string
	}{{r.holder.Watch, bridge.ChangedFirst}, {r.holder.Unwatch, bridge.ChangedUnwatched}, {r.holder.Watch, bridge.ChangedFirst}}
	for i, step := range steps {
		step.do("user-0003")
		r.eventually(step.what, func() bool { return len(r.record.of("user-0003")) == i+1 })
		require.Equal(t, []string{step.what}, r.record.last("user-0003").Changed)
	}
	r.checkLog()
}

// TestHistoryIsNotHeldAgainstTheFeed watches somebody again whose state in the log is history.
func TestHistoryIsNotHeldAgainstTheFeed(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 5, Paused: true})
	p := r.poller(r.config("p"))
	r.holder.Watch("user-0001")
	r.eventually("first", func() bool { return len(r.record.of("user-0001")) == 1 })
	r.holder.Unwatch("user-0001")
	r.eventually("unwatched", func() bool { return len(r.record.of("user-0001")) == 2 })
	require.NoError(t, r.emulator.SetFaults(emulator.Faults{Outage: true}))
	r.holder.Watch("user-0001")
	r.eventually("watched again", func() bool { return p.watches("user-0001") })
	f, _ := p.term.figures()
	require.Equal(t, 1, f.unknown)
	require.Zero(t, f.oldest)
	require.Contains(t, p.Explain("user-0001").Why, "new")
}

// TestTheLeftBehindAreToldBeforeTheFeed leaves a user in the log whom nobody watches any more.
func TestTheLeftBehindAreToldBeforeTheFeed(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 5, Paused: true})
	p := r.poller(r.config("one"))
	uids := r.people(2)
	r.settled(uids)
	p.stop()
	r.holder.Unwatch("user-0001")
	r.registered(1)

	feeds := r.feeds()
	r.poller(r.config("two"))
	r.eventually("the feed begins", func() bool { return feeds.last().State != "" })
	require.True(t, r.record.last("user-0001").Unwatched())
	require.False(t, r.record.last("user-0002").Unwatched())
	require.Equal(t, 1, feeds.last().Watched)
	r.checkLog()
}

// TestALateWriterIsPutRight has somebody write, as an overtaken poller may, about a user whom nobody watches.
func TestALateWriterIsPutRight(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 5, Paused: true})
	p := r.poller(r.config("p"))
	r.eventually("it leads", p.leading)
	_, bus := r.bus()
	late := bridge.NewJournal(bus)
	r.start(func(ctx context.Context) error { return bus.Follow(ctx, late) })
	<-late.Ready()
	state := stateFromTruth(r.emulator.Users()["user-0004"])
	_, err := late.Observe(t.Context(), []bridge.Observation{{UID: "user-0004", State: state, At: time.Now(), Source: bridge.SourcePoll}})
	require.NoError(t, err)
	r.eventually("it is history", func() bool {
		last := r.record.last("user-0004")
		return last != nil && last.Unwatched()
	})
	r.checkLog()
}

// TestTheBudgetIsKeptAndUsed runs more users than the budget looks at in a second. How much of the budget can be
// used depends on how busy the machine is, so it is held against a client that does nothing but take slots.
func TestTheBudgetIsKeptAndUsed(t *testing.T) {
	const watched, rate = 5000, 20
	r := newRig(t, emulator.Options{Users: watched, Paused: true})
	r.people(watched)
	r.registered(watched)
	r.rate = rate
	road := newLoopback(t)
	c := r.config("p")
	c.Revisit = 0
	vendor, idle := &counting{Client: r.client()}, &counting{Client: r.client()}
	p := r.pollerAsking(vendor, c, (*Poller).Run)
	r.eventually("a turn, which has everybody published", func() bool { return p.turned(time.Time{}) })
	r.start(func(ctx context.Context) error {
		for idle.Wait(ctx, easemob.KindGet) == nil {
		}
		return nil
	})
	var used, could, usedBefore, couldBefore int64
	r.eventually("five seconds in which the machine lets it use the budget", func() bool {
		used, could = vendor.slots.Load()-usedBefore, idle.slots.Load()-couldBefore
		if could < 5*rate*9/10 {
			return false
		}
		usedBefore, couldBefore = usedBefore+used, couldBefore+could
		return couldBefore > could && float64(used) >= 0.9*float64(could) // the first window has the turn before it
	})
	r.eventually("a second in which it does", func() bool { return r.emulator.Stats().PeakPerS["get"] >= rate-2 })
	stats := r.emulator.Stats()
	t.Logf("%d slots of %d used; %d calls within a second at most", used, could, stats.PeakPerS["get"])
	require.LessOrEqual(t, stats.PeakPerS["get"], road.most(rate), "never over the budget")
	require.LessOrEqual(t, stats.Batches["get"].Partial, 1, "calls are full, save the last one of a turn")
}

// counting counts the slots that were taken.
type counting struct {
	*easemob.Client
	slots atomic.Int64
}

func (c *counting) Wait(ctx context.Context, kind easemob.Kind) error {
	err := c.Client.Wait(ctx, kind)
	if err == nil {
		c.slots.Add(1)
	}
	return err
}

// TestAHintCostsOneCall has a set come through the bridge while nothing else is due.
func TestAHintCostsOneCall(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 300, Paused: true})
	uids := r.people(300)
	r.registered(300)
	c := r.config("p")
	c.Revisit, c.MaxStaleness = time.Minute, time.Hour
	r.poller(c)
	r.settled(uids)
	require.Equal(t, 3, r.emulator.Stats().Calls["get"])

	_, bus := r.bus()
	r.emulator.SetUser("user-0123", map[string]string{"web": "100"}, "in a meeting")
	require.NoError(t, bus.PublishHint(bridge.Hint{UID: "user-0123", Source: bridge.SourceBridge}))
	r.settled(uids)
	require.Equal(t, bridge.SourceBridge, r.record.last("user-0123").Source)
	require.Equal(t, 4, r.emulator.Stats().Calls["get"])
	require.Equal(t, 301, r.emulator.Stats().UIDs["get"])
	r.checkLog()
}

// TestHintedLooksAreCounted by what they were good for.
func TestHintedLooksAreCounted(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 3, Paused: true})
	uids := r.people(3)
	c := r.config("p")
	c.MaxStaleness = time.Hour
	p := r.poller(c)
	r.settled(uids)
	hint := r.hinter(p, "user-0002")
	hint("same")
	r.emulator.SetUser("user-0002", map[string]string{"web": "1"}, "here")
	r.settled(uids)
	hint("same")
	require.NoError(t, r.emulator.SetFaults(emulator.Faults{DropEntryRate: 1}))
	hint("unknown")
	require.NoError(t, r.emulator.SetFaults(emulator.Faults{}))
	_, bus := r.bus()
	require.NoError(t, bus.PublishHint(bridge.Hint{UID: "stranger", Source: bridge.SourceHint}))
	hint("same")
}

// TestAHintFindsAChange has turns so long that nothing else could.
func TestAHintFindsAChange(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 3, Paused: true})
	uids := r.people(3)
	c := r.config("p")
	c.Revisit, c.MaxStaleness = time.Minute, time.Hour
	p := r.poller(c)
	r.settled(uids)
	r.emulator.SetUser("user-0002", map[string]string{"web": "0"}, "gone")
	r.hinter(p, "user-0002")("changed")
	r.settled(uids)
	require.Equal(t, bridge.SourceHint, r.record.last("user-0002").Source)
	require.Equal(t, map[string]float64{"hint": 1}, p.counted(t, "logins_and_logouts_found_total"))
}

// hinter hints at a user and waits until the look is counted as what it is called with.
func (r *rig) hinter(p *testPoller, uid bridge.UID) (hint func(result string)) {
	_, bus := r.bus()
	return func(result string) {
		r.t.Helper()
		want := p.hintedLooks(r.t)
		want[result]++
		require.NoError(r.t, bus.PublishHint(bridge.Hint{UID: uid, Source: bridge.SourceHint}))
		r.eventually(result, func() bool { return maps.Equal(want, p.hintedLooks(r.t)) })
	}
}

// hintedLooks is how many there were, by result.
func (p *testPoller) hintedLooks(t testing.TB) map[string]float64 {
	return p.counted(t, "hinted_looks_total")
}

// counted is what a counter with one label says.
func (p *testPoller) counted(t testing.TB, name string) map[string]float64 {
	families, err := p.metrics.Gather()
	require.NoError(t, err)
	counts := map[string]float64{}
	for _, f := range families {
		if f.GetName() == prefix+name {
			for _, m := range f.GetMetric() {
				if n := m.GetCounter().GetValue(); n > 0 {
					counts[m.GetLabel()[0].GetValue()] = n
				}
			}
		}
	}
	return counts
}

// TestAHintIsInTheCallThatWaitsForItsSlot has the hint come when the slot was asked for already.
func TestAHintIsInTheCallThatWaitsForItsSlot(t *testing.T) {
	r := newRig(t, emulator.Options{Users: -1})
	waiting, slots, calls := make(chan struct{}, 1), make(chan struct{}), make(chan []string, 100)
	vendor := scripted{
		wait: func(ctx context.Context) error {
			select {
			case waiting <- struct{}{}:
			default:
			}
			select {
			case <-slots:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		get: func(_ context.Context, _ string, uids []string) (easemob.Answer, error) {
			calls <- uids
			return everybodyIsOnline(uids), nil
		},
	}
	uids := uidsFrom(0, 500)
	r.holder.Watch(uids...)
	r.registered(500)
	c := r.config("p")
	c.Revisit, c.MaxStaleness = time.Minute, time.Hour
	p := r.pollerAsking(vendor, c, (*Poller).Run)
	var first string
	slots <- struct{}{} // left to who led before
	for range 5 {       // a turn
		slots <- struct{}{}
		first = (<-calls)[0]
	}
	r.eventually("all are back", func() bool { return p.turned(time.Time{}) && p.nobodyFlies() })
	<-waiting
	r.holder.Watch("new")
	<-waiting // for its slot
	p.hinted(bridge.Hint{UID: bridge.UID(first), Source: bridge.SourceHint})
	slots <- struct{}{}
	require.ElementsMatch(t, []string{"new", first}, <-calls)
}

func TestExplain(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 3, Paused: true})
	uids := r.people(3)
	c := r.config("p")
	c.Revisit, c.MaxStaleness = time.Minute, time.Hour
	p := r.poller(c)
	r.settled(uids)
	r.eventually("the call is over", p.nobodyFlies)
	e := p.Explain("user-0002")
	require.True(t, e.Leading)
	require.True(t, e.Watched)
	require.Equal(t, "svc-1", e.Operator)
	require.Equal(t, "turn", e.Lane)
	require.Contains(t, e.Why, "in turn")
	require.Equal(t, 1, e.Watchers)
	require.Positive(t, e.ChangesPerHour)
	require.WithinDuration(t, e.Asked.Add(72*time.Second), e.Due, time.Millisecond)
	require.Equal(t, e.Asked, e.Verified)
	require.Equal(t, r.record.last("user-0002").State, e.Last.State)
	require.Equal(t, Explanation{Leading: true}, p.Explain("nobody"))
	p.stop()
	require.False(t, p.Explain("user-0002").Leading)
}

// TestEachIsAskedByWhoSubscribesThem needs a vendor that answers only to subscribers. One operator's subscriptions
// come when the poller is at work already.
func TestEachIsAskedByWhoSubscribesThem(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 90, Paused: true, NeedSubscription: true})
	uids := r.people(90)
	c := r.config("p")
	c.Operators = []string{"svc-1", "svc-2", "svc-3"}
	r.subscribe("svc-1", uids[:30])
	r.subscribe("svc-2", uids[30:60])
	p := r.poller(c)
	r.settled(uids[:60])
	r.eventually("the others are asked for, in vain", func() bool { return p.turned(time.Time{}) })
	require.Len(t, r.record.all(), 60)
	r.subscribe("svc-3", uids[60:])
	r.settled(uids)
	r.checkLog()
}

func (r *rig) subscribe(operator string, uids []bridge.UID) {
	_, bus := r.bus()
	names := make([]string, len(uids))
	for i, uid := range uids {
		names[i] = string(uid)
		s := bridge.Subscription{Operator: operator, Until: time.Now().Add(time.Hour).UnixMilli()}
		require.NoError(r.t, bus.Subscribed(r.t.Context(), uid, s))
	}
	_, err := r.client().Subscribe(r.t.Context(), operator, names, time.Hour)
	require.NoError(r.t, err)
}

// TestNobodyLeavesDuringACall holds what the farewells rely on: what a call showed is written, or dropped, before
// the log hears that its user is not watched any more.
func TestNobodyLeavesDuringACall(t *testing.T) {
	p := &Poller{}
	tm := &term{p: p, lineup: newTestLineup("a"), leaving: map[bridge.UID]bool{"flies": true, "waits": true}, left: make(chan struct{}, 1)}
	tm.lineup.watch("flies", 1, known(noon), noon)
	require.Len(t, tm.lineup.next(noon.Add(time.Second)).picks, 1)
	require.Equal(t, []bridge.UID{"waits"}, tm.takeLeaving())
	require.Empty(t, tm.takeLeaving())
	tm.land("flies", schedule.Look{At: noon})
	require.Len(t, tm.left, 1, "the farewells hear of it")
	require.Equal(t, []bridge.UID{"flies"}, tm.takeLeaving())
}

// TestWhoIsLeftOutIsCounted has answers without anybody in them: they succeed, and verify nobody.
func TestWhoIsLeftOutIsCounted(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 5, Paused: true})
	uids, feeds := r.people(5), r.feeds()
	c := r.config("p")
	c.MaxStaleness = time.Second
	p := r.poller(c)
	r.settled(uids)
	require.NoError(t, r.emulator.SetFaults(emulator.Faults{DropEntryRate: 1}))
	r.eventually("degraded", func() bool { return feeds.last().State == bridge.FeedDegraded })
	require.Contains(t, feeds.last().Reason, "leave out 5 users")
	require.True(t, p.Explain("user-0001").LeftOut)
	require.GreaterOrEqual(t, p.metric(t, "missing_entries_total"), 5.0)
	require.Equal(t, 5, r.record.total())
}

// TestTheFeedTellsTheTruth follows the health through an outage.
func TestTheFeedTellsTheTruth(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 50, Paused: true})
	uids, feeds := r.people(50), r.feeds()
	c := r.config("p")
	c.MaxStaleness = 2 * time.Second
	r.poller(c)
	r.settled(uids)
	r.eventually("live", func() bool { return feeds.last().State == bridge.FeedLive && feeds.last().Watched == 50 })
	live := feeds.last()
	require.Empty(t, live.Reason)
	require.Positive(t, live.CallsPerS)
	require.WithinDuration(t, time.Now(), time.UnixMilli(live.AsOf), 2*time.Second)

	require.NoError(t, r.emulator.SetFaults(emulator.Faults{Outage: true}))
	r.eventually("degraded", func() bool { return feeds.last().State == bridge.FeedDegraded })
	require.Contains(t, feeds.last().Reason, "the last call failed")
	r.eventually("down", func() bool { return feeds.last().State == bridge.FeedDown })
	require.Equal(t, r.record.total(), 50, "an outage changes nobody")

	require.NoError(t, r.emulator.SetFaults(emulator.Faults{}))
	r.eventually("live again", func() bool { return feeds.last().State == bridge.FeedLive })
	require.Greater(t, feeds.last().AsOf, live.AsOf)
}

func TestPresenceNotSwitchedOnIsToldAtOnce(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 5, Paused: true, NotActivated: true})
	r.people(5)
	feeds := r.feeds()
	r.poller(r.config("p"))
	r.eventually("down", func() bool { return feeds.last().State == bridge.FeedDown })
	require.Contains(t, feeds.last().Reason, "EASEMOB_STATUS=online")
}

// scripted is a vendor that does what a test wants.
type scripted struct {
	get  func(ctx context.Context, operator string, uids []string) (easemob.Answer, error)
	wait func(ctx context.Context) error // nil: a millisecond
}

func (s scripted) Wait(ctx context.Context, _ easemob.Kind) error {
	if s.wait != nil {
		return s.wait(ctx)
	}
	return pause(ctx, time.Millisecond)
}

func (s scripted) Rate(easemob.Kind) float64 { return math.Inf(1) }

func (s scripted) GetNow(ctx context.Context, operator string, uids []string) (easemob.Answer, error) {
	return s.get(ctx, operator, uids)
}

func everybodyIsOnline(uids []string) easemob.Answer {
	a := easemob.Answer{Presences: map[string]easemob.Presence{}, Asked: time.Now()}
	for _, uid := range uids {
		a.Presences[uid] = easemob.Presence{UID: uid, Status: map[string]string{"web": "1"}}
	}
	return a
}

// TestWhoIsUnwatchedDuringACallIsNotPublished holds an answer back until its user is not watched any more.
func TestWhoIsUnwatchedDuringACallIsNotPublished(t *testing.T) {
	r := newRig(t, emulator.Options{Users: -1})
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	vendor := scripted{get: func(ctx context.Context, _ string, uids []string) (easemob.Answer, error) {
		asked <- struct{}{}
		select {
		case <-answer:
		case <-ctx.Done():
			return easemob.Answer{}, ctx.Err()
		}
		return everybodyIsOnline(uids), nil
	}}
	p := r.pollerAsking(vendor, r.config("p"), (*Poller).Run)
	r.holder.Watch("a")
	<-asked
	r.holder.Unwatch("a")
	r.eventually("it is not watched", func() bool { return !p.registry.Watched("a") && !p.watches("a") })
	close(answer)
	r.eventually("the call is over", func() bool { return p.metric(t, "looks_total") == 1 && p.nobodyFlies() })
	require.Zero(t, r.record.total())
}

func (p *testPoller) watches(uid bridge.UID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.term.list.has(uid)
}

func (p *testPoller) nobodyFlies() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.term.lineup.members {
		if m.inCall {
			return false
		}
	}
	return true
}

// TestOneUserCannotSpoilTheOthersCalls has a vendor that refuses every call with a certain user in it.
func TestOneUserCannotSpoilTheOthersCalls(t *testing.T) {
	r := newRig(t, emulator.Options{Users: -1})
	noSuchThing := vendorSays(t, 400, `{"error":"illegal_argument","error_description":"no such thing"}`)
	vendor := scripted{get: func(_ context.Context, _ string, uids []string) (easemob.Answer, error) {
		for _, uid := range uids {
			if uid == "poison" {
				return easemob.Answer{}, noSuchThing
			}
		}
		return everybodyIsOnline(uids), nil
	}}
	p := r.pollerAsking(vendor, r.config("p"), (*Poller).Run)
	uids := append(uidsFrom(0, 250), "poison")
	r.holder.Watch(uids...)
	r.eventually("the others are known", func() bool { return len(r.record.all()) == 250 })
	now := time.Now()
	r.eventually("turns go on", func() bool { return p.turned(now) })
	require.Nil(t, r.record.last("poison"))
}

// TestNobodyIsBlamedForWhatIsNotAboutThem has a vendor that refuses the operator's first calls for reasons of its own:
// nobody is taken for left out, and once it answers, calls are as full as ever.
func TestNobodyIsBlamedForWhatIsNotAboutThem(t *testing.T) {
	r := newRig(t, emulator.Options{Users: -1})
	reasons := []error{
		vendorSays(t, 429, `{"error":"reach_limit"}`), vendorSays(t, 400, `{"result":"too many queries"}`), vendorSays(t, 503, ``),
		vendorSays(t, 429, `{"error":"resource_limited"}`), vendorSays(t, 401, ``), vendorSays(t, 403, `{"error":"forbidden_op"}`),
		vendorSays(t, 404, `{"error":"organization_application_not_found"}`), vendorSays(t, 502, ``), vendorSays(t, 200, `cut`),
	}
	var mu sync.Mutex
	var asked []int
	begin := make(chan struct{}) // closed when everybody is watched
	wait := func(ctx context.Context) error {
		select {
		case <-begin:
			return pause(ctx, time.Millisecond)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	vendor := scripted{wait: wait, get: func(_ context.Context, _ string, uids []string) (easemob.Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, len(uids))
		if n := len(asked); n <= len(reasons) {
			return easemob.Answer{}, reasons[n-1]
		}
		return everybodyIsOnline(uids), nil
	}}
	uids := uidsFrom(0, 100)
	r.holder.Watch(uids...)
	p := r.pollerAsking(vendor, r.config("p"), (*Poller).Run)
	r.eventually("all are watched", func() bool { return len(p.registry.All()) == len(uids) })
	close(begin)
	r.eventually("everybody is known", func() bool { return len(r.record.all()) == len(uids) })
	mu.Lock()
	defer mu.Unlock()
	for i, n := range asked[:len(reasons)+1] {
		require.Len(t, uids, n, "call %d", i)
	}
	require.Zero(t, p.metric(t, "missing_entries_total"))
}

// TestAFailingVendorIsLeftInPeace has a vendor that never answers, and slots a thousand times a second.
func TestAFailingVendorIsLeftInPeace(t *testing.T) {
	r := newRig(t, emulator.Options{Users: -1})
	var calls atomic.Int64
	vendor := scripted{get: func(context.Context, string, []string) (easemob.Answer, error) {
		calls.Add(1)
		return easemob.Answer{}, errAway
	}}
	r.pollerAsking(vendor, r.config("p"), (*Poller).Run)
	r.holder.Watch(uidsFrom(0, 50)...)
	r.eventually("the first call", func() bool { return calls.Load() >= 1 })
	began := time.Now()
	r.eventually("six calls", func() bool { return calls.Load() >= 6 })
	require.Greater(t, time.Since(began), 150*time.Millisecond, "chance makes it shorter in one of ten thousand runs")
}

var errAway = &easemob.Error{Kind: easemob.KindGet, Status: 503, Message: "away"}

// TestAnOperatorThatIsRefusedHoldsNobodyElseBack has two operators, one of whom the vendor does not know.
func TestAnOperatorThatIsRefusedHoldsNobodyElseBack(t *testing.T) {
	r := newRig(t, emulator.Options{Users: -1})
	vendor := scripted{get: func(_ context.Context, operator string, uids []string) (easemob.Answer, error) {
		if operator == "svc-1" {
			return easemob.Answer{}, errAway
		}
		return everybodyIsOnline(uids), nil
	}}
	c := r.config("p")
	c.Operators = []string{"svc-1", "svc-2"}
	p := r.pollerAsking(vendor, c, (*Poller).Run)
	uids := uidsFrom(0, 1000)
	r.holder.Watch(uids...)
	theirs := 0
	for _, uid := range uids {
		if operatorOf(uid, c.Operators) == 1 {
			theirs++
		}
	}
	r.eventually("the other's users are known", func() bool { return len(r.record.all()) == theirs })
	before := p.metric(t, "looks_total")
	r.eventually("and looked at again", func() bool { return p.metric(t, "looks_total") > before+float64(3*theirs) })
}

// TestRunEndsInPeace stops a poller in the middle of its work.
func TestRunEndsInPeace(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 150, ChangesPerS: 100})
	r.people(150)
	_, bus := r.bus()
	p, err := New(bus, r.client(), r.config("p"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return p.Run(ctx) })
	r.eventually("it is at work", func() bool { return r.record.total() > 200 })
	cancel()
	began := time.Now()
	require.NoError(t, g.Wait())
	require.Less(t, time.Since(began), time.Second)
}
