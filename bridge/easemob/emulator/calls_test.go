package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// at sleeps, in a bubble, until a Unix time.
func at(unix int64) { time.Sleep(time.Until(time.Unix(unix, 0))) }

const oldAndroid = "android_6b5610ac-4e11-4661-82b3-dee17bc7b2cc"

// The vendor's samples come out byte by byte, oddities included. Which entry an oddity hits is left to dice, so
// the call is repeated until it hits the same as in the sample.
func TestSamplesVerbatim(t *testing.T) {
	sameAs := func(t *testing.T, s *Server, name, method, path, body string) {
		t.Helper()
		want, got := sample(t, name), ""
		for range 200 {
			if got = ask(t, s, method, path, body).Body.String(); got == want {
				return
			}
		}
		t.Fatalf("%s\n got %s\nwant %s", name, got, want)
	}
	run := func(name string, o Options, test func(t *testing.T, s *Server)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o.Users, o.Paused, o.Token, o.LimitPerS = -1, true, fixedToken, -1
				test(t, newServer(t, o))
			})
		})
	}
	run("get", Options{Faults: Faults{DuplicateKeyRate: 0.5}}, func(t *testing.T, s *Server) {
		at(1644466063)
		s.SetUser("c2", map[string]string{"android": "0"}, "")
		at(1644475330)
		s.SetUser("c3", map[string]string{"android": "0"}, "")
		sameAs(t, s, "get_200.json", http.MethodPost, "/users/wzy/presence", usernames("c2", "c3"))
	})
	run("subscribe", Options{Faults: Faults{EmptyUIDRate: 0.5}}, func(t *testing.T, s *Server) {
		at(1644466063)
		s.SetUser("c2", map[string]string{"android": "1", oldAndroid: "0"}, "123")
		at(1645183991)
		s.SetUser("c3", map[string]string{"android": "0", oldAndroid: "0"}, "")
		at(1645500371 - 1000)
		sameAs(t, s, "subscribe_200.json", http.MethodPost, "/users/wzy/presence/1000", usernames("c2", "c3"))
	})
	run("sublist", Options{ListLag: -1}, func(t *testing.T, s *Server) {
		at(1645822322 - 60)
		ask(t, s, http.MethodPost, "/users/wzy/presence/60", usernames("lxml1", "lxml2"))
		sameAs(t, s, "sublist_200.json", http.MethodGet, "/users/wzy/presence/sublist?pageNum=1&pageSize=100", "")
	})
	run("set", Options{}, func(t *testing.T, s *Server) {
		sameAs(t, s, "ok_200.json", http.MethodPost, "/users/c1/presence/android/0", `{"ext":"123"}`)
	})
	run("unsubscribe", Options{}, func(t *testing.T, s *Server) {
		sameAs(t, s, "ok_200.json", http.MethodDelete, "/users/wzy/presence", `["c1"]`)
	})
}

var timestamps = regexp.MustCompile(`"timestamp":\d+`)

func sameButForTime(t *testing.T, got, want string) {
	t.Helper()
	equal(t, timestamps.ReplaceAllString(got, `"timestamp":0`), timestamps.ReplaceAllString(want, `"timestamp":0`))
}

func TestErrorSamplesVerbatim(t *testing.T) {
	s := newServer(t, quiet())
	const get = "/demo/presence/users/wzy/presence"
	for name, w := range map[string]interface{ Result() *http.Response }{
		"unauthorized_401.json": request(t, s, http.MethodPost, get, usernames("c1"), ""),
		"bad_token_401.json":    request(t, s, http.MethodPost, get, usernames("c1"), "Bearer nonsense"),
		"not_found_404.json":    ask(t, s, http.MethodPost, "/users/wzy/absence", ""),
	} {
		resp := w.Result()
		var raw json.RawMessage
		noError(t, json.NewDecoder(resp.Body).Decode(&raw))
		equal(t, fmt.Sprint(resp.StatusCode), name[len(name)-8:len(name)-5])
		equal(t, resp.Header.Get("Content-Type"), "application/json")
		sameButForTime(t, string(raw), sample(t, name))
	}
}

func TestPrefixes(t *testing.T) {
	o := quiet()
	o.AppID = "0a1b"
	s := newServer(t, o)
	for target, want := range map[string]int{
		"/demo/presence/users/me/presence": 200,
		"/app-id/0a1b/users/me/presence":   200,
		"/app-id/0a1c/users/me/presence":   404,
		"/demo/absence/users/me/presence":  404,
		"/omed/presence/users/me/presence": 404,
		"/demo":                            404,
		"/":                                404,
	} {
		w := request(t, s, http.MethodPost, target, usernames("a"), "Bearer "+fixedToken)
		check(t, w.Code == want, "%s answered %d %s", target, w.Code, w.Body)
	}
	w := request(t, s, http.MethodPost, "/demo/absence/users", "", "")
	check(t, strings.Contains(w.Body.String(), `"error":"organization_application_not_found"`) &&
		strings.Contains(w.Body.String(), "Could not find application for demo/absence from URI: demo/absence/users"),
		"wrong app: %s", w.Body)
	equal(t, request(t, newServer(t, quiet()), "POST", "/app-id//users/me/presence", "", "").Code, 404)
}

func TestGetTellsUnknownUsersAndFoldsCase(t *testing.T) {
	s := newServer(t, quiet())
	s.SetUser("C2", map[string]string{"android": "1"}, "x <&> y")
	raw := ask(t, s, http.MethodPost, "/users/wzy/presence", usernames("c2")).Body.String()
	check(t, strings.Contains(raw, `"x <&> y"`), "the vendor escapes nothing for HTML: %s", raw)
	got := asked[[]gotEntry](t, s, http.MethodPost, "/users/wzy/presence", usernames("C2", "nobody", "c2"))
	equal(t, len(got), 2)
	equal(t, got[0].UID+got[0].Ext+string(got[0].Status), `c2x <&> y{"android":"1"}`)
	equal(t, got[1], gotEntry{UID: "nobody", LastTime: "0", Status: json.RawMessage("[]")})
}

func TestGetMayNeedASubscription(t *testing.T) {
	o := quiet()
	o.NeedSubscription = true
	s := newServer(t, o)
	equal(t, ask(t, s, "POST", "/users/op/presence", usernames("a", "b")).Body.String(), `{"result":[]}`)
	ask(t, s, "POST", "/users/OP/presence/60", usernames("B"))
	got := asked[[]gotEntry](t, s, "POST", "/users/op/presence", usernames("a", "b"))
	equal(t, len(got), 1)
	equal(t, got[0].UID, "b")
	equal(t, ask(t, s, "POST", "/users/other/presence", usernames("a", "b")).Body.String(), `{"result":[]}`)
}

func TestNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.Numbers, o.ListLag = true, -1
		s := newServer(t, o)
		at(1644466063)
		s.SetUser("a", map[string]string{"ios": "100"}, "")
		equal(t, ask(t, s, "POST", "/users/op/presence/60", usernames("a")).Body.String(),
			`{"result":[{"uid":"a","last_time":1644466063,"expiry":1644466123,"ext":"","status":{"ios":"100"}}]}`)
		equal(t, ask(t, s, "GET", "/users/op/presence/sublist?pageSize=9", "").Body.String(),
			`{"result":{"totalnum":1,"sublist":[{"uid":"a","expiry":1644466123}]}}`)
	})
}

func TestSet(t *testing.T) {
	s := newServer(t, quiet())
	ask(t, s, "POST", "/users/Bob/presence/web_1/1", `{"ext":"busy"}`)
	ask(t, s, "POST", "/users/bob/presence/a%2Fb/0", `{"ext":"free"}`)
	bob := s.Users("bob")["bob"]
	equal(t, bob.Status, map[string]string{"web_1": "1", "a/b": "0"})
	equal(t, bob.Ext, "free")
	long := strings.Repeat("x", maxExtBytes)
	equal(t, ask(t, s, "POST", "/users/bob/presence/web_1/2147483647", `{"ext":"`+long+`"}`).Code, 200)
	equal(t, s.Users("bob")["bob"].Ext, long)
}

// A user keeps a bounded number of devices: the one set comes in for one that is off.
func TestDevicesAreBounded(t *testing.T) {
	o := quiet()
	o.LimitPerS = -1
	s := newServer(t, o)
	for i := range 3 * maxDevices {
		equal(t, ask(t, s, "POST", fmt.Sprintf("/users/bob/presence/web_%d/0", i), `{"ext":""}`).Code, 200)
	}
	equal(t, len(s.Users("bob")["bob"].Status), maxDevices)
	for i := range maxDevices {
		equal(t, ask(t, s, "POST", fmt.Sprintf("/users/bob/presence/ios_%d/1", i), `{"ext":""}`).Code, 200)
	}
	equal(t, len(s.Users("bob")["bob"].Status), maxDevices)
	equal(t, ask(t, s, "POST", "/users/bob/presence/ios_x/1", `{"ext":""}`).Code, 400)
	equal(t, ask(t, s, "POST", "/users/bob/presence/ios_1/0", `{"ext":""}`).Code, 200)
}
