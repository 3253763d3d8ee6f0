package emulator

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is known of the API and is neither a refusal (TestRefusals, TestTokenRefusals, TestWhoIsNotLetIn) nor
// different from source to source (TestBothWorlds), with where it is known from.
func TestBehaviours(t *testing.T) {
	const list = "/users/op/presence/sublist"
	all, ten := usernames(names("u", 100)...), 10*time.Second
	sub := func(op, seconds string, uids ...string) scene {
		return said("POST", "/users/"+op+"/presence/"+seconds, usernames(uids...))
	}
	for _, c := range []struct {
		name, source string
		turn         func(o *Options)
		play         scene
		want         string // the beginning of it
	}{
		{"set", "SEED", nil, said("POST", "/users/c1/presence/android/0", `{"ext":"123"}`), fits},
		{"set takes a bare type for a device", "SEED", nil, inTurn(said("POST", "/users/c1/presence/android/1", `{"ext":""}`),
			said("POST", "/users/op/presence", usernames("c1"))), `{"result":[{"uid":"c1","last_time":"1644466000","ext":"","status":{"android":"1"}}]}`},
		{"set makes one device so, and ext of all", "JS, INF", nil, inTurn(said("POST", "/users/c1/presence/a_1/1", `{"ext":"x"}`),
			said("POST", "/users/c1/presence/b_1/2", `{"ext":"y"}`), said("POST", "/users/op/presence", usernames("c1"))),
			`{"result":[{"uid":"c1","last_time":"1644466000","ext":"y","status":{"a_1":"1","b_1":"2"}}]}`},
		{"set takes an empty ext", "JS", nil, said("POST", "/users/c1/presence/web_1/1", `{"ext":""}`), fits},
		{"set takes 1024 bytes of ext", "ED24", nil, said("POST", "/users/c1/presence/web_1/1", `{"ext":"`+strings.Repeat("x", 1024)+`"}`), fits},
		{"set passes over fields that it does not know", "INF", nil, said("POST", "/users/c1/presence/web_1/1", `{"ext":"","more":[1]}`), fits},
		{"a name has 64 bytes", "ED24 limitation", nil, said("POST", "/users/"+strings.Repeat("a", 64)+"/presence/web_1/1", `{"ext":""}`), fits},

		{"get takes 100 users", "SEED", nil, said("POST", "/users/op/presence", all), `{"result":[{"uid":"u-0",`},
		{"get tells of oneself", "INF", nil, said("POST", "/users/op/presence", usernames("op")), `{"result":[{"uid":"op",`},
		{"get needs no subscription", "TEST, TS5", nil, inTurn(is("a", "web", "1", ""), said("POST", "/users/op/presence", usernames("a"))),
			`{"result":[{"uid":"a","last_time":"1644466000","ext":"","status":{"web":"1"}}]}`},
		{"get has an entry for who does not exist, with a list for a status", "TEST, TS5", nil, said("POST", "/users/op/presence", usernames("u10000")),
			`{"result":[{"uid":"u10000","last_time":"0","ext":"","status":[]}]}`},
		{"get folds case", "ED+", nil, said("POST", "/users/op/presence", usernames("ABC")), `{"result":[{"uid":"abc",`},
		{"a device that has gone stays, as 0", "SEED samples", nil, inTurn(said("POST", "/users/a/presence/w_1/1", `{"ext":""}`),
			said("POST", "/users/a/presence/w_1/0", `{"ext":""}`), said("POST", "/users/op/presence", usernames("a"))),
			`{"result":[{"uid":"a","last_time":"1644466000","ext":"","status":{"w_1":"0"}}]}`},
		{"a key may be there twice", "SEED sample", func(o *Options) { o.Faults.DuplicateKeyRate = 1 }, inTurn(is("a", "android", "0", ""),
			said("POST", "/users/op/presence", usernames("a"))), `{"result":[{"uid":"a","last_time":"1644466000","ext":"","status":{"android":"0","android":"0"}}]}`},
		{"a uid may be empty", "SEED sample", func(o *Options) { o.Faults.EmptyUIDRate = 1 }, sub("op", "60", "a"), `{"result":[{"uid":"",`},

		{"subscribe takes 100 users", "SEED", nil, said("POST", "/users/op/presence/60", all), `{"result":[{"uid":"u-0",`},
		{"subscribe takes 30 days", "ED24", nil, sub("op", "2592000", "a"), `{"result":[{"uid":"a","last_time":"0","expiry":"1647058000",`},
		{"subscribing again overwrites the time", "ED24", nil, inTurn(sub("op", "600", "a"), sub("op", "60", "a"), after(ten), said("GET", list, "")),
			`{"result":{"totalnum":"1","sublist":[{"uid":"a","expiry":"1644466060"}]}}`},
		{"unsubscribe takes 100 users", "SEED", nil, said("DELETE", "/users/op/presence", bare(names("u", 100)...)), fits},
		{"unsubscribe does not mind who was never subscribed", "TS5", nil, said("DELETE", "/users/op/presence", bare("a")), fits},
		{"unsubscribing oneself succeeds", "TS5", nil, said("DELETE", "/users/op/presence", bare("op")), fits},

		{"the list has the newest first", "SEED sample", nil, inTurn(sub("op", "60", "a"), sub("op", "60", "b"), after(ten), said("GET", list+"?pageSize=9", "")),
			`{"result":{"totalnum":"2","sublist":[{"uid":"b","expiry":"1644466060"},{"uid":"a","expiry":"1644466060"}]}}`},
		{"a page has one when nothing is said", "ED+", nil, inTurn(sub("op", "60", "a", "b"), after(ten), said("GET", list, "")),
			`{"result":{"totalnum":"2","sublist":[{"uid":"b","expiry":"1644466060"}]}}`},
		{"page 0 is page 1", "TS5", nil, inTurn(sub("op", "60", "a", "b"), after(ten), said("GET", list+"?pageNum=0", "")),
			`{"result":{"totalnum":"2","sublist":[{"uid":"b","expiry":"1644466060"}]}}`},
		{"a page beyond the last is empty", "INF", nil, inTurn(sub("op", "60", "a", "b"), after(ten), said("GET", list+"?pageNum=9", "")),
			`{"result":{"totalnum":"2","sublist":[]}}`},
		{"the list is of one operator", "SEED", nil, inTurn(sub("other", "60", "a"), after(ten), said("GET", list, "")), `{"result":{"totalnum":"0","sublist":[]}}`},
		{"the list lags", "TEST, TS5", nil, inTurn(sub("op", "60", "a"), after(ten-1), said("GET", list, "")), `{"result":{"totalnum":"0","sublist":[]}}`},
		{"what is over is not in the list", "INF", nil, inTurn(sub("op", "10", "a"), after(ten), said("GET", list, "")), `{"result":{"totalnum":"0","sublist":[]}}`},

		{"who does not exist is offline in a batch", "ED+", nil, said("POST", "/users/batch/status", usernames("a")),
			`{"action":"get batch user status","data":[{"a":"offline"}],"timestamp":0,"duration":0}`},
		{"nobody's name is checked in a batch", "ED+", nil, said("POST", "/users/batch/status", usernames(strings.Repeat("a", 65), "")),
			`{"action":"get batch user status","data":[{"` + strings.Repeat("a", 65) + `":"offline"},{"":"offline"}],"timestamp":0,"duration":0}`},
		{"a batch needs no presence", "INF", func(o *Options) { o.NotActivated = true }, said("POST", "/users/batch/status", usernames("a")),
			`{"action":"get batch user status","data":[{"a":"offline"}],"timestamp":0,"duration":0}`},
		{"one status does not either", "INF", func(o *Options) { o.NotActivated = true }, inTurn(is("a", "web", "100", ""), said("GET", "/users/a/status", "")),
			`{"action":"get","uri":"http://example.com/demo/presence/users/a/status","entities":[],"data":{"a":"online"},"timestamp":0,"duration":0}`},
		{"nor do devices", "INF", func(o *Options) { o.NotActivated = true }, inTurn(is("a", "web_1", "1", ""), said("GET", "/users/a/resources", "")),
			`{"action":"get","uri":"http://example.com/demo/presence/users/a/resources","entities":[],"data":[{"res":"web_1","device_uuid":"1","device_name":"web"}],"timestamp":0,"duration":0}`},
		{"a group's count", "ED24", func(o *Options) { o.GroupCount = true }, said("GET", "/presence/online/77/type/1", ""), `{"result":0}`},

		{"a token lives as long as is asked for", "ED24", nil, minted("1024000"), "2001024000"},
		{"a token that is to live 0 lives for ever, and says 0", "ED24, INF", nil, minted("0"), "2000"},
		{"a token lives sixty days when nothing is said", "ED24", nil, minted("null"), "2005184000"},
	} {
		t.Run(c.name+" ("+c.source+")", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := quiet()
				if c.turn != nil {
					c.turn(&o)
				}
				at(started)
				got := c.play(t, newServer(t, o))
				check(t, strings.HasPrefix(got, c.want), "got  %s\nwant %s", got, c.want)
			})
		})
	}
}

// A scene is what a client and the world do, told by its last answer.
type scene func(*testing.T, *Server) string

// said is one vendor call, told by its status unless that is 200, and its body.
func said(method, path, body string) scene {
	return func(t *testing.T, s *Server) string {
		w := ask(t, s, method, path, body)
		return strings.TrimPrefix(fmt.Sprint(w.Code, " ", timestamps.ReplaceAllString(w.Body.String(), `"timestamp":0`)), "200 ")
	}
}

func inTurn(steps ...scene) scene {
	return func(t *testing.T, s *Server) (last string) {
		for _, step := range steps {
			last = step(t, s)
		}
		return last
	}
}

func times(n int, step scene) scene {
	return func(t *testing.T, s *Server) (last string) {
		for range n {
			last = step(t, s)
		}
		return last
	}
}

func after(d time.Duration) scene {
	return func(*testing.T, *Server) string {
		time.Sleep(d)
		return ""
	}
}

// is has a device of somebody's be so.
func is(uid, device, value, ext string) scene {
	return func(_ *testing.T, s *Server) string {
		s.SetUser(uid, map[string]string{device: value}, ext)
		return ""
	}
}
