package road

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// Where the vendor's sources contradict each other, the bridge lives in either world. Each alternative of the
// dimensions is one world, and some that are thrown by dice in every dimension come on top. In each of them, the
// whole bridge plays for a while; then a WebSocket client, a request and the log have to say what the vendor says,
// every message in the log has to be a state that the vendor had at the time, and whoever is watched has to be
// subscribed. That the world really was as it is named, the vendor itself has to show.
func TestWorlds(t *testing.T) {
	const seed, combinations = 20, 8
	worlds := []world{{name: "as in the samples"}}
	for _, d := range dimensions {
		worlds = append(worlds, d...)
	}
	worlds = append(worlds, onlineWorlds...)
	dice, pairs := rand.New(rand.NewPCG(seed, 0)), pairs{}
	for i := range combinations {
		throw := pairs.best(dice)
		pairs.add(throw)
		worlds = append(worlds, throw.world(fmt.Sprintf("seed %d, combination %d", seed, i+1)))
	}
	table := newWorldTable()
	t.Run("play", func(t *testing.T) { // returns when all that is parallel in it has ended
		for _, w := range worlds {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				table.note(w, nil)
				table.note(w, play(t, w))
			})
		}
	})
	table.print(t, worlds)
	t.Logf("the combinations hold %d of the %d pairs that two dimensions can make", len(pairs), allPairs())
}

const (
	worldLives   = 1200 * time.Millisecond
	worldChanges = 60.0
	worldPeople  = 40
	rawToken     = "token-of-the-test"
)

// A world is how the vendor is, and how the bridge is set up for it. What is nil is as everywhere.
type world struct {
	name   string
	is     []string // what a combination is made of
	vendor func(o *emulator.Options)
	bridge func(r *road)
	before func(w *played)      // before the bridge comes
	midway func(w *played)      // while people live
	shows  func(w *played) bool // that the vendor is so
}

func call[T any](f func(T), with T) {
	if f != nil {
		f(with)
	}
}

// played is a world that is or has been played, and what came of it.
type played struct {
	*road
	options emulator.Options
	hub     *roadHub
	uids    []string // who is watched and exists
	nobody  []string // who is watched and does not
	audit   *audit
	settled time.Duration // from the last change until the client showed the truth
	changes int
	stats   emulator.Stats
	fired   emulator.Fired
}

func play(t *testing.T, in world) *played {
	o := emulator.Options{Users: worldPeople, Paused: true, Seed: 20, Token: rawToken}
	call(in.vendor, &o)
	w := &played{road: build(t, o), options: o, uids: append(people(worldPeople), operators[0]), nobody: []string{"nobody-1", "nobody-2"}}
	for _, operator := range append([]string{"probe"}, operators...) { // one vendor wants them to exist
		w.emulator.SetUser(operator, map[string]string{"web_1": "1"}, "at work")
	}
	call(in.bridge, w.road)
	call(in.before, w)
	w.emulator.ResetStats()
	w.audit = w.road.audit()
	w.addPoller("poller-1")
	w.hub = w.addHubWhereTheVendorCalls()
	v := newView()
	w.webSocket(w.hub.addr, v, "", asTyped(append(w.nobody, w.uids...))...)
	w.live(in)
	w.judge(v)
	require.True(t, in.shown(w))
	return w
}

// addHubWhereTheVendorCalls adds a hub, where the vendor posts its callbacks if it does.
func (w *played) addHubWhereTheVendorCalls() *roadHub {
	rule := w.options.Callback
	if rule.URL == "" {
		return w.addHub("hub-1")
	}
	w.callbackSecret = rule.Secret
	at, err := url.Parse(rule.URL)
	require.NoError(w.t, err)
	return w.addHubAt("hub-1", at.Host)
}

// asTyped writes every third name as people do.
func asTyped(uids []string) []string {
	uids = slices.Clone(uids)
	for i := 0; i < len(uids); i += 3 {
		uids[i] = strings.ToUpper(uids[i][:1]) + uids[i][1:]
	}
	return uids
}

// live lets people change for a while, and then nobody any more.
func (w *played) live(in world) {
	living := emulator.Population{Users: worldPeople, ChangesPerS: worldChanges}
	require.NoError(w.t, w.emulator.SetPopulation(living))
	time.Sleep(worldLives / 2) // the workload itself, not a wait for a condition
	call(in.midway, w)
	if !w.online {
		eventually(w.t, 5*time.Second, "the bridge sets a presence", func() bool { // a vendor that limits has it said again
			return w.put("User-0007", `{"status":"1","ext":"set by the bridge"}`) == http.StatusOK
		})
	}
	time.Sleep(worldLives / 2)
	living.Paused = true
	require.NoError(w.t, w.emulator.SetPopulation(living))
}

// judge holds everything against the truth.
func (w *played) judge(v *view) {
	t := w.t.(*testing.T)
	truth, paused := truthOf(t, w.road), time.Now()
	for _, uid := range w.nobody {
		truth[uid] = w.state(nil, "", 0)
	}
	eventually(t, 15*time.Second, "the client shows the truth", func() bool { return len(w.differences(v, truth)) == 0 })
	w.settled = time.Since(paused)
	require.Empty(t, w.differences(asked(t, w.hub, asTyped(append(w.nobody, w.uids...))), truth), "GET /v1/presence")
	requireLogEquals(t, w.road, truth, w.uids)
	eventually(t, 15*time.Second, "everybody who is watched is subscribed", func() bool {
		return w.online || len(unsubscribed(w.road, append(w.nobody, w.uids...))) == 0
	})
	require.Empty(t, w.differences(v, truth), "after all")
	w.audit.requireHonest(t, w.road)
	w.audit.requireTimely(t, w.road)
	w.changes, w.stats, w.fired = changesMade(w.road, w.uids), w.emulator.Stats(), w.emulator.FaultsFired()
	require.Greater(t, w.changes, int(worldChanges*worldLives.Seconds())/2, "the population lived")
	require.NoError(t, w.emulator.SetFaults(emulator.Faults{}))
}

// differences tells where a view is not the truth. Of somebody who does not exist a vendor may say nothing at
// all, who is then not known: but never anything else than that nobody is there.
func (w *played) differences(v *view, truth map[string]bridge.State) []string {
	nobody := w.nobody
	if w.options.OmitUnknown {
		nobody = slices.DeleteFunc(slices.Clone(nobody), func(uid string) bool { _, known := v.get(uid); return !known })
	}
	return v.differences(truth, append(nobody, w.uids...))
}

// requireTimely holds that each state in the log was one that the vendor had when it was looked at. A look takes
// a while from its beginning, which is observed_at.
func (a *audit) requireTimely(t *testing.T, r *road) {
	t.Helper()
	const look = 2 * time.Second
	for _, c := range a.all() {
		at := time.UnixMilli(c.ObservedAt)
		history := r.emulator.History(string(c.UID))
		ok := len(history) == 0
		for i, m := range history {
			over := i+1 < len(history) && history[i+1].At.Before(at.Add(-time.Millisecond))
			if !over && m.At.Before(at.Add(look)) && r.state(m.User.Status, m.User.Ext, m.User.LastTime*1000).Equal(c.State) {
				ok = true
			}
		}
		require.True(t, ok, "%s was not %+v at %s (%s)", c.UID, c.State, at, c.Source)
	}
}

// put sets a presence through the hub, and tells how it is answered.
func (w *played) put(uid, body string) (status int) {
	request, err := http.NewRequest(http.MethodPut, w.hub.http("/v1/presence/"+uid+"/web_set"), strings.NewReader(body))
	require.NoError(w.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	return response.StatusCode
}

// raw asks the vendor without any client of ours. A call over a limit, or refused for its good token, is made again.
func (w *played) raw(method, path, body string) (answer string) {
	eventually(w.t, 5*time.Second, "the vendor answers", func() bool {
		answer = w.ask(method, path, body)
		return !strings.HasPrefix(answer, "429") && !strings.Contains(answer, "too many queries") && !strings.Contains(answer, "corrupt access token")
	})
	return answer
}

// ask makes one call, and returns status and body; or what went wrong on the way.
func (w *played) ask(method, path, body string) string {
	request, err := http.NewRequest(method, w.vendor+path, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+rawToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", response.StatusCode, text)
}
