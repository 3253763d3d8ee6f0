package road

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// A hub dies. Its clients come to another with their cursor, and get what changed meanwhile, and only that.
func TestHubKilled(t *testing.T) {
	r := build(t, emulator.Options{Users: 50, Paused: true, Seed: 3})
	r.addPoller("poller-1")
	first, second := r.addHub("hub-1"), r.addHub("hub-2")
	uids := people(50)
	v, witness := newView(), newView()
	r.webSocket(first.addr, v, "", uids...)
	r.webSocket(second.addr, witness, "", uids...)
	eventually(t, 10*time.Second, "both clients know everybody", func() bool {
		truth := truthOf(t, r)
		return len(v.differences(truth, uids)) == 0 && len(witness.differences(truth, uids)) == 0
	})
	first.kill()
	changed := []string{"user-0003", "user-0017", "user-0042"}
	for _, uid := range changed {
		r.emulator.SetUser(uid, map[string]string{"web_1": "7"}, "meanwhile")
	}
	truth := truthOf(t, r)
	eventually(t, 10*time.Second, "the other hub's client sees the changes", func() bool {
		return len(witness.differences(truth, uids)) == 0
	})
	var cursor string
	var told int
	v.read(func(v *view) { cursor, told, v.answered = v.cursor, v.told, false })
	r.webSocket(second.addr, v, cursor, uids...)
	eventually(t, 10*time.Second, "the client is answered", func() bool {
		answered := false
		v.read(func(v *view) { answered = v.answered })
		return answered
	})
	require.Empty(t, v.differences(truth, uids))
	v.read(func(v *view) {
		require.Equal(t, len(changed), v.told-told, "what changed, and only that")
		require.Empty(t, v.pending)
		require.Empty(t, v.wentBack)
	})
}

// A poller dies in the middle of its work. The other takes over within 15 s, with nothing false in the log.
func TestPollerKilled(t *testing.T) {
	r := build(t, emulator.Options{Users: 200, ChangesPerS: 30, Seed: 5})
	r.settings.RoleTTL = 0 // as deployed
	audit := r.audit()
	_, kill := r.addPoller("poller-1")
	h := r.addHub("hub-1")
	uids := people(200)
	v := watchPeople(t, r, h, len(uids))
	r.addPoller("poller-2")
	kill()
	killed := time.Now()
	stopped := r.emulator.Stats().Calls["get"]
	eventually(t, 15*time.Second, "the other poller asks", func() bool { return r.emulator.Stats().Calls["get"] > stopped+2 })
	t.Logf("taken over after %s", time.Since(killed).Round(time.Millisecond))
	require.NoError(t, r.emulator.SetPopulation(emulator.Population{Users: 200, ChangesPerS: 30, Paused: true}))
	truth := truthOf(t, r)
	eventually(t, 15*time.Second, "the client shows the truth", func() bool { return len(v.differences(truth, uids)) == 0 })
	audit.requireHonest(t, r)
}

// Pollers die one after the other, each at another moment of its work. The log stays true.
func TestPollersKilledAtAnyMoment(t *testing.T) {
	const seed, rounds = 11, 6
	r := build(t, emulator.Options{Users: 200, ChangesPerS: 100, Seed: seed})
	audit := r.audit()
	h := r.addHub("hub-1")
	v := newView()
	uids := people(200)
	r.webSocket(h.addr, v, "", uids...)
	moments := rand.New(rand.NewPCG(seed, 0))
	_, kill := r.addPoller("poller-0")
	for round := 1; round <= rounds; round++ {
		led := r.emulator.Stats().Calls["get"]
		eventually(t, 15*time.Second, "somebody leads", func() bool { return r.emulator.Stats().Calls["get"] > led })
		_, next := r.addPoller(fmt.Sprintf("poller-%d", round))
		time.Sleep(time.Duration(moments.IntN(700)) * time.Millisecond) // the moment is the test
		kill()
		kill = next
	}
	require.NoError(t, r.emulator.SetPopulation(emulator.Population{Users: 200, ChangesPerS: 100, Paused: true}))
	truth := truthOf(t, r)
	eventually(t, 15*time.Second, "the client shows the truth", func() bool { return len(v.differences(truth, uids)) == 0 })
	audit.requireHonest(t, r)
	t.Logf("seed %d: %d pollers killed, %d messages of %d changes", seed, rounds, len(audit.all()), changesMade(r, uids))
}

// A user who was watched once, and by nobody since, is pending for who asks today, and then right. The log says
// that nobody looked between.
func TestHistoryIsNotNews(t *testing.T) {
	r := build(t, emulator.Options{Users: 10, Paused: true, Seed: 2})
	r.settings.HolderTTL = 2 * time.Second
	audit := r.audit()
	r.addPoller("poller-1")
	yesterday := r.addHub("hub-yesterday")
	v := newView()
	leave := r.webSocket(yesterday.addr, v, "", "user-0001")
	eventually(t, 10*time.Second, "the user is known", func() bool { _, ok := v.get("user-0001"); return ok })
	leave()
	yesterday.kill()
	last := func() *bridge.Change {
		if all := audit.all(); len(all) > 0 {
			return all[len(all)-1]
		}
		return &bridge.Change{}
	}
	eventually(t, 15*time.Second, "the log says that nobody watches", func() bool { return last().Unwatched() })
	r.emulator.SetUser("user-0001", map[string]string{"ios_1": "1"}, "today")

	h := r.addHub("hub-today")
	other := newView()
	r.webSocket(h.addr, other, "", "user-0002")
	eventually(t, 10*time.Second, "the hub has heard that the feed is live", func() bool {
		live := false
		other.read(func(v *view) { live = v.feed == "live" })
		return live
	})
	today := newView()
	r.webSocket(h.addr, today, "", "user-0001")
	eventually(t, 10*time.Second, "the client is answered", func() bool {
		answered := false
		today.read(func(v *view) { answered = v.answered })
		return answered
	})
	today.read(func(v *view) { require.Equal(t, []string{"user-0001"}, v.pending, "history was shown as news") })
	eventually(t, 10*time.Second, "the client is right", func() bool {
		return len(today.differences(truthOf(t, r), []string{"user-0001"})) == 0
	})
	today.read(func(v *view) { require.Equal(t, 1, v.told, "the old state was told as well") })
	require.Equal(t, []string{bridge.ChangedFirst}, last().Changed)
	audit.requireHonest(t, r)
}

// The vendor answers only for whom one subscribes to, and subscriptions are short. Nobody who is watched is
// ever unknown, and a restart subscribes nobody anew.
func TestSubscriptionsOutliveTheirLifetime(t *testing.T) {
	const lifetime = 6 * time.Second // the keeper's own tests run 60 s and days, in fake time
	r := build(t, emulator.Options{Users: 150, ChangesPerS: 10, Seed: 9, NeedSubscription: true, ListLag: -1})
	r.ttl = lifetime
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	uids := people(150)
	watchPeople(t, r, h, len(uids))
	for end := time.Now().Add(3 * lifetime); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		require.Empty(t, unsubscribed(r, uids), "watched, and not subscribed")
		require.Empty(t, asked(t, h, uids).pending, "watched, and unknown")
	}
	renewals := r.emulator.Stats().Calls["subscribe"]
	require.Greater(t, renewals, 5, "the subscriptions were renewed")

	r.ttl = time.Hour
	long := r.addHub("hub-2") // becomes the keeper when the first has gone, with what the ledger holds
	h.stop()
	v2 := newView()
	r.webSocket(long.addr, v2, "", uids...)
	eventually(t, 15*time.Second, "the truth is shown again", func() bool {
		return len(v2.differences(truthOf(t, r), uids)) < len(uids)/2 && len(unsubscribed(r, uids)) == 0
	})
	require.NoError(t, r.emulator.SetPopulation(emulator.Population{Users: 150, ChangesPerS: 10, Paused: true}))
	eventually(t, 10*time.Second, "the truth is shown", func() bool { return len(v2.differences(truthOf(t, r), uids)) == 0 })
}

// A restart finds in the ledger what is subscribed still, and makes no call for it.
func TestRestartSubscribesNobodyAnew(t *testing.T) {
	r := build(t, emulator.Options{Users: 150, Paused: true, Seed: 9, NeedSubscription: true, ListLag: -1})
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	uids := people(150)
	know := func(h *roadHub) {
		v := newView()
		r.webSocket(h.addr, v, "", uids...)
		eventually(t, 15*time.Second, "everybody is known and subscribed", func() bool {
			return len(v.differences(truthOf(t, r), uids)) == 0 && len(unsubscribed(r, uids)) == 0
		})
	}
	know(h)
	h.stop()
	before := r.emulator.Stats().Calls["subscribe"]
	require.Positive(t, before)
	again := r.addHub("hub-2")
	know(again)
	r.emulator.SetUser("user-0151", map[string]string{"web": "1"}, "")
	v := newView()
	r.webSocket(again.addr, v, "", "user-0151")
	eventually(t, 15*time.Second, "the new keeper works", func() bool { _, ok := v.get("user-0151"); return ok })
	require.Equal(t, before+1, r.emulator.Stats().Calls["subscribe"], "only the newcomer was subscribed")
}

// unsubscribed lists who is not subscribed by any operator, by the vendor's own books.
func unsubscribed(r *road, uids []string) []string {
	held := map[string]bool{}
	for _, operator := range operators {
		for uid := range r.emulator.Subscriptions(operator) {
			held[uid] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(uids), func(uid string) bool { return held[uid] })
}
