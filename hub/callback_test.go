package hub

import (
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const callbackSecret = "a-secret-of-the-rule"

func withCallbacks(c *Config) { c.CallbackSecret = callbackSecret }

var callbackIDs int

// callbackBody is a login, as the vendor writes it, with some fields otherwise. It is signed unless a field says
// that it is not.
func callbackBody(change fields) string {
	callbackIDs++
	body := fields{
		"callId": fmt.Sprintf("demo#presence_%d", callbackIDs), "reason": "login", "os": "ios", "ip": "127.0.0.1", "host": "msync@host",
		"appkey": "demo#presence", "user": "demo#presence_alice@easemob.com/ios_1", "version": "3.8.9.1",
		"timestamp": time.Now().UnixMilli(), "status": "online",
	}
	for name, value := range change {
		body[name] = value
	}
	if _, ok := body["security"]; !ok {
		body["security"] = fmt.Sprintf("%x", md5.Sum(fmt.Append(nil, body["callId"], callbackSecret, body["timestamp"])))
	}
	for name, value := range body {
		if value == nil {
			delete(body, name)
		}
	}
	data, _ := json.Marshal(body)
	return string(data)
}

// TestCallbackAnswers holds what the vendor is answered, who is hinted at, and what is counted.
func TestCallbackAnswers(t *testing.T) {
	w := newWorld(t)
	metrics := prometheus.NewRegistry()
	h := w.hub(withCallbacks, func(c *Config) { c.Registerer = metrics })
	hints := make(chan bridge.Hint, 100)
	bus := w.bus()
	_, err := bus.SubscribeHints(func(h bridge.Hint) { hints <- h })
	require.NoError(t, err)
	require.NoError(t, bus.PublishHint(bridge.Hint{UID: "here", Source: bridge.SourceBridge}))
	<-hints // NATS knows of the subscription

	now := time.Now()
	login := callbackBody(nil)
	for _, test := range []struct {
		name, body string
		status     int
		said       string // the result of a 200, the code of any other
		counted    string
		hint       bridge.UID
	}{
		{"login", login, 200, "ok", "hinted", "alice"},
		{"the same again", login, 200, "duplicate", "duplicate", ""},
		{"logout", callbackBody(fields{"reason": "logout", "status": "offline"}), 200, "ok", "hinted", "alice"},
		{"replaced", callbackBody(fields{"reason": "replaced", "status": "offline"}), 200, "ok", "hinted", "alice"},
		{"a reason nobody knows", callbackBody(fields{"reason": "abducted"}), 200, "ok", "hinted", "alice"},
		{"no reason", callbackBody(fields{"reason": nil}), 200, "ok", "hinted", "alice"},
		{"upper case, and a name with a mark in it", callbackBody(fields{"user": "demo#presence_Bob_@easemob.com/ios_1"}), 200, "ok", "hinted", "bob_"},
		{"a device with a mark in it", callbackBody(fields{"user": "demo#presence_x@easemob.com/@easemob.com/ios"}), 200, "malformed", "malformed", ""},
		{"a name like the app's", callbackBody(fields{"user": "demo#presence_presence_1@easemob.com/ios_1"}), 200, "ok", "hinted", "presence_1"},
		{"an app key in upper case", callbackBody(fields{"appkey": "Demo#Presence", "user": "DEMO#presence_alice@easemob.com/ios_1"}), 200, "ok", "hinted", "alice"},
		{"a timestamp in quotes", callbackBody(fields{"timestamp": fmt.Sprint(now.UnixMilli())}), 200, "ok", "hinted", "alice"},
		{"four minutes late", callbackBody(fields{"timestamp": now.Add(-4 * time.Minute).UnixMilli()}), 200, "ok", "hinted", "alice"},
		{"four minutes ahead", callbackBody(fields{"timestamp": now.Add(4 * time.Minute).UnixMilli()}), 200, "ok", "hinted", "alice"},

		{"six minutes late", callbackBody(fields{"timestamp": now.Add(-6 * time.Minute).UnixMilli()}), 200, "stale", "stale", ""},
		{"six minutes ahead", callbackBody(fields{"timestamp": now.Add(6 * time.Minute).UnixMilli()}), 200, "stale", "stale", ""},
		{"seconds", callbackBody(fields{"timestamp": now.Unix()}), 200, "stale", "stale", ""},
		{"no time at all", callbackBody(fields{"timestamp": json.Number("1e300")}), 200, "stale", "stale", ""},
		{"the end of time", callbackBody(fields{"timestamp": int64(1<<63 - 1)}), 200, "stale", "stale", ""},
		{"a message", callbackBody(fields{"eventType": "chat"}), 200, "ignored", "ignored", ""},
		{"a message as it comes", callbackBody(fields{"eventType": "chat_offline", "user": nil, "status": nil, "appkey": nil, "payload": fields{"a": []int{1}}}), 200, "ignored", "ignored", ""},
		{"no user", callbackBody(fields{"user": nil}), 200, "ignored", "ignored", ""},
		{"no status", callbackBody(fields{"status": nil}), 200, "ignored", "ignored", ""},
		{"a user that is no text", callbackBody(fields{"user": fields{"name": "alice"}}), 200, "ignored", "ignored", ""},
		{"a user without a host", callbackBody(fields{"user": "demo#presence_alice"}), 200, "malformed", "malformed", ""},
		{"a user of another app", callbackBody(fields{"user": "other#app_alice@easemob.com/ios_1"}), 200, "malformed", "malformed", ""},
		{"a user that cannot be", callbackBody(fields{"user": "demo#presence_a b@easemob.com/ios_1"}), 200, "malformed", "malformed", ""},
		{"nobody", callbackBody(fields{"user": "demo#presence_@easemob.com/ios_1"}), 200, "malformed", "malformed", ""},

		{"another app", callbackBody(fields{"appkey": "other#app", "user": "other#app_alice@easemob.com/ios_1"}), 403, "unknown_app", "unknown_app", ""},
		{"no app", callbackBody(fields{"appkey": nil}), 403, "unknown_app", "unknown_app", ""},
		{"forged", callbackBody(fields{"security": strings.Repeat("0", 32)}), 401, "bad_signature", "bad_signature", ""},
		{"not signed", callbackBody(fields{"security": nil}), 401, "bad_signature", "bad_signature", ""},
		{"a signature that is no text", callbackBody(fields{"security": 7}), 401, "bad_signature", "bad_signature", ""},
		{"another callback's signature", callbackBody(fields{"callId": "x", "security": "2c6dd77e61b8f26801627fdaadca893e"}), 401, "bad_signature", "bad_signature", ""},
		{"no id", callbackBody(fields{"callId": ""}), 401, "bad_signature", "bad_signature", ""},
		{"a time that is no number", callbackBody(fields{"timestamp": "soon"}), 401, "bad_signature", "bad_signature", ""},
		{"a list", `[]`, 401, "bad_signature", "bad_signature", ""},
		{"nothing", ``, 400, "no_json", "no_json", ""},
		{"a form", `callId=1&security=2`, 400, "no_json", "no_json", ""},
		{"half of it", login[:100], 400, "no_json", "no_json", ""},
		{"too deep", strings.Repeat("[", 12_000), 400, "no_json", "no_json", ""},
		{"as much as there may be", callbackBody(fields{"more": strings.Repeat("x", maxCallbackBytes-600)}), 200, "ok", "hinted", "alice"},
		{"too much", callbackBody(fields{"more": strings.Repeat("x", 16<<10)}), 413, "too_large", "too_large", ""},
	} {
		before := countedCallbacks(t, metrics)
		got := h.ask("POST", CallbackPath, test.body)
		require.Equal(t, test.status, got.status, "%s: %s", test.name, got.body)
		require.Less(t, len(got.body), 1000, test.name)
		if test.status == http.StatusOK {
			require.JSONEq(t, `{"result":"`+test.said+`"}`, string(got.body), test.name)
		} else {
			require.Equal(t, test.said, got.code(t), test.name)
		}
		before[test.counted]++
		require.Eventually(t, func() bool { return fmt.Sprint(countedCallbacks(t, metrics)) == fmt.Sprint(before) }, soon, often, test.name)
		if test.hint != "" {
			require.Equal(t, bridge.Hint{UID: test.hint, Source: bridge.SourceHint}, <-hints, test.name)
		}
	}
	require.NoError(t, bus.PublishHint(bridge.Hint{UID: "the-last", Source: bridge.SourceBridge}))
	require.Equal(t, bridge.UID("the-last"), (<-hints).UID, "nobody else is hinted at")

	h.stop()
	require.Equal(t, 1, strings.Count(h.logged.String(), "of no use"), "a flood is told once a minute")
	for _, private := range []string{callbackSecret, "alice", "demo#presence_1", "2c6dd77e"} {
		require.NotContains(t, h.logged.String(), private)
	}
}

// countedCallbacks is how many there were, by result.
func countedCallbacks(t testing.TB, r *prometheus.Registry) map[string]int {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	counted := map[string]int{}
	for _, f := range families {
		if f.GetName() == "presence_bridge_hub_callbacks_total" {
			for _, m := range f.GetMetric() {
				if n := m.GetCounter().GetValue(); n > 0 {
					counted[m.GetLabel()[0].GetValue()] = int(n)
				}
			}
		}
	}
	return counted
}

// TestCallbacksOff: without a secret nobody could be told from anybody else.
func TestCallbacksOff(t *testing.T) {
	h := newWorld(t).hub()
	got := h.ask("POST", CallbackPath, callbackBody(nil))
	require.Equal(t, http.StatusNotFound, got.status)
	require.Equal(t, "callbacks_off", got.code(t))
	require.Contains(t, string(got.body), "CALLBACK_SECRET")
}

// TestCallbacksWhileNATSIsAway: they are taken, and lost. Else the vendor would ban the rule for longer than NATS
// is away.
func TestCallbacksWhileNATSIsAway(t *testing.T) {
	w := newWorld(t)
	metrics := prometheus.NewRegistry()
	h := w.hub(withCallbacks, func(c *Config) { c.Registerer = metrics })
	w.server.Stop()
	require.Eventually(t, func() bool { return !h.bus.Connected() }, soon, often)
	require.Equal(t, http.StatusOK, h.ask("POST", CallbackPath, callbackBody(nil)).status)
	require.Eventually(t, func() bool { return countedCallbacks(t, metrics)["lost"] == 1 }, soon, often)
}

// TestCallbacksNeverWait has nobody pass hints on, as where the connection to NATS stalls.
func TestCallbacksNeverWait(t *testing.T) {
	h := quietHub(t, withCallbacks)
	post := func(body string) int {
		answer := httptest.NewRecorder()
		h.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, CallbackPath, strings.NewReader(body)))
		return answer.Code
	}
	synctest.Test(t, func(t *testing.T) {
		h.callbacks.hints = make(chan bridge.UID, maxHints) // one of the bubble's
		began := time.Now()
		for range maxHints + 10 { // the quiet bus has an app without a name
			require.Equal(t, http.StatusOK, post(callbackBody(fields{"appkey": "#", "user": "#_alice@easemob.com/ios"})))
		}
		require.Zero(t, time.Since(began), "nothing in there waits")
		require.Len(t, h.callbacks.hints, maxHints)
	})
}

// TestAnAppIDHasNoAppKey: the key that callbacks have is not known, so any will do.
func TestAnAppIDHasNoAppKey(t *testing.T) {
	c := newCallbacks(bridge.App{Org: "app-id", Name: "0123"}, callbackSecret)
	uid, result, err := c.judge([]byte(callbackBody(fields{"appkey": "41#38", "user": "41#38_carol@easemob.com/ios"})), time.Now())
	require.NoError(t, err)
	require.Equal(t, "hinted", result)
	require.Equal(t, bridge.UID("carol"), uid)
}

// callbackSamples are the vendor's own, signed anew, since their secrets are not known.
func callbackSamples(t testing.TB) (bodies [][]byte, at time.Time) {
	t.Helper()
	files, err := filepath.Glob("../bridge/easemob/testdata/callback_*.json")
	require.NoError(t, err)
	require.Len(t, files, 3)
	at = time.Now()
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var sample fields
		require.NoError(t, json.Unmarshal(data, &sample))
		delete(sample, "security")
		sample["timestamp"] = at.UnixMilli()
		bodies = append(bodies, []byte(callbackBody(sample)))
	}
	return bodies, at
}

func TestCallbackSamples(t *testing.T) {
	c := newCallbacks(bridge.App{Org: "XXXX", Name: "XXXX"}, callbackSecret)
	bodies, at := callbackSamples(t)
	for _, body := range bodies {
		uid, result, err := c.judge(body, at)
		require.NoError(t, err)
		require.Equal(t, "hinted", result, "%s", body)
		require.Equal(t, bridge.UID("xxxx"), uid)
	}
}

func TestHeard(t *testing.T) {
	h, now := newHeard(), time.Now()
	require.True(t, h.first("a", now))
	for _, later := range []time.Duration{0, time.Minute, 2*callbackAge - time.Millisecond} {
		require.False(t, h.first("a", now.Add(later)), later)
	}
	for i := range 4 * maxHeard {
		if !h.first(fmt.Sprint(i), now) || len(h.now)+len(h.before) > maxHeard {
			t.Fatalf("%d are remembered after %d", len(h.now)+len(h.before), i)
		}
	}
	require.False(t, h.first(fmt.Sprint(4*maxHeard-maxHeard/2), now), "half of the most are remembered for certain")
	require.True(t, h.first("a", now), "the cap forgets the oldest")

	h = newHeard()
	require.True(t, h.first("a", now))
	require.True(t, h.first("b", now.Add(heardFor+time.Second)))
	require.True(t, h.first("c", now.Add(2*heardFor+3*time.Second)))
	require.NotContains(t, h.before, "a")
	require.Len(t, h.before, 1, "time forgets")
}

func FuzzCallback(f *testing.F) {
	bodies, at := callbackSamples(f)
	for _, body := range bodies {
		f.Add(body, "XXXX")
	}
	f.Add([]byte(`{"callId":1}`), "")
	f.Add([]byte(callbackBody(fields{"eventType": "chat"})), "a")
	f.Fuzz(func(t *testing.T, body []byte, org string) {
		d := door{app: bridge.App{Org: org, Name: "XXXX"}, secret: callbackSecret}
		var said *refusal
		s, err := d.open(body)
		if err == nil && fmt.Sprintf("%x", md5.Sum([]byte(s.CallID+callbackSecret+s.Timestamp.String()))) != s.Security {
			t.Fatalf("let in: %s", body)
		}
		if err != nil && (!errors.As(err, &said) || said.status < 400 || said.status > 401) {
			t.Fatalf("%s: %v is no answer", body, err)
		}
		s.Timestamp = json.Number(fmt.Sprint(at.UnixMilli())) // as if it were signed
		uid, result, err := d.read(body, s, at)
		again, invalid := bridge.ParseUID(string(uid))
		switch {
		case err != nil && !errors.Is(err, errUnknownApp):
			t.Fatalf("%s: %v is no answer", body, err)
		case err == nil && (result == callbackHinted) != (invalid == nil && again == uid):
			t.Fatalf("%s is %s of %q", body, result, uid)
		}
	})
}

// BenchmarkCallback is what a callback costs a hub, and a forged one; no network is in it.
func BenchmarkCallback(b *testing.B) {
	h := quietHub(b, withCallbacks)
	user := fields{"appkey": "#", "user": "#_alice@easemob.com/ios"}
	forged := callbackBody(fields{"security": strings.Repeat("0", 32)})
	for name, body := range map[string]func() string{
		"true":        func() string { return callbackBody(user) },
		"forged":      func() string { return forged },
		"forged-16KB": func() string { return forged[:len(forged)-1] + strings.Repeat(" ", maxCallbackBytes-len(forged)) + "}" },
	} {
		b.Run(name, func(b *testing.B) {
			bodies := make([]string, 1000)
			for i := range bodies {
				bodies[i] = body()
			}
			i := 0
			for b.Loop() {
				i++
				answer := httptest.NewRecorder()
				h.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, CallbackPath, strings.NewReader(bodies[i%len(bodies)])))
			}
		})
	}
}
