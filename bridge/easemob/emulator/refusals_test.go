package emulator

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every documented refusal, in the shape that it was seen in, with the source of its words and of the shape; INF
// is what no source tells.
func TestRefusals(t *testing.T) {
	plain := newServer(t, quiet())
	o := quiet()
	o.NotActivated = true
	off := newServer(t, o)
	o = quiet()
	o.GroupCount = true
	counts := newServer(t, o)
	many := usernames(names("u", 101)...)
	const (
		me     = "/users/me/presence"
		closed = "the app not open presence"
	)
	for _, c := range []struct {
		name, source string
		s            *Server
		method, path string
		body         string
		status       int
		code, text   string // no code: the presence service's own shape
	}{
		{"presence off, get", "ED24, JS", off, "POST", me, usernames("a"), 400, "", closed},
		{"presence off, set", "ED24, JS", off, "POST", me + "/web/1", `{"ext":""}`, 400, "", closed},
		{"presence off, subscribe", "ED24, JS", off, "POST", me + "/60", usernames("a"), 400, "", closed},
		{"presence off, unsubscribe", "ED24, JS", off, "DELETE", me, bare("a"), 400, "", closed},
		{"presence off, list", "ED24, JS", off, "GET", me + "/sublist", "", 400, "", closed},
		{"presence off, count", "ED24, JS", off, "GET", "/presence/online/1/type/1", "", 400, "", closed},
		{"oneself", "ED24, C++", plain, "POST", me + "/60", usernames("a", "Me"), 400, "", "you can't sub yourself"},

		{"no ext", "ED24", plain, "POST", me + "/web/1", `{}`, 400, illegal, "ext cannot be null"},
		{"null ext", "ED24", plain, "POST", me + "/web/1", `{"ext":null}`, 400, illegal, "ext cannot be null"},
		{"no body", "INF", plain, "POST", me + "/web/1", ``, 400, illegal, "ext cannot be null"},
		{"long ext", "ED24, JS", plain, "POST", me + "/web/1", `{"ext":"` + strings.Repeat("é", 513) + `"}`, 400, illegal, "ext is too big "},
		{"word for a status", "ED23, INF", plain, "POST", me + "/web/away", `{"ext":""}`, 400, illegal, "set presence failed"},
		{"negative status", "ED23, INF", plain, "POST", me + "/web/-1", `{"ext":""}`, 400, illegal, "set presence failed"},
		{"padded status", "ED23, INF", plain, "POST", me + "/web/01", `{"ext":""}`, 400, illegal, "set presence failed"},
		{"long resource", "ED23, INF", plain, "POST", me + "/" + strings.Repeat("w", 257) + "/1", `{"ext":""}`, 400, illegal, "resource not exist"},
		{"resource that JSON cannot have", "ED23, INF", plain, "POST", me + "/%FE/1", `{"ext":""}`, 400, illegal, "resource not exist"},

		{"nobody to subscribe", "ED24", plain, "POST", me + "/60", usernames(), 400, illegal, "usernames is empty"},
		{"no usernames", "ED24", plain, "POST", me + "/60", `{}`, 400, illegal, "usernames is empty"},
		{"usernames in other case", "ED+ overview", plain, "POST", me + "/60", `{"UserNames":["a"]}`, 400, illegal, "usernames is empty"},
		{"101 to subscribe", "ED24", plain, "POST", me + "/60", many, 400, illegal, "too many sub presence"},
		{"31 days", "INF", plain, "POST", me + "/2592001", usernames("a"), 400, illegal, badExpiry.text},
		{"no time", "INF", plain, "POST", me + "/0", usernames("a"), 400, illegal, badExpiry.text},
		{"no number", "INF", plain, "POST", me + "/soon", usernames("a"), 400, illegal, badExpiry.text},

		{"101 to get", "ED24", plain, "POST", me, many, 400, illegal, "too many get presences"},
		{"nobody to get", "INF", plain, "POST", me, usernames(), 400, illegal, "usernames is empty"},
		{"nameless", "ED24 limitation", plain, "POST", me, usernames("a", ""), 400, illegal, "username [] is not legal"},
		{"long name", "ED24 limitation", plain, "POST", me, usernames(strings.Repeat("a", 65)), 400, illegal,
			"username [" + strings.Repeat("a", 65) + "] is not legal"},
		{"name that JSON cannot have", "INF", plain, "POST", "/users/%FF/presence", usernames("a"), 400, illegal, "username [\ufffd] is not legal"},
		{"no JSON", "ED24", plain, "POST", me, `{"usernames":`, 400, "json_parse", ""},
		{"two values", "INF", plain, "POST", me, usernames("a") + "{}", 400, "json_parse", ""},
		{"no list", "ED24, INF", plain, "POST", me, `{"usernames":"a"}`, 400, illegal, badRequest.text},

		{"101 to unsubscribe", "ED24", plain, "DELETE", me, bare(names("u", 101)...), 400, illegal, "too many unsub presences"},
		{"lost body", "ED24", plain, "DELETE", me, "", 400, illegal, "usernames cannot be null"},
		{"null body", "ED24", plain, "DELETE", me, "null", 400, illegal, "usernames cannot be null"},
		{"empty list", "ED24, INF", plain, "DELETE", me, "[]", 400, illegal, "usernames cannot be null"},
		{"object, as the table has it and no example", "INF", plain, "DELETE", me, `{"users":["a"]}`, 400, illegal, badRequest.text},

		{"negative page", "INF", plain, "GET", me + "/sublist?pageNum=-1", "", 400, illegal, badPage.text},
		{"empty pages", "INF", plain, "GET", me + "/sublist?pageSize=0", "", 400, illegal, badPage.text},

		{"counts off", "ED24", plain, "GET", "/presence/online/1/type/1", "", 400, illegal, "this appkey not open rest group online service"},
		{"no group", "ED24", counts, "GET", "/presence/online//type/1", "", 400, illegal, "Id cannot be null."},
		{"no type", "ED24", counts, "GET", "/presence/online/1/type/", "", 400, illegal, "Type cannot be null."},
		{"no type at all", "ED24", counts, "GET", "/presence/online/1/type", "", 400, illegal, "Type cannot be null."},
		{"third type", "ED24", counts, "GET", "/presence/online/1/type/2", "", 400, illegal, "Type must be 0 or 1."},
		{"count posted", "ED24, INF", counts, "POST", "/presence/online/1/type/1", "", 405, "web_application", ""},
		{"half a count", "INF", counts, "GET", "/presence/online", "", 404, "service_resource_not_found", ""},

		{"101 statuses", "ED+", plain, "POST", "/users/batch/status", many, 400, illegal, "request body exceeds maximum limit, maximum limit is 100"},
		{"no statuses", "INF", plain, "POST", "/users/batch/status", usernames(), 400, illegal, "usernames is empty"},
		{"status of nobody", "ED+", plain, "GET", "/users/nobody/status", "", 404, "service_resource_not_found", "Service resource not found"},
		{"devices of nobody", "INF", plain, "GET", "/users/nobody/resources", "", 404, "service_resource_not_found", "Service resource not found"},
		{"status of a long name", "ED24 limitation", plain, "GET", "/users/" + strings.Repeat("a", 65) + "/status", "", 400, illegal, ""},
		{"status posted", "INF", plain, "POST", "/users/a/status", "", 405, "web_application", ""},
		{"more than a status", "INF", plain, "GET", "/users/a/status/now", "", 404, "service_resource_not_found", ""},

		{"long operator", "ED24 limitation", plain, "GET", "/users/" + strings.Repeat("a", 65) + "/presence/sublist", "", 400, illegal, ""},
		{"empty segment", "INF", plain, "POST", "/users//presence", usernames("a"), 404, "service_resource_not_found", ""},
		{"empty end", "INF", plain, "POST", "/users/me/presence/", usernames("a"), 404, "service_resource_not_found", ""},
		{"too long a path", "INF", plain, "POST", "/users/me/presence/x/y/z", "", 404, "service_resource_not_found", ""},
		{"unknown call", "ED24", plain, "GET", "/users/me/friends", "", 404, "service_resource_not_found", ""},
		{"nothing called", "INF", plain, "GET", "", "", 404, "service_resource_not_found", ""},
		{"wrong method", "ED24", plain, "PUT", me, "", 405, "web_application", ""},
		{"large body", "ED24", plain, "POST", me, usernames(strings.Repeat("a", maxVendorBody)), 413, "Request Entity Too Large", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(t, c.s, c.method, c.path, c.body)
			equal(t, w.Code, c.status)
			var got struct {
				Result      string `json:"result"`
				Error       string `json:"error"`
				Description string `json:"error_description"`
			}
			noError(t, json.Unmarshal(w.Body.Bytes(), &got))
			equal(t, got.Error, c.code)
			if c.text != "" {
				equal(t, got.Result+got.Description, c.text)
			}
			check(t, (got.Result == "") == (c.code != ""), "the wrong shape: %s", w.Body)
		})
	}
}

// A body has to be JSON, and has to be called so if it is called anything (ED24: 415).
func TestBodiesAreJSON(t *testing.T) {
	s := newServer(t, quiet())
	for media, want := range map[string]int{
		"": 200, "application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON": 200,
		"text/plain": 415, "application/x-www-form-urlencoded": 415, ";": 415,
	} {
		r := newRequest(t, "POST", "/demo/presence/users/op/presence", usernames("a"), "Bearer "+fixedToken)
		if media != "" {
			r.Header.Set("Content-Type", media)
		}
		w := serve(s, r)
		check(t, w.Code == want, "%q: %d %s", media, w.Code, w.Body)
	}
	r := newRequest(t, "GET", "/demo/presence/users/op/presence/sublist", "", "Bearer "+fixedToken)
	r.Header.Set("Content-Type", "text/plain")
	equal(t, serve(s, r).Code, 200)
}
