package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzDecoders throws bytes at every decoder: none panics, and what gets through is legal.
func FuzzDecoders(f *testing.F) {
	for _, body := range []string{`{"usernames":["c2","c3"]}`, `["c1"]`, `{"ext":"123"}`, `{"ext":null}`, ``, `null`, `[]`, `{"usernames":[null]}`,
		`{"grant_type":"client_credentials","client_id":"id","client_secret":"secret","ttl":1024000}`, `{"ttl":1e99}`, `{"usernames":["\u0130"]}`,
		"\xff", `[[[[`, `{"ext":"\ud800"}`} {
		f.Add([]byte(body))
	}
	r := newRules(Options{}.withDefaults())
	legal := func(t *testing.T, uids []string, no *refusal) {
		check(t, (no == nil) == (len(uids) > 0), "%v with %v", uids, no)
		check(t, len(uids) <= maxBatch, "%d ids", len(uids))
		for _, uid := range uids {
			check(t, uid != "" && r.fold(uid) == uid, "%q got through", uid)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		uids, no := r.decodeUsernames(body, tooManyGet)
		legal(t, uids, no)
		uids, no = r.decodeBareNames(body)
		legal(t, uids, no)
		uids, no = r.decodeAnybody(body)
		check(t, (no == nil) == (len(uids) > 0) && len(uids) <= maxBatch, "%v with %v", uids, no)
		ext, _ := r.decodeExt(body)
		check(t, len(ext) <= maxExtBytes, "ext of %d bytes", len(ext))
		in, no := decodeTokenRequest(body)
		check(t, no != nil || in.grantType == grantAgora || in.clientID != "" && in.clientSecret != "", "%+v got through", in)
		if in.ttl != nil && no == nil {
			now := time.Now()
			check(t, *in.ttl == 0 || !endOf(*in.ttl, now).Equal(now), "a life of %d s ends at once", *in.ttl)
		}
	})
}

// FuzzServer throws requests at the whole: no panic, and every answer of the vendor's is JSON.
func FuzzServer(f *testing.F) {
	for _, c := range [][3]string{
		{"POST", "/demo/presence/users/op/presence", `{"usernames":["a"]}`},
		{"POST", "/demo/presence/users/op/presence/60", `{"usernames":["a"]}`},
		{"POST", "/demo/presence/users/op/presence/web/1", `{"ext":"x"}`},
		{"DELETE", "/demo/presence/users/op/presence", `["a"]`},
		{"GET", "/demo/presence/users/op/presence/sublist?pageNum=1&pageSize=100", ``},
		{"POST", "/demo/presence/users/batch/status", `{"usernames":["a"]}`},
		{"POST", "/app-id/x/token", `{}`},
		{"GET", "/demo/presence/users/a/status", ``},
		{"GET", "/demo/presence/users/a/resources", ``},
		{"GET", "/demo/presence/presence/online/1/type/1", ``},
		{"GET", "/demo/presence/presence/online//type", ``},
		{"POST", "/app-id/x/users/op/presence/99999999999999999999", `{"usernames":["a","b","c"]}`},
		{"GET", "/demo/presence/users/op/presence/sublist?pageNum=2147483647&pageSize=2147483647", ``},
		{"POST", "/demo/presence/token", `{"grant_type":"client_credentials","client_id":"id","client_secret":"secret","ttl":1}`},
		{"POST", "/demo/presence/token", `{"grant_type":"agora"}`},
		{"DELETE", "/_emulator/tokens", ``},
		{"DELETE", "/_emulator/stats", ``},
		{"GET", "/_emulator/users?uids=a,,b", ``},
		{"PUT", "/_emulator/users/a", `{"status":{"web":"1"}}`},
		{"PUT", "/_emulator/faults", `{"latency_ms":1}`},
		{"POST", "/demo/presence/users/%FF/presence/%FE/1", `{"ext":"x"}`},
		{"GET", "//%2F/..", ``},
	} {
		f.Add(c[0], c[1], c[2])
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || strings.HasPrefix(u.Path, "/_emulator/population") {
			return // no request, or one that asks for a million people
		}
		usual := quiet()
		usual.AppID = "x"
		other := Options{Users: -1, Paused: true, Token: fixedToken, AppID: "x", AgoraToken: fixedToken, TokenBan: 1, TokenTTLMillis: true,
			Numbers: true, Milliseconds: true, LastTimeOnLogin: true, OmitUnknown: true, KeepCase: true, KeepDuplicates: true, AnyOrder: true,
			ErrorShape: shapeBare, NeedSubscription: true, GroupCount: true, UsersMustExist: true, AsyncAbove: 1, AsyncDelay: -1, MaxSubscribers: 1,
			MaxSubscriptions: 1, ExpiryOver: clamp, PageSizeOver: refuse, ListLag: -1}
		for _, o := range []Options{usual, other} {
			s := newServer(t, o)
			s.SetUser("a", map[string]string{"web": "1"}, "x")
			for range 2 {
				r := (&http.Request{Method: method, URL: u, Header: http.Header{"Authorization": {"Bearer " + fixedToken}}}).WithContext(t.Context())
				r.Body = httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(body)).Body
				w := serve(s, r)
				if !strings.HasPrefix(u.Path, "/_emulator/") {
					check(t, json.Valid(w.Body.Bytes()), "%s %s: %d %q", method, target, w.Code, w.Body)
				}
			}
		}
	})
}
