package emulator

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func admin(t *testing.T, s *Server, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, s, method, "/_emulator/"+path, body, "")
}

func TestAdminUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, quiet())
		at(1644466063)
		equal(t, admin(t, s, "PUT", "users/A", `{"status":{"android":"1"},"ext":"busy"}`).Body.String(),
			`{"status":{"android":"1"},"ext":"busy","last_time":1644466063}`)
		equal(t, admin(t, s, "PUT", "users/b", `{}`).Body.String(), `{"status":{},"ext":"","last_time":1644466063}`)
		equal(t, admin(t, s, "GET", "users?uids=a,x", "").Body.String(),
			`{"users":{"a":{"status":{"android":"1"},"ext":"busy","last_time":1644466063}}}`)
		equal(t, admin(t, s, "GET", "users?uids=", "").Body.String(), `{"users":{}}`)
		var all struct{ Users map[string]User }
		noError(t, json.Unmarshal(admin(t, s, "GET", "users", "").Body.Bytes(), &all))
		equal(t, all.Users, s.Users())
		equal(t, len(all.Users), 2)
	})
}

func TestAdminRefusals(t *testing.T) {
	s := newServer(t, quiet())
	for _, c := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"PUT", "users/a", `{"status":{"android":1}}`, 400, "cannot unmarshal"},
		{"PUT", "users/a", `{"status":{"android":"on"}}`, 400, `status of device \"android\" is \"on\"`},
		{"PUT", "users/a", `{"state":{}}`, 400, `unknown field \"state\"`},
		{"PUT", "users/a", `{} {}`, 400, "more than one"},
		{"PUT", "users/a", ``, 400, "EOF"},
		{"PUT", "users/a", `{"ext":"` + strings.Repeat("x", 1025) + `"}`, 400, "1025 bytes"},
		{"PUT", "users/a", `{"status":{"` + strings.Repeat("x", 257) + `":"1"}}`, 400, "257 bytes"},
		{"PUT", "users/a", `{"status":{` + strings.TrimSuffix(devicesOf(101), ",") + `}}`, 400, "101 devices"},
		{"PUT", "users/a", `null`, 400, "no JSON object"},
		{"PUT", "users/a", ` [{}]`, 400, "no JSON object"},
		{"PUT", "users/%FF", `{}`, 400, "not legal"},
		{"GET", "tokens", ``, 405, ""},
		{"PUT", "users/" + strings.Repeat("a", 65), `{}`, 400, "not legal"},
		{"PUT", "faults", `{"latency":1}`, 400, `unknown field \"latency\"`},
		{"PUT", "faults", `{"error_rate":1.5}`, 400, "error_rate is 1.5: want 0 to 1"},
		{"PUT", "faults", `null`, 400, "no JSON object"},
		{"PUT", "population", `null`, 400, "no JSON object"},
		{"PUT", "population", `{"user":1}`, 400, `unknown field \"user\"`},
		{"PUT", "population", `{"users":-1}`, 400, "users is -1"},
		{"PUT", "population", `{"changes_per_s":-1}`, 400, "changes_per_s is -1"},
		{"POST", "faults", `{}`, 405, ""},
		{"GET", "nothing", ``, 404, ""},
	} {
		w := admin(t, s, c.method, c.path, c.body)
		check(t, w.Code == c.status && strings.Contains(w.Body.String(), c.text), "%s %s: %d %s", c.path, c.body, w.Code, w.Body)
	}
	equal(t, s.Users(), map[string]User{})
}

func devicesOf(n int) (json string) {
	for i := range n {
		json += fmt.Sprintf(`"web_%d":"1",`, i)
	}
	return json
}

func TestAdminFaults(t *testing.T) {
	s := newServer(t, quiet())
	const off = `{"latency_ms":0,"error_rate":0,"error_status":503,"reset_rate":0,"malformed_rate":0,"drop_entry_rate":0,` +
		`"duplicate_key_rate":0,"empty_uid_rate":0,"not_ok_rate":0,"resource_limited_rate":0,"too_many_queries_rate":0,"corrupt_token_rate":0,"outage":false,"limit_per_s":50,"client_calls_per_s":0,"callback_lost_rate":0,` +
		`"callback_late_rate":0,"callback_late_ms":10000,"callback_repeat_rate":0,"callback_swap_rate":0,"fired":`
	const none = `{"latency":0,"error":0,"reset":0,"malformed":0,"drop_entry":0,"duplicate_key":0,"empty_uid":0,"not_ok":0,"resource_limited":0,"too_many_queries":0,"corrupt_token":0,"outage":0,"limit":0,` +
		`"callback_lost":0,"callback_late":0,"callback_repeat":0,"callback_swap":0}}`
	equal(t, admin(t, s, "GET", "faults", "").Body.String(), off+none)
	w := admin(t, s, "PUT", "faults", `{"error_rate":1,"limit_per_s":10}`)
	check(t, strings.Contains(w.Body.String(), `"error_rate":1,`) && strings.Contains(w.Body.String(), `"limit_per_s":10,`), "%s", w.Body)
	equal(t, get(t, s, fixedToken), 503)
	equal(t, admin(t, s, "PUT", "faults", `{}`).Body.String(), off+strings.Replace(none, `"error":0`, `"error":1`, 1))
	equal(t, admin(t, s, "PUT", "faults", admin(t, s, "GET", "faults", "").Body.String()).Code, 200)
}

func TestAdminStats(t *testing.T) {
	s := newServer(t, quiet())
	get(t, s, fixedToken)
	want, err := json.Marshal(s.Stats())
	noError(t, err)
	equal(t, admin(t, s, "GET", "stats", "").Body.String(), string(want))
	equal(t, admin(t, s, "DELETE", "stats", "").Code, 204)
	equal(t, s.Stats().Calls["get"], 0)
}

func TestAdminPopulation(t *testing.T) {
	s := newServer(t, Options{})
	equal(t, admin(t, s, "GET", "population", "").Body.String(), `{"users":200,"changes_per_s":5,"paused":false}`)
	s.SetUser("user-0250", nil, "here before")
	equal(t, admin(t, s, "PUT", "population", `{"users":250,"paused":true}`).Body.String(), `{"users":250,"changes_per_s":5,"paused":true}`)
	equal(t, len(s.Users()), 250)
	equal(t, admin(t, s, "PUT", "population", `{"users":10}`).Body.String(), `{"users":10,"changes_per_s":5,"paused":true}`)
	equal(t, len(s.Users()), 250) // nobody is lost
	equal(t, s.Users("user-0250")["user-0250"].Ext, "here before")
}

func TestOptionsTellAllThatIsWrong(t *testing.T) {
	_, err := New(Options{Org: "a/b", App: "?", AppID: "#", TokenTTL: 1, MaxSubscriptions: -1, MaxPageSize: -1, KeepHistory: -1,
		MaxSubscribers: -1, AsyncAbove: -1, AsyncDelay: 2 * time.Hour, ListLag: 2 * time.Hour, MaxExt: -1, TokenBan: -1, PageSizeOver: "wrap", ExpiryOver: "forget",
		ErrorShape: "round", ChangesPerS: -1, Users: maxUsers + 1, Faults: Faults{ErrorRate: -1}, Callback: Callback{URL: "here"}})
	for _, part := range []string{`org "a/b"`, `app "?"`, `app_id "#"`, "token_ttl", "max_subscriptions", "max_page_size",
		"max_subscribers", "async_above is -1", "async_delay is 2h", "list_lag is 2h", "max_ext", "token_ban", `page_size_over is "wrap"`, `expiry_over is "forget"`,
		`error_shape is "round"`, "keep_history", "changes_per_s", "users", "error_rate", `callback_url is "here"`} {
		check(t, err != nil && strings.Contains(err.Error(), part), "%v does not tell of %s", err, part)
	}
	noError(t, Options{}.Validate())
}

func TestLastTimeNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.KeepHistory = 3
		s := newServer(t, o)
		start := time.Now()
		for i := range 5 {
			s.SetUser("a", map[string]string{"web": "1"}, fmt.Sprint(i))
			time.Sleep(700 * time.Millisecond)
		}
		moments := s.History("A")
		equal(t, len(moments), 3) // the newest
		for i, m := range moments {
			equal(t, m.At, start.Add(time.Duration(2+i)*700*time.Millisecond))
			equal(t, m.User.Ext, fmt.Sprint(2+i))
			equal(t, m.User.LastTime, m.At.Unix())
		}
		s.people.users["b"] = User{LastTime: time.Now().Unix() + 1000}
		s.SetUser("b", nil, "x")
		equal(t, s.Users("b")["b"].LastTime, time.Now().Unix()+1000)
	})
}

// What is handed out and what was handed in are the caller's to change.
func TestTruthIsNotShared(t *testing.T) {
	o := quiet()
	o.KeepHistory = 9
	s := newServer(t, o)
	in := map[string]string{"web": "1"}
	s.SetUser("a", in, "")
	in["web"] = "2"
	s.Users("a")["a"].Status["web"] = "3"
	s.Users()["a"].Status["web"] = "4"
	s.History("a")[0].User.Status["web"] = "5"
	equal(t, s.Users("a")["a"].Status["web"], "1")
	equal(t, s.History("a")[0].User.Status["web"], "1")
}
