package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// backend is somebody at NATS who is no part of the bridge.
type backend struct {
	t  testing.TB
	nc *nats.Conn
}

func (w *world) backend() backend {
	w.t.Helper()
	nc, err := w.server.Connect(nil)
	require.NoError(w.t, err)
	w.t.Cleanup(nc.Close)
	b := backend{w.t, nc}
	require.Eventually(w.t, func() bool { // what a hub has just subscribed to may be unknown to the server
		_, err := nc.Request("presence.api.set", nil, soon) // the last to be offered
		return err == nil
	}, soon, often)
	return b
}

func (b backend) request(endpoint, body string) *nats.Msg {
	b.t.Helper()
	m, err := b.nc.Request("presence.api."+endpoint, []byte(body), time.Minute)
	require.NoError(b.t, err)
	conforms(b.t, spoken().Reply(endpoint, []byte(body), m.Header, m.Data))
	return m
}

// gets is the answer to a request that must be granted.
func (b backend) gets(endpoint, body string, answer any) {
	b.t.Helper()
	m := b.request(endpoint, body)
	require.Empty(b.t, m.Header, "%s", m.Data)
	require.NoError(b.t, json.Unmarshal(m.Data, answer), "%s", m.Data)
}

// isRefused is a request that must not be granted: how, and why.
func (b backend) isRefused(endpoint, body string) (status, code, description string) {
	b.t.Helper()
	m := b.request(endpoint, body)
	var r refusal
	require.NoError(b.t, json.Unmarshal(m.Data, &r), "%s", m.Data)
	description = m.Header.Get(micro.ErrorHeader)
	require.Equal(b.t, strings.ReplaceAll(r.Message, "\n", "; "), description)
	return m.Header.Get(micro.ErrorCodeHeader), r.Code, description
}

func (b backend) watch(holder, ttl string, uids ...bridge.UID) watchAnswer {
	b.t.Helper()
	body, err := json.Marshal(watchRequest{Holder: holder, UIDs: uids, TTL: ttl})
	require.NoError(b.t, err)
	var a watchAnswer
	b.gets("watch", string(body), &a)
	return a
}

// eventually waits for far longer than leases in tests are for.
func eventually(t testing.TB, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 90*time.Second, 10*time.Millisecond)
}

func TestBackendsAskWhoIsOnline(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("known", online("here"))
	h := w.hub()
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	var got frame
	w.backend().gets("get", `{"uids":["Known","new"]}`, &got)
	require.Equal(t, map[bridge.UID]string{"known": "here"}, got.exts())
	require.Equal(t, []bridge.UID{"new"}, got.Pending)
	require.Equal(t, "subscribed", got.Type)
	http := h.ask("GET", "/v1/presence?uids=known,new", "")
	require.Equal(t, decodeFrame(t, http.body).Presences, got.Presences, "browsers are told the same")
	require.True(t, h.watches("new"), "asking watches for a minute")
}

// TestALeaseKeepsAUserWatched with no browser, until its time is up or it is given back.
func TestALeaseKeepsAUserWatched(t *testing.T) {
	w := newWorld(t)
	h, b := w.hub(), w.backend()
	a := b.watch("billing", "10s", "Brief", "brief", "short")
	require.Equal(t, 2, a.Watched)
	require.WithinDuration(t, time.Now().Add(10*time.Second), time.UnixMilli(a.Until), 30*time.Second)
	a = b.watch("billing", "", "long", "short")
	require.WithinDuration(t, time.Now().Add(leaseByDefault), time.UnixMilli(a.Until), time.Minute)
	b.watch("audit", "24h", "long")
	watched := func(uid bridge.UID, watchers int) func() bool {
		return func() bool { return w.look.registry.Watched(uid) && w.look.registry.Watchers(uid) == watchers }
	}
	eventually(t, watched("brief", 1))
	eventually(t, watched("long", 2))
	w.look.see("long", online("seen"))
	eventually(t, func() bool {
		var got frame
		b.gets("get", `{"uids":["long"]}`, &got)
		return got.exts()["long"] == "seen"
	})
	eventually(t, func() bool { return !w.look.registry.Watched("brief") })
	require.True(t, watched("short", 1)(), "it was renewed")
	require.True(t, h.watches("short"))

	var gave unwatchAnswer
	b.gets("unwatch", `{"holder":"billing","uids":["short","long","nobody"]}`, &gave)
	require.Equal(t, 3, gave.Unwatched)
	eventually(t, func() bool { return !w.look.registry.Watched("short") })
	eventually(t, watched("long", 1))
}

// TestALeaseOutlivesTheHubThatTookIt, and those that start later keep it as well.
func TestALeaseOutlivesTheHubThatTookIt(t *testing.T) {
	w := newWorld(t)
	first := w.hub()
	w.backend().watch("billing", "1h", "a")
	first.until(func() bool { return first.wanted["a"] })
	second := w.hub()
	second.until(func() bool { return second.wanted["a"] })
	first.stop()
	third := w.hub()
	third.until(func() bool { return third.wanted["a"] })
	second.until(func() bool { return second.wanted["a"] && len(second.leased["a"]) == 1 })
	var gave unwatchAnswer
	w.backend().gets("unwatch", `{"holder":"billing","uids":["a"]}`, &gave)
	second.until(func() bool { return !second.wanted["a"] })
	third.until(func() bool { return !third.wanted["a"] })
}

func TestBackendsSet(t *testing.T) {
	w, v := newWorld(t), &vendor{}
	w.hub(func(c *Config) { c.Auth, c.Vendor = hmacAuth, v })
	hints := make(chan bridge.Hint, 10)
	sub, err := w.look.bus.SubscribeHints(func(h bridge.Hint) { hints <- h })
	require.NoError(t, err)
	defer func() { _ = sub.Unsubscribe() }()
	_, err = w.look.bus.LastSeq(t.Context()) // answered: the subscription is known to the server
	require.NoError(t, err)
	b := w.backend()
	var done map[string]string
	b.gets("set", `{"uid":"Alice","resource":"web_1","status":"1","ext":"busy"}`, &done)
	require.Equal(t, map[string]string{"result": "ok"}, done)
	require.Equal(t, []string{`alice/web_1=1 "busy"`}, v.taken())
	require.Equal(t, bridge.Hint{UID: "alice", Source: bridge.SourceBridge}, <-hints)

	v.answer(vendorSays(t, 429, `{"error":"reach_limit"}`))
	status, code, _ := b.isRefused("set", `{"uid":"alice","resource":"web_1","status":"1"}`)
	require.Equal(t, []string{"503", "busy"}, []string{status, code})
	v.answer(vendorWouldNot(t, "a/b", "1", ""))
	status, code, why := b.isRefused("set", `{"uid":"alice","resource":"a/b","status":"1"}`)
	require.Equal(t, []string{"400", "invalid", `resource "a/b": it takes letters, digits, - _ and .`}, []string{status, code, why})
}

func TestBackendsSetsHaveTheLimitsOfBrowsers(t *testing.T) {
	w, v := newWorld(t), &slowVendor{begun: make(chan struct{}, 10), letGo: make(chan struct{})}
	w.hub(func(c *Config) { c.Vendor = v })
	b := w.backend()
	const set = `{"uid":"alice","resource":"web_1","status":"1"}`
	var sets sync.WaitGroup
	for range maxSetting {
		sets.Go(func() { b.request("set", set) })
		<-v.begun
	}
	status, code, why := b.isRefused("set", set)
	require.Equal(t, []string{"429", "over_a_limit"}, []string{status, code}, why)
	close(v.letGo)
	sets.Wait()
}

func TestWhatBackendsMayNotAsk(t *testing.T) {
	w := newWorld(t)
	h := w.hub()
	b := w.backend()
	many := func(n int) string {
		uids := make([]string, n)
		for i := range uids {
			uids[i] = fmt.Sprintf("u%d", i)
		}
		data, err := json.Marshal(uids)
		require.NoError(t, err)
		return string(data)
	}
	const set = `{"uid":"a","resource":"web","status":"1"`
	for _, c := range []struct{ endpoint, body, status, code, why string }{
		{"get", ``, "400", "bad_message", "the request is empty"},
		{"get", `rubbish`, "400", "bad_message", "invalid character"},
		{"get", `{"uids":["a"`, "400", "bad_message", "unexpected EOF"},
		{"get", `{"uids":["a"]} and more`, "400", "bad_message", "nothing after it"},
		{"get", "{\"uids\":[\"\xff\"]}", "400", "bad_message", "not UTF-8"},
		{"get", `["a"]`, "400", "bad_message", "want an object"},
		{"get", `null`, "400", "bad_message", "uids is missing"},
		{"get", `{}`, "400", "bad_message", "uids is missing"},
		{"get", `{"uids":[]}`, "400", "bad_message", "uids is missing"},
		{"get", `{"uids":"a"}`, "400", "bad_message", "uids is a string, want a list of strings"},
		{"get", `{"uids":["a"],"wait":"2s"}`, "400", "bad_message", `unknown field "wait"`},
		{"get", `{"uids":["a","b c"]}`, "400", "bad_uid", `"b c"`},
		{"get", `{"uids":["b c",""]}`, "400", "bad_uid", "; "},
		{"get", `{"uids":` + many(1001) + `}`, "400", "too_many_uids", "1000 is the most"},
		{"get", `{"uids":["` + strings.Repeat("x", maxServiceBytes) + `"]}`, "400", "bad_message", "65536 is the most"},
		{"watch", `{"uids":["a"]}`, "400", "bad_holder", "holder is empty"},
		{"watch", `{"holder":"a.b","uids":["a"]}`, "400", "bad_holder", `"a.b"`},
		{"watch", `{"holder":"` + strings.Repeat("x", 65) + `","uids":["a"]}`, "400", "bad_holder", "64 is the most"},
		{"watch", `{"holder":7,"uids":["a"]}`, "400", "bad_message", "holder is a number, want a string"},
		{"watch", `{"holder":"billing","uids":["a"],"until":7}`, "400", "bad_message", `unknown field "until"`},
		{"watch", `{"holder":"billing","uids":["a"],"ttl":"soon"}`, "400", "bad_ttl", "from 10s to 24h"},
		{"watch", `{"holder":"billing","uids":["a"],"ttl":"9s"}`, "400", "bad_ttl", "from 10s"},
		{"watch", `{"holder":"billing","uids":["a"],"ttl":"25h"}`, "400", "bad_ttl", "to 24h"},
		{"watch", `{"holder":"billing","uids":["a"],"ttl":60}`, "400", "bad_message", "ttl is a number, want a string"},
		{"watch", `{"holder":"billing","uids":` + many(1001) + `}`, "400", "too_many_uids", "1000 is the most"},
		{"unwatch", `{"holder":"billing"}`, "400", "bad_message", "uids is missing"},
		{"unwatch", `{"holder":">","uids":["a"]}`, "400", "bad_holder", `">"`},
		{"unwatch", `{"holder":"billing","uids":["a"],"ttl":"1m"}`, "400", "bad_message", `unknown field "ttl"`},
		{"set", `{"resource":"web","status":"1"}`, "400", "bad_uid", "uid: not a user id"},
		{"set", `{"uid":"a","status":"1"}`, "400", "bad_message", "needs a resource"},
		{"set", `{"uid":"a","resource":"web"}`, "400", "bad_message", "a status"},
		{"set", set + `,"holder":"x"}`, "400", "bad_message", `unknown field "holder"`},
		{"set", set + `}`, "501", "read_only", "no credentials"},
	} {
		status, code, why := b.isRefused(c.endpoint, c.body)
		require.Equal(t, []string{c.status, c.code}, []string{status, code}, "%s %.80s: %s", c.endpoint, c.body, why)
		require.Contains(t, why, c.why, "%s %.80s", c.endpoint, c.body)
	}
	require.False(t, h.watches("a"))
	require.Equal(t, 1000, b.watch("billing", "1m", splitUIDs(strings.Trim(strings.ReplaceAll(many(1000), `"`, ""), "[]"))...).Watched)
}

// TestAHubThatStopsSendsBackendsAway to another.
func TestAHubThatStopsSendsBackendsAway(t *testing.T) {
	w := newWorld(t)
	h := w.hub()
	b := w.backend()
	h.TurnAway()
	require.Eventually(t, func() bool {
		_, err := b.nc.Request("presence.api.get", []byte(`{"uids":["a"]}`), time.Minute)
		return errors.Is(err, nats.ErrNoResponders)
	}, soon, often, "while browsers are served on")
	h.stop()
	w.hub()
	w.backend().watch("billing", "1m", "a")
}

// TestBackendsDoNotWait: what is not known yet is pending, at once.
func TestBackendsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, begun := quietHub(t), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		answer, err := h.backendGets(ctx, getRequest{UIDs: []bridge.UID{"nobody"}})
		require.NoError(t, err)
		require.Equal(t, []bridge.UID{"nobody"}, answer.(subscribedMessage).Pending)
		require.Equal(t, begun, time.Now())
	})
}

func TestTheServiceIsListed(t *testing.T) {
	w := newWorld(t)
	w.hub(func(c *Config) { c.Version = "v4.5.6" })
	m, err := w.backend().nc.Request("$SRV.INFO.presence", nil, time.Minute)
	require.NoError(t, err)
	var info micro.Info
	require.NoError(t, json.Unmarshal(m.Data, &info))
	require.Equal(t, "presence", info.Name)
	require.Equal(t, "4.5.6", info.Version)
	var subjects []string
	for _, e := range info.Endpoints {
		subjects = append(subjects, e.Subject)
		require.Equal(t, micro.DefaultQueueGroup, e.QueueGroup)
	}
	require.ElementsMatch(t, []string{"presence.api.get", "presence.api.watch", "presence.api.unwatch", "presence.api.set"}, subjects)
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"holder":"billing","uids":["a"],"ttl":"10m"}`))
	f.Add([]byte(`null`))
	f.Add([]byte("{}\n{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := decodeRequest[watchRequest](body)
		if err != nil {
			require.Equal(t, "bad_message", refusalOf(err).Code)
			return
		}
		if len(encode(r)) > maxServiceBytes { // it is longer with its escapes
			return
		}
		again, err := decodeRequest[watchRequest](encode(r))
		require.NoError(t, err)
		require.Equal(t, r.Holder, again.Holder)
		require.Equal(t, len(r.UIDs), len(again.UIDs))
	})
}
