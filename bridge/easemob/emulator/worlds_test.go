package emulator

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A world is one way in which the vendor's sources contradict each other, or leave a gap.
type world struct {
	option string // of Options
	source string // of the usual world; of the other; or what is the same in either
	turn   func(o *Options)
	play   scene
	usual  string
	other  string
}

// started is the time at which every world begins.
const started = 1644466000

// minted is what the request for a token with a ttl is answered with, but for the token.
func minted(ttl string) scene {
	return func(t *testing.T, s *Server) string {
		w := request(t, s, "POST", "/demo/presence/token",
			`{"grant_type":"client_credentials","client_id":"id","client_secret":"secret","ttl":`+ttl+`}`, "")
		var out struct {
			ExpiresIn int64  `json:"expires_in"`
			Error     string `json:"error"`
		}
		noError(t, json.Unmarshal(w.Body.Bytes(), &out))
		return fmt.Sprint(w.Code, out.Error, out.ExpiresIn)
	}
}

const (
	platform400 = `400 {"error":"%s","exception":"%s","timestamp":0,"duration":0,"error_description":"%s"}`
	fits        = `{"result":"ok"}`
)

var worlds = []world{
	{"Numbers", "SEED samples; ED24 tables, TS5, which have no numbers in status",
		func(o *Options) { o.Numbers = true },
		inTurn(is("a", "ios", "100", ""), said("POST", "/users/op/presence/60", usernames("a"))),
		`{"result":[{"uid":"a","last_time":"1644466000","expiry":"1644466060","ext":"","status":{"ios":"100"}}]}`,
		`{"result":[{"uid":"a","last_time":1644466000,"expiry":1644466060,"ext":"","status":{"ios":"100"}}]}`},
	{"Milliseconds", "ED24, ED+, samples; a comment in TS5",
		func(o *Options) { o.Milliseconds = true },
		inTurn(is("a", "ios", "1", ""), said("POST", "/users/op/presence/60", usernames("a"))),
		`{"result":[{"uid":"a","last_time":"1644466000","expiry":"1644466060","ext":"","status":{"ios":"1"}}]}`,
		`{"result":[{"uid":"a","last_time":"1644466000000","expiry":"1644466060000","ext":"","status":{"ios":"1"}}]}`},
	{"Milliseconds", "as numbers, which they are in TS5",
		func(o *Options) { o.Milliseconds, o.Numbers = true, true },
		inTurn(is("a", "ios", "1", ""), said("POST", "/users/op/presence/60", usernames("a"))),
		`{"result":[{"uid":"a","last_time":"1644466000","expiry":"1644466060","ext":"","status":{"ios":"1"}}]}`,
		`{"result":[{"uid":"a","last_time":1644466000000,"expiry":1644466060000,"ext":"","status":{"ios":"1"}}]}`},
	{"Milliseconds", "of the list as well",
		func(o *Options) { o.Milliseconds = true },
		inTurn(said("POST", "/users/op/presence/60", usernames("a")), after(10*time.Second), said("GET", "/users/op/presence/sublist", "")),
		`{"result":{"totalnum":"1","sublist":[{"uid":"a","expiry":"1644466060"}]}}`,
		`{"result":{"totalnum":"1","sublist":[{"uid":"a","expiry":"1644466060000"}]}}`},
	{"LastTimeOnLogin", "INF; SEED",
		func(o *Options) { o.LastTimeOnLogin = true },
		inTurn(is("a", "ios", "1", ""), after(time.Second), is("a", "ios", "100", "busy"), said("POST", "/users/op/presence", usernames("a"))),
		`{"result":[{"uid":"a","last_time":"1644466001","ext":"busy","status":{"ios":"100"}}]}`,
		`{"result":[{"uid":"a","last_time":"1644466000","ext":"busy","status":{"ios":"100"}}]}`},
	{"LastTimeOnLogin", "a logout moves it in either",
		func(o *Options) { o.LastTimeOnLogin = true },
		inTurn(is("a", "ios", "1", ""), after(time.Second), is("a", "ios", "0", ""), said("POST", "/users/op/presence", usernames("a"))),
		`{"result":[{"uid":"a","last_time":"1644466001","ext":"","status":{"ios":"0"}}]}`,
		`{"result":[{"uid":"a","last_time":"1644466001","ext":"","status":{"ios":"0"}}]}`},
	{"LastTimeOnLogin", "INF; SEED, with ED+: a login is a client that connects, and no set",
		func(o *Options) { o.LastTimeOnLogin = true },
		inTurn(is("a", "ios", "1", ""), after(time.Second), said("POST", "/users/a/presence/ios/0", `{"ext":""}`),
			said("POST", "/users/op/presence", usernames("a"))),
		`{"result":[{"uid":"a","last_time":"1644466001","ext":"","status":{"ios":"0"}}]}`,
		`{"result":[{"uid":"a","last_time":"1644466000","ext":"","status":{"ios":"0"}}]}`},
	{"OmitUnknown", "TEST, TS5; a reading of ED24, ED+",
		func(o *Options) { o.OmitUnknown = true },
		said("POST", "/users/op/presence", usernames("nobody")),
		`{"result":[{"uid":"nobody","last_time":"0","ext":"","status":[]}]}`,
		`{"result":[]}`},
	{"KeepCase", "ED24 limitation, ED+; ED+ overview",
		func(o *Options) { o.KeepCase = true },
		inTurn(is("aa", "ios", "1", ""), said("POST", "/users/op/presence", usernames("Aa", "aa"))),
		`{"result":[{"uid":"aa","last_time":"1644466000","ext":"","status":{"ios":"1"}}]}`,
		`{"result":[{"uid":"Aa","last_time":"0","ext":"","status":[]},{"uid":"aa","last_time":"1644466000","ext":"","status":{"ios":"1"}}]}`},
	{"KeepCase", "of the path as well",
		func(o *Options) { o.KeepCase = true },
		inTurn(said("POST", "/users/Op/presence/60", usernames("a")), said("POST", "/users/op/presence/60", usernames("b")),
			after(10*time.Second), said("GET", "/users/Op/presence/sublist?pageSize=9", "")),
		`{"result":{"totalnum":"2","sublist":[{"uid":"b","expiry":"1644466060"},{"uid":"a","expiry":"1644466060"}]}}`,
		`{"result":{"totalnum":"1","sublist":[{"uid":"a","expiry":"1644466060"}]}}`},
	{"KeepDuplicates", "INF; INF",
		func(o *Options) { o.KeepDuplicates = true },
		said("POST", "/users/op/presence", usernames("a", "a")),
		`{"result":[{"uid":"a","last_time":"0","ext":"","status":[]}]}`,
		`{"result":[{"uid":"a","last_time":"0","ext":"","status":[]},{"uid":"a","last_time":"0","ext":"","status":[]}]}`},
	{"NeedSubscription", "TEST, TS5, SDK; ED24, ED+",
		func(o *Options) { o.NeedSubscription = true },
		inTurn(said("POST", "/users/op/presence/60", usernames("b")), said("POST", "/users/op/presence", usernames("a", "b"))),
		`{"result":[{"uid":"a","last_time":"0","ext":"","status":[]},{"uid":"b","last_time":"0","ext":"","status":[]}]}`,
		`{"result":[{"uid":"b","last_time":"0","ext":"","status":[]}]}`},
	{"UsersMustExist", "INF; JAVA",
		func(o *Options) { o.UsersMustExist = true },
		said("POST", "/users/new/presence/web/1", `{"ext":""}`),
		fits,
		`404 {"error":"service_resource_not_found","exception":"UserNotFoundException","timestamp":0,"duration":0,"error_description":"Service resource not found"}`},
	{"UsersMustExist", "TEST; ED24, ED+",
		func(o *Options) { o.UsersMustExist = true },
		said("POST", "/users/new/presence", usernames("a")),
		`{"result":[{"uid":"a","last_time":"0","ext":"","status":[]}]}`,
		`{"result":[]}`},
	{"UsersMustExist", "who exists may act in either",
		func(o *Options) { o.UsersMustExist = true },
		inTurn(is("new", "web", "0", ""), said("POST", "/users/New/presence/web/1", `{"ext":""}`)),
		fits, fits},

	{"ErrorShape", "JS; ED24",
		func(o *Options) { o.ErrorShape = "platform" },
		said("POST", "/users/a/presence/60", usernames("a")),
		`400 {"result":"you can't sub yourself"}`,
		fmt.Sprintf(platform400, illegal, illegalArgument, "you can't sub yourself")},
	{"ErrorShape", "ED24, JS; SEED, C++",
		func(o *Options) { o.ErrorShape = "bare" },
		said("POST", "/users/a/presence/web/1", `{"ext":"`+strings.Repeat("x", 1025)+`"}`),
		fmt.Sprintf(platform400, illegal, illegalArgument, "ext is too big "),
		`400 {"result":"ext is too big "}`},
	{"ErrorShape", "the platform's own stay as they are",
		func(o *Options) { o.ErrorShape = "bare" },
		said("POST", "/users/batch/status", usernames()),
		fmt.Sprintf(platform400, illegal, illegalArgument, "usernames is empty"),
		fmt.Sprintf(platform400, illegal, illegalArgument, "usernames is empty")},
	{"NotActivated", "SEED; JS",
		func(o *Options) { o.NotActivated = true },
		said("POST", "/users/op/presence", usernames("a")),
		`{"result":[{"uid":"a","last_time":"0","ext":"","status":[]}]}`,
		`400 {"result":"the app not open presence"}`},
	{"GroupCount", "ED24; ED24",
		func(o *Options) { o.GroupCount = true },
		inTurn(is("a", "web", "100", ""), is("b", "web", "0", ""), said("GET", "/presence/online/1234/type/1", "")),
		fmt.Sprintf(platform400, illegal, illegalArgument, "this appkey not open rest group online service"),
		`{"result":1}`},

	{"LimitPerS", "limitationapi: 50; ED+ per-API pages: 100",
		func(o *Options) { o.LimitPerS = 100 },
		times(51, said("POST", "/users/op/presence", usernames("a"))),
		`429 {"error":"reach_limit","exception":"RateLimitException","timestamp":0,"duration":0,"error_description":"This request has reached api limit"}`,
		`{"result":[{"uid":"a","last_time":"0","ext":"","status":[]}]}`},
	{"TooManyQueries", "ED23, AG error tables; ED23, AG presence",
		func(o *Options) { o.TooManyQueries = true },
		times(51, said("POST", "/users/op/presence", usernames("a"))),
		`429 {"error":"reach_limit","exception":"RateLimitException","timestamp":0,"duration":0,"error_description":"This request has reached api limit"}`,
		`400 {"result":"too many queries"}`},
	{"TooManyQueries", "it is the presence service that says so: other calls get 429 in either",
		func(o *Options) { o.TooManyQueries = true },
		times(51, said("POST", "/users/batch/status", usernames("a"))),
		`429 {"error":"reach_limit","exception":"RateLimitException","timestamp":0,"duration":0,"error_description":"This request has reached api limit"}`,
		`429 {"error":"reach_limit","exception":"RateLimitException","timestamp":0,"duration":0,"error_description":"This request has reached api limit"}`},
	{"MaxExt", "ED24; SEED, before 2024-07-10",
		func(o *Options) { o.MaxExt = 64 },
		said("POST", "/users/a/presence/web/1", `{"ext":"`+strings.Repeat("x", 65)+`"}`),
		fits,
		fmt.Sprintf(platform400, illegal, illegalArgument, "ext is too big ")},
	{"ExpiryOver", "INF; INF",
		func(o *Options) { o.ExpiryOver = "clamp" },
		said("POST", "/users/op/presence/99999999999999999999", usernames("a")),
		fmt.Sprintf(platform400, illegal, illegalArgument, "this is an invalid request."),
		`{"result":[{"uid":"a","last_time":"0","expiry":"1647058000","ext":"","status":[]}]}`},
	{"ExpiryOver", "0 is refused in either (INF)",
		func(o *Options) { o.ExpiryOver = "clamp" },
		said("POST", "/users/op/presence/0", usernames("a")),
		fmt.Sprintf(platform400, illegal, illegalArgument, "this is an invalid request."),
		fmt.Sprintf(platform400, illegal, illegalArgument, "this is an invalid request.")},
	{"PageSizeOver", "INF; INF",
		func(o *Options) { o.PageSizeOver = "refuse" },
		said("GET", "/users/op/presence/sublist?pageNum=1&pageSize=501", ""),
		`{"result":{"totalnum":"0","sublist":[]}}`,
		fmt.Sprintf(platform400, illegal, illegalArgument, "this is an invalid request.")},
	{"MaxPageSize", "SEED, AG, SW: 500; ED+: 100",
		func(o *Options) { o.MaxPageSize, o.PageSizeOver = 100, "refuse" },
		said("GET", "/users/op/presence/sublist?pageNum=1&pageSize=101", ""),
		`{"result":{"totalnum":"0","sublist":[]}}`,
		fmt.Sprintf(platform400, illegal, illegalArgument, "this is an invalid request.")},
	{"ListLag", "TEST: 10 s; none",
		func(o *Options) { o.ListLag = -1 },
		inTurn(said("POST", "/users/op/presence/60", usernames("a")), said("GET", "/users/op/presence/sublist", "")),
		`{"result":{"totalnum":"0","sublist":[]}}`,
		`{"result":{"totalnum":"1","sublist":[{"uid":"a","expiry":"1644466060"}]}}`},
	{"AsyncAbove", "samples; ED24 for two days in April 2024",
		func(o *Options) { o.AsyncAbove = 2 },
		said("POST", "/users/op/presence/60", usernames("a", "b", "c")),
		`{"result":[{"uid":"a","last_time":"0","expiry":"1644466060","ext":"","status":[]},{"uid":"b","last_time":"0","expiry":"1644466060","ext":"","status":[]},{"uid":"c","last_time":"0","expiry":"1644466060","ext":"","status":[]}]}`,
		`{"result":[]}`},
	{"AsyncAbove", "as many are not more, in either",
		func(o *Options) { o.AsyncAbove = 1 },
		said("POST", "/users/op/presence/60", usernames("a")),
		`{"result":[{"uid":"a","last_time":"0","expiry":"1644466060","ext":"","status":[]}]}`,
		`{"result":[{"uid":"a","last_time":"0","expiry":"1644466060","ext":"","status":[]}]}`},
	{"MaxSubscribers", "ED24: 3000; that the shortest goes INF",
		func(o *Options) { o.MaxSubscribers, o.ListLag = 1, -1 },
		inTurn(said("POST", "/users/op-1/presence/60", usernames("a")), said("POST", "/users/op-2/presence/60", usernames("a")),
			after(10*time.Second), said("GET", "/users/op-1/presence/sublist", "")),
		`{"result":{"totalnum":"1","sublist":[{"uid":"a","expiry":"1644466060"}]}}`,
		`{"result":{"totalnum":"0","sublist":[]}}`},
	{"MaxSubscriptions", "ED24: 3000, and the shortest goes",
		func(o *Options) { o.MaxSubscriptions = 1 },
		inTurn(said("POST", "/users/op/presence/60", usernames("a")), said("POST", "/users/op/presence/50", usernames("b")),
			after(10*time.Second), said("GET", "/users/op/presence/sublist?pageSize=9", "")),
		`{"result":{"totalnum":"2","sublist":[{"uid":"b","expiry":"1644466050"},{"uid":"a","expiry":"1644466060"}]}}`,
		`{"result":{"totalnum":"1","sublist":[{"uid":"b","expiry":"1644466050"}]}}`},

	{"TokenTTLMillis", "ED24; ED24, VIP 5 cluster",
		func(o *Options) { o.TokenTTLMillis = true },
		minted("1500"),
		`2001500`, `2002`},
	{"TokenTTLMillis", "0 is for ever in either",
		func(o *Options) { o.TokenTTLMillis = true },
		minted("0"),
		`2000`, `2000`},
	{"TokenBan", "limitationapi; ED24 token page",
		func(o *Options) { o.TokenBan = 5 },
		times(6, minted("60")),
		`20060`, `403forbidden_service_operation0`},
}

// Each option that chooses a world does: what is asked in the same words is answered as either source has it.
func TestBothWorlds(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.option+"/"+w.source, func(t *testing.T) {
			for answer, turn := range map[*string]func(*Options){&w.usual: func(*Options) {}, &w.other: w.turn} {
				synctest.Test(t, func(t *testing.T) {
					o := quiet()
					turn(&o)
					at(started)
					equal(t, w.play(t, newServer(t, o)), *answer)
				})
			}
		})
	}
}

// Every option of what the API does is in the table above, or has a test of its own: those of Options from
// LimitPerS to ErrorShape.
func TestNoWorldIsForgotten(t *testing.T) {
	known := map[string]bool{"AsyncDelay": true, "AnyOrder": true}
	for _, w := range worlds {
		known[w.option] = true
	}
	inside := false
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Options]()) {
		inside = inside || field.Name == "LimitPerS"
		check(t, !inside || known[field.Name], "no world tells of %s", field.Name)
		inside = inside && field.Name != "ErrorShape"
	}
	check(t, !inside, "there is no ErrorShape any more")
}

// The order is the request's, or none at all; who is in an answer does not go by it.
func TestAnyOrder(t *testing.T) {
	orders := func(o Options) map[string]bool {
		s := newServer(t, o)
		seen := map[string]bool{}
		for range 40 {
			var uids string
			for _, e := range asked[[]gotEntry](t, s, "POST", "/users/op/presence", usernames("a", "b", "c")) {
				uids += e.UID
			}
			seen[uids] = true
		}
		return seen
	}
	equal(t, orders(quiet()), map[string]bool{"abc": true})
	o := quiet()
	o.AnyOrder = true
	seen := orders(o)
	check(t, len(seen) > 3, "only %v", seen)
	for uids := range seen {
		check(t, len(uids) == 3 && strings.ContainsRune(uids, 'a') && strings.ContainsRune(uids, 'b'), "%q", uids)
	}
}

// Whatever is wrong with a call of presence's, both shapes say the same words.
func TestBothShapes(t *testing.T) {
	for _, no := range []refusal{notActivated, subYourself, tooMany, extNull, extTooBig, setFailed, noSuchDevice, usernamesEmpty,
		tooManySub, tooManyGet, tooManyUnsub, usernamesNull, badExpiry, badPage, noGroup, noGroupType, badGroupType, groupsNotOpen} {
		bare := no.in(Options{ErrorShape: shapeBare}, kindGet).answer(time.Now())
		equal(t, string(bare.body), `{"result":"`+no.text+`"}`)
		full := no.in(Options{ErrorShape: shapePlatform}, kindGet).answer(time.Now())
		var out platformError
		noError(t, json.Unmarshal(full.body, &out))
		equal(t, out.Description, no.text)
		check(t, out.Error != "" && out.Exception != "", "half an error: %s", full.body)
		equal(t, []int{bare.status, full.status}, []int{400, 400})
	}
	for _, no := range []refusal{noToken, badToken, noResource, reachLimit, outOfService} {
		equal(t, no.in(Options{ErrorShape: shapeBare}, kindGet), no)
	}
}
