package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// vendor takes what is set, and answers as told.
type vendor struct {
	mu   sync.Mutex
	sets []string
	err  error
}

func (v *vendor) SetPresence(_ context.Context, uid, resource, status, ext string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sets = append(v.sets, fmt.Sprintf("%s/%s=%s %q", uid, resource, status, ext))
	return v.err
}

func (v *vendor) answer(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
}

func (v *vendor) taken() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	sets := v.sets
	v.sets = nil
	return sets
}

func TestGetPresence(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("known", online("here"))
	h := w.hub()
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	get := func(query string) frame {
		t.Helper()
		got := h.ask("GET", "/v1/presence?"+query, "")
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		require.Contains(t, got.header.Get("Content-Type"), "application/json")
		return decodeFrame(t, got.body)
	}
	got := get("uids=known,new")
	require.Equal(t, map[bridge.UID]string{"known": "here"}, got.exts())
	require.Equal(t, []bridge.UID{"new"}, got.Pending)
	require.Equal(t, "subscribed", got.Type)
	require.True(t, got.Complete)
	require.Equal(t, bridge.FeedLive, got.Feed.State)

	// Asking watches, so that the next one who asks gets an answer.
	require.Eventually(t, func() bool { return w.look.registry.Watched("new") }, soon, often)
	begun := time.Now()
	require.Equal(t, []bridge.UID{"new"}, get("uids=new&wait=50ms").Pending)
	require.GreaterOrEqual(t, time.Since(begun), 50*time.Millisecond)
	answered := make(chan frame, 1)
	go func() { answered <- get("uids=new&wait=10s") }()
	h.until(func() bool { return len(h.users["new"].watched) == 1 })
	w.look.see("new", online("first"))
	require.Equal(t, map[bridge.UID]string{"new": "first"}, (<-answered).exts())
	require.Equal(t, map[bridge.UID]string{"new": "first"}, get("uids=new").exts())

	// What was known is told in an outage as well, with what it takes to see that it is old.
	w.look.say(bridge.FeedDown)
	h.hears(bridge.FeedDown)
	got = get("uids=known")
	require.Equal(t, map[bridge.UID]string{"known": "here"}, got.exts())
	require.Equal(t, bridge.FeedDown, got.Feed.State)

	for query, code := range map[string]string{
		"": "bad_message", "uids=": "bad_message", "uids=a,,b": "bad_uid", "uids=a%20b": "bad_uid",
		"uids=a&wait=soon": "bad_wait", "uids=a&wait=-1s": "bad_wait", "uids=a&wait=31s": "bad_wait", "uids=a&wait=2": "bad_wait",
	} {
		got := h.ask("GET", "/v1/presence?"+query, "")
		require.Equal(t, http.StatusBadRequest, got.status, query)
		require.Equal(t, code, got.code(t), query)
	}
	require.False(t, h.watches("a"))
}

// TestAskingWatchesForAMinute, whoever else comes and goes meanwhile.
func TestAskingWatchesForAMinute(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		ask := func() {
			r, err := h.http().Get("http://hub/v1/presence?uids=a")
			require.NoError(t, err)
			_ = r.Body.Close()
		}
		watched := func() (yes bool) {
			synctest.Wait()
			h.peek(func() { yes = h.wanted["a"] })
			return yes
		}
		ask()
		time.Sleep(time.Second)
		passing := h.dial()
		passing.expect("welcome")
		passing.subscribe("a")
		passing.hangUp()
		time.Sleep(askedFor - 2*time.Second)
		require.True(t, watched())
		ask()
		time.Sleep(askedFor - time.Second)
		require.True(t, watched())
		time.Sleep(2*time.Second + tendEvery)
		require.False(t, watched())
		h.peek(func() { require.Empty(t, h.users) })
	})
}

func TestPutPresence(t *testing.T) {
	w := newWorld(t)
	v := &vendor{}
	h := w.hub(func(c *Config) { c.Auth, c.Vendor = hmacAuth, v })
	hints := make(chan bridge.Hint, 10)
	sub, err := w.look.bus.SubscribeHints(func(h bridge.Hint) { hints <- h })
	require.NoError(t, err)
	defer func() { _ = sub.Unsubscribe() }()
	// The subscription is known to the server once something of its connection was answered.
	_, err = w.look.bus.LastSeq(t.Context())
	require.NoError(t, err)
	bearer := "Bearer " + token(t, fields{"set": true})
	put := func(path, body string) answer {
		t.Helper()
		return h.ask("PUT", "/v1/presence/"+path, body, "Authorization", bearer)
	}

	got := put("Me/web_1", `{"status":"1","ext":"busy"}`)
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	require.JSONEq(t, `{"result":"ok"}`, string(got.body))
	require.Equal(t, []string{`me/web_1=1 "busy"`}, v.taken())
	require.Equal(t, bridge.Hint{UID: "me", Source: bridge.SourceBridge}, <-hints)
	require.Equal(t, http.StatusOK, put("me/web_1", `{"status":"0"}`).status)
	require.Equal(t, []string{`me/web_1=0 ""`}, v.taken())
	<-hints

	for _, body := range []string{``, `rubbish`, `[]`, `null`, `{}`, `{"ext":"x"}`, `{"status":1}`, `{"status":""}`, `{"status":"1","more":1}`,
		`{"status":"1"} and more`, `{"status":"1","ext":"` + strings.Repeat("x", maxSetBytes) + `"}`} {
		got := put("me/web", body)
		require.Equal(t, http.StatusBadRequest, got.status, body)
		require.Equal(t, "bad_message", got.code(t))
	}
	require.Equal(t, "bad_uid", put("a%20b/web", `{"status":"1"}`).code(t))
	got = put("you/web", `{"status":"1"}`)
	require.Equal(t, http.StatusForbidden, got.status)
	require.Equal(t, "not_allowed", got.code(t))
	bearer = "Bearer " + token(t, nil)
	require.Equal(t, "not_allowed", put("me/web", `{"status":"1"}`).code(t))
	require.Empty(t, v.taken())
	require.Empty(t, hints)
}

func TestSetOnASocket(t *testing.T) {
	w := newWorld(t)
	v := &vendor{}
	h := w.hub(func(c *Config) { c.Auth, c.Vendor = hmacAuth, v })
	set := fields{"type": "set", "id": "3", "resource": "web", "status": "1", "ext": "busy"}
	c := h.dial(withToken(token(t, fields{"set": true})))
	c.expect("welcome")
	c.say(set)
	require.Equal(t, "3", c.expect("ok").ID)
	require.Equal(t, []string{`me/web=1 "busy"`}, v.taken())
	v.answer(errors.New("anything"))
	c.say(set)
	e := c.expect("error")
	require.Equal(t, "3", e.ID)
	require.Equal(t, "vendor_failed", e.Code)
	v.taken()

	for claims, code := range map[string]string{"without the right": "not_allowed", "without a sub": "no_subject"} {
		f := fields{}
		if code == "no_subject" {
			f = fields{"set": true, "sub": nil}
		}
		c := h.dial(withToken(token(t, f)))
		c.expect("welcome")
		c.say(set)
		require.Equal(t, code, c.expect("error").Code, claims)
	}
	require.Empty(t, v.taken())

	edge := w.hub()
	got := edge.ask("PUT", "/v1/presence/me/web", `{"status":"1"}`)
	require.Equal(t, http.StatusNotImplemented, got.status)
	require.Equal(t, "read_only", got.code(t))
}

// TestWhatTheVendorWouldNotTake is told in words for who asked, without those of a program before them.
func TestWhatTheVendorWouldNotTake(t *testing.T) {
	client, err := easemob.New(easemob.Config{URL: "http://127.0.0.1:1", Org: "demo", App: "presence", Token: "a-fixed-token"})
	require.NoError(t, err)
	defer client.Close()
	h := newWorld(t).hub(func(c *Config) { c.Vendor = client })
	const digits = `it takes 1 to 10 decimal digits; "0" is offline, "1" online, others are your own`
	for i, c := range []struct{ resource, status, ext, want string }{
		{"web", "away", "", `status "away": ` + digits},
		{"web", "-1", "", `status "-1": ` + digits},
		{"web", "12345678901", "", `status "12345678901": ` + digits},
		{"web", "1", strings.Repeat("x", 1025), "ext has 1025 bytes, 1024 is the most"},
		{"a b", "1", "", `resource "a b": it takes letters, digits, - _ and .`},
	} {
		body, err := json.Marshal(setting{Status: c.status, Ext: c.ext})
		require.NoError(t, err)
		got := h.ask("PUT", fmt.Sprintf("/v1/presence/u%d/%s", i, url.PathEscape(c.resource)), string(body))
		require.Equal(t, http.StatusBadRequest, got.status, "%s", got.body)
		var told refusal
		require.NoError(t, json.Unmarshal(got.body, &told))
		require.Equal(t, refusal{Code: "invalid", Message: c.want}, told)
	}
}

// TestOnlineOnlySetsNothing: not for want of credentials, so the words are others than those of an edge hub.
func TestOnlineOnlySetsNothing(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Vendor = easemob.Online{} })
	got := h.ask("PUT", "/v1/presence/me/web", `{"status":"1"}`)
	require.Equal(t, http.StatusNotImplemented, got.status)
	require.Equal(t, "online_only", got.code(t))
	require.Contains(t, string(got.body), "EASEMOB_STATUS=online")

	h = newWorld(t).hub(func(c *Config) { c.Auth, c.Vendor = hmacAuth, easemob.Online{} })
	c := h.dial(withToken(token(t, fields{"set": true})))
	c.expect("welcome")
	c.say(fields{"type": "set", "id": "3", "resource": "web", "status": "1"})
	e := c.expect("error")
	require.Equal(t, "3", e.ID)
	require.Equal(t, "online_only", e.Code)
}

// TestVendorRefusals: whose fault it is decides the code, and nothing of ours is told.
func TestVendorRefusals(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{vendorSays(t, 429, `{"error":"reach_limit"}`), http.StatusServiceUnavailable, "busy"},
		{vendorSays(t, 429, `{"error":"resource_limited"}`), http.StatusBadGateway, "vendor_refused"},
		{vendorSays(t, 500, `{}`), http.StatusBadGateway, "vendor_away"},
		{vendorSays(t, 401, `{"error":"unauthorized"}`), http.StatusBadGateway, "vendor_refused"},
		{vendorSays(t, 400, `{"error":"service open exception","error_description":"the app not open presence service"}`), http.StatusBadGateway, "vendor_refused"},
		{vendorSays(t, 400, `{"error":"x","error_description":"ext is too big "}`), http.StatusBadRequest, "refused"},
		{vendorSays(t, 200, `rubbish`), http.StatusBadGateway, ""},
		{vendorWouldNot(t, "web", "away", ""), http.StatusBadRequest, "invalid"},
		{context.DeadlineExceeded, http.StatusBadGateway, "vendor_away"},
		{errors.New("a secret of ours"), http.StatusBadGateway, "vendor_failed"},
	} {
		r := vendorRefusal(c.err)
		require.Equal(t, c.status, r.status, "%v", c.err)
		if c.code != "" {
			require.Equal(t, c.code, r.Code, "%v", c.err)
		}
		require.NotContains(t, r.Message, "a secret of ours")
	}
	r := refusalOf(errors.New("a secret of ours"))
	require.Equal(t, http.StatusInternalServerError, r.status)
	require.NotContains(t, r.Message, "a secret of ours")
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(data), "secret")
}

// slowVendor keeps every set until it is let go.
type slowVendor struct{ begun, letGo chan struct{} }

func (v *slowVendor) SetPresence(ctx context.Context, _, _, _, _ string) error {
	v.begun <- struct{}{}
	select {
	case <-v.letGo:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestOneUsersSetsDoNotTakeTheBudgetOfAll(t *testing.T) {
	v := &slowVendor{begun: make(chan struct{}, 10), letGo: make(chan struct{})}
	h := newWorld(t).hub(func(c *Config) { c.Vendor = v })
	answers := make(chan int, maxSetting)
	var sets sync.WaitGroup
	for range maxSetting {
		sets.Go(func() { answers <- h.ask("PUT", "/v1/presence/mallory/web", `{"status":"1"}`).status })
		<-v.begun
	}
	refused := h.ask("PUT", "/v1/presence/mallory/web", `{"status":"1"}`)
	require.Equal(t, http.StatusTooManyRequests, refused.status)
	require.Equal(t, "over_a_limit", refused.code(t))
	sets.Go(func() { h.ask("PUT", "/v1/presence/alice/web", `{"status":"1"}`) })
	<-v.begun // alice is not held up
	close(v.letGo)
	sets.Wait()
	require.Equal(t, http.StatusOK, <-answers)
	require.Equal(t, http.StatusOK, h.ask("PUT", "/v1/presence/mallory/web", `{"status":"1"}`).status, "the places are free again")
}

// A token without sub is nobody's, and has limits all the same.
func TestATokenWithoutSubHasLimitsOfItsOwn(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Auth, c.Limits.MaxUIDsPerSubject = hmacAuth, 2 })
	ask := func(bearer, uids string) int {
		return h.ask("GET", "/v1/presence?uids="+uids, "", "Authorization", "Bearer "+bearer).status
	}
	one := token(t, fields{"sub": nil, "watch": "*"})
	other := token(t, fields{"sub": nil, "watch": []string{"*", "x"}})
	require.Equal(t, http.StatusOK, ask(one, "a,b"))
	require.Equal(t, http.StatusBadRequest, ask(one, "c"), "its leases count")
	require.Equal(t, http.StatusOK, ask(other, "c"), "another token counts for itself")
}

// TestARenewedTokenWithoutSubCountsAsItDid: what was counted for the one before is given back to it.
func TestARenewedTokenWithoutSubCountsAsItDid(t *testing.T) {
	h := quietHub(t)
	s := greeted(t, h, grant{key: "#one", watch: []string{"*"}})
	require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a", "b"}, ""))
	require.NoError(t, h.renew(s, "", grant{key: "#other", watch: []string{"a"}}))
	h.peek(func() { require.Equal(t, 1, h.subject("#one").uids) })
	h.exit(s)
	require.Empty(t, h.subjects)
}

// TestWhoSetsTooOftenIsRefusedAndNobodyElse asks as fast as answers come.
func TestWhoSetsTooOftenIsRefusedAndNobodyElse(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Vendor = &vendor{} })
	set := func(uid string) int {
		return h.ask("PUT", "/v1/presence/"+uid+"/web", `{"status":"1"}`).status
	}
	refused := 0
	for range 10 * setsAtOnce {
		if set("mallory") == http.StatusTooManyRequests {
			refused++
		}
	}
	require.Positive(t, refused)
	require.Equal(t, http.StatusOK, set("alice"))
	require.Eventually(t, func() bool { return set("mallory") == http.StatusOK }, soon, 100*time.Millisecond, "a pause mends it")
}

// TestSettersAreForgotten who are not setting, and may set as often as somebody new.
func TestSettersAreForgotten(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		known := func(after time.Duration, n int, why string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			h.peek(func() { require.Len(t, h.setters, n, why) })
		}
		done, err := h.startSetting("alice")
		require.NoError(t, err)
		known(time.Minute, 1, "it is under way")
		for range 3 {
			end, err := h.startSetting("bob")
			require.NoError(t, err)
			end()
		}
		done()
		known(2*tendEvery, 1, "bob's count")
		known(time.Minute, 0, "")
	})
}
