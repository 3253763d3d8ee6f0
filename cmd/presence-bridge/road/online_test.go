package road

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// An app that has not bought presence: everybody shows who is online, by the vendor's word. Nothing can be set, and
// no call of presence is made.
func TestOnlineTruth(t *testing.T) {
	const lively = 8 * time.Second
	r := build(t, emulator.Options{Users: 200, ChangesPerS: truthChanges, Seed: 7, NotActivated: true})
	r.online = true
	audit := r.audit()
	requireHeard := r.listens()
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	uids := people(200)
	v, stream := watchPeople(t, r, h, len(uids)), newView()
	r.eventStream(h.addr, stream, uids...)
	time.Sleep(lively) // the workload itself, not a wait for a condition
	requireSetIsRefused(t, h)
	require.NoError(t, r.emulator.SetPopulation(emulator.Population{Users: 200, ChangesPerS: truthChanges, Paused: true}))
	truth := truthOf(t, r)
	eventually(t, 5*time.Second, "all show the truth", func() bool {
		return len(v.differences(truth, uids))+len(stream.differences(truth, uids)) == 0
	})
	require.Empty(t, asked(t, h, uids).differences(truth, uids), "GET /v1/presence")
	requireLogEquals(t, r, truth, uids)
	audit.requireHonest(t, r)
	requireHeard()
	online := 0
	for _, uid := range uids {
		if p, _ := v.get(uid); p.Online {
			online++
			require.Empty(t, p.Status, "somebody is online without a device")
		}
	}
	require.Positive(t, online)
	requireBatchStatusOnly(t, r)
	require.NotEmpty(t, requireChanged(t, audit.all(), bridge.ChangedStatus), "somebody came or went")
}

func requireSetIsRefused(t *testing.T, h *roadHub) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, h.http("/v1/presence/user-0001/web_1"), strings.NewReader(`{"status":"1"}`))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusNotImplemented, response.StatusCode)
}

// requireBatchStatusOnly looks into the vendor's books.
func requireBatchStatusOnly(t *testing.T, r *road) {
	t.Helper()
	stats := r.emulator.Stats()
	for kind, calls := range stats.Calls {
		if kind == "batch_status" {
			require.Positive(t, calls)
		} else if kind != "token" {
			require.Zero(t, calls, kind)
		}
	}
	require.Zero(t, stats.Rejected["400"]+stats.Rejected["429"], "nothing was refused")
	require.LessOrEqual(t, stats.PeakPerS["batch_status"], int(r.rate)+2)
}

// requireChanged are the messages that name no other change than what, beside those that begin a watch.
func requireChanged(t *testing.T, all []*bridge.Change, what string) (changes []*bridge.Change) {
	t.Helper()
	for _, c := range all {
		if c.Changed[0] == bridge.ChangedFirst {
			continue
		}
		require.Equal(t, []string{what}, c.Changed, "%s", c.UID)
		changes = append(changes, c)
	}
	return changes
}

// A deployment goes over to batch status and back, over the same log. That the vendor tells less, and then more, is a
// change, for the states differ; nothing else is told, and nobody comes or goes for it.
func TestFromPresenceToOnlineAndBack(t *testing.T) {
	r := build(t, emulator.Options{Users: 60, Paused: true, Seed: 5})
	r.emulator.SetUser("user-0001", map[string]string{"web_1": "1"}, "at my desk")
	r.emulator.SetUser("user-0002", map[string]string{"web_1": "0"}, "")
	audit := r.audit()
	uids := people(61) // the last has never been there
	r.online = true    // the hub: no keeper writes beside the poller
	h := r.addHub("hub-1")
	v := newView()
	r.webSocket(h.addr, v, "", uids...)
	for i, online := range []bool{false, true, false} {
		r.online = online
		stop, _ := r.addPoller(fmt.Sprintf("poller-%d", i+1))
		truth := truthOf(t, r)
		truth["user-0061"] = bridge.OnlineOnly(false)
		shown := func() bool { return len(v.differences(truth, uids)) == 0 }
		eventually(t, 15*time.Second, "the client shows the truth", shown)
		logged := func() bool { return lastStates(audit).equal(truth, uids) }
		eventually(t, 5*time.Second, "the log is read to its end", logged)
		stop()
	}
	told := map[bridge.UID][]*bridge.Change{}
	for _, c := range audit.all() {
		told[c.UID] = append(told[c.UID], c)
	}
	require.Len(t, told, len(uids))
	present := 0
	for uid, changes := range told {
		before := changes[0]
		if before.State.Equal(bridge.OnlineOnly(false)) {
			require.Len(t, changes, 1, "%s was never there, which is the same in both worlds", uid)
			continue
		}
		present++
		require.Len(t, changes, 3, "%s", uid)
		word, after := changes[1], changes[2]
		require.Equal(t, bridge.OnlineOnly(before.Online), word.State, "%s", uid)
		require.Equal(t, before.State, after.State, "%s", uid)
		require.Equal(t, before.State, *word.Prev, "%s", uid)
		require.Equal(t, word.State, *after.Prev, "%s", uid)
		require.Equal(t, word.Changed, after.Changed, "%s", uid)
		require.Contains(t, word.Changed, bridge.ChangedStatus, "%s", uid)
	}
	require.Greater(t, present, len(uids)/2)
	require.Less(t, present, len(uids))
	v.read(func(v *view) { require.Empty(t, v.wentBack) })
}

// lastStates is the newest state of each user that an audit has read.
func lastStates(a *audit) states {
	last := states{}
	for _, c := range a.all() {
		last[string(c.UID)] = c.State
	}
	return last
}

type states map[string]bridge.State

func (s states) equal(truth map[string]bridge.State, uids []string) bool {
	return !slices.ContainsFunc(uids, func(uid string) bool {
		state, ok := s[uid]
		return !ok || !state.Equal(truth[uid])
	})
}

// The page shows somebody online of whom no device is told.
func TestOnlinePage(t *testing.T) {
	path := program(t, "chromium", "chromium-browser", "google-chrome")
	r := build(t, emulator.Options{Users: 200, Paused: true, Seed: 6, NotActivated: true})
	r.online = true
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	page := openBrowser(t, path)
	page.showAll(t, h.http("/"))
	page.until(t, "200 people are known", allKnown)
	r.emulator.SetUser("user-0005", map[string]string{"web_1": "0"}, "")
	page.until(t, "offline", card("user-0005", "offline", ""))
	r.emulator.SetUser("user-0005", map[string]string{"web_1": "1"}, "not told")
	page.until(t, "online without a device", card("user-0005", "online", ""))
	require.True(t, page.ask(t, `document.querySelectorAll('[data-device]').length === 0`), "a device is shown")
	for uid, state := range truthOf(t, r) {
		want := map[bool]string{true: "online", false: "offline"}[state.Online]
		page.until(t, uid+" is "+want, card(uid, want, ""))
	}
	requireBatchStatusOnly(t, r)
}
