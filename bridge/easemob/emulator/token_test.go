package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// mint asks for a token; ttl is a JSON value, none when empty.
func mint(t *testing.T, s *Server, ttl string) (token string, expiresIn int64) {
	t.Helper()
	if ttl != "" {
		ttl = `,"ttl":` + ttl
	}
	w := request(t, s, "POST", "/demo/presence/token", `{"grant_type":"client_credentials","client_id":"id","client_secret":"secret"`+ttl+`}`, "")
	equal(t, w.Code, 200)
	var out struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	noError(t, json.Unmarshal(w.Body.Bytes(), &out))
	return out.AccessToken, out.ExpiresIn
}

func get(t *testing.T, s *Server, token string) int {
	t.Helper()
	return request(t, s, "POST", "/demo/presence/users/op/presence", usernames("a"), "Bearer "+token).Code
}

func TestTokenAnswersAsTheSampleDoes(t *testing.T) {
	s := newServer(t, quiet())
	w := request(t, s, "POST", "/demo/presence/token", `{"grant_type":"client_credentials","client_id":"id","client_secret":"secret","ttl":1024000}`, "")
	var want, got map[string]any
	noError(t, json.Unmarshal([]byte(sample(t, "token_200.json")), &want))
	noError(t, json.Unmarshal(w.Body.Bytes(), &got))
	equal(t, len(got), len(want))
	for key, value := range want {
		check(t, fmt.Sprintf("%T", got[key]) == fmt.Sprintf("%T", value), "%s is %v", key, got[key])
		if s, ok := value.(string); ok && key == "application" {
			equal(t, len(got[key].(string)), len(s))
		}
	}
	equal(t, got["expires_in"], any(1024000.0))
	check(t, strings.HasPrefix(got["access_token"].(string), "YWMt"), "an unlikely token: %v", got["access_token"])
	again := request(t, s, "POST", "/demo/presence/token", `{"grant_type":"client_credentials","client_id":"id","client_secret":"secret"}`, "")
	check(t, !strings.Contains(again.Body.String(), got["access_token"].(string)), "the same token twice")
}

func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.TokenTTL = time.Hour
		s := newServer(t, o)
		short, ttl := mint(t, s, "60")
		equal(t, ttl, 60)
		usual, ttl := mint(t, s, "")
		equal(t, ttl, 3600)
		forever, ttl := mint(t, s, "0")
		equal(t, ttl, 0)

		time.Sleep(time.Minute - 1)
		equal(t, get(t, s, short), 200)
		time.Sleep(time.Nanosecond)
		w := request(t, s, "POST", "/demo/presence/users/op/presence", usernames("a"), "Bearer "+short)
		equal(t, w.Code, 401)
		check(t, strings.Contains(w.Body.String(), "due to expired access token"), "%s", w.Body)
		equal(t, get(t, s, usual), 200)
		time.Sleep(time.Hour)
		equal(t, get(t, s, usual), 401)
		time.Sleep(20 * 365 * 24 * time.Hour)
		equal(t, get(t, s, forever), 200)
		equal(t, get(t, s, fixedToken), 200)
	})
}

func TestDefaultTokenLivesSixtyDays(t *testing.T) {
	_, ttl := mint(t, newServer(t, quiet()), "")
	equal(t, ttl, 60*24*3600)
}

func TestTokenRefusals(t *testing.T) {
	s := newServer(t, quiet())
	for body, want := range map[string]refusal{
		`{"grant_type":"client_credentials","client_secret":"secret"}`:                               noClientID,
		`{"grant_type":"client_credentials","client_id":"id"}`:                                       noClientSecret,
		`{"grant_type":"client_credentials","client_id":"di","client_secret":"secret"}`:              wrongClientID,
		`{"grant_type":"client_credentials","client_id":"id","client_secret":"terces"}`:              wrongSecret,
		`{"grant_type":"password","client_id":"id","client_secret":"secret"}`:                        badRequest,
		`{"grant_type":"client_credentials","client_id":"id","client_secret":"secret","ttl":-1}`:     badRequest,
		`{"grant_type":"client_credentials","client_id":"id","client_secret":"secret","ttl":"long"}`: badRequest,
	} {
		w := request(t, s, "POST", "/demo/presence/token", body, "")
		equal(t, w.Code, want.status)
		sameButForTime(t, w.Body.String(), string(want.answer(time.Now()).body))
	}
	equal(t, request(t, s, "GET", "/demo/presence/token", "", "").Code, http.StatusMethodNotAllowed)
	equal(t, request(t, s, "POST", "/demo/absence/token", "", "").Code, http.StatusNotFound)
}

// A 401 has three forms, and a wrong app comes before all of them, under whatever prefix.
func TestWhoIsNotLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.AppID = "0a1b"
		s := newServer(t, o)
		old, _ := mint(t, s, "60")
		time.Sleep(time.Minute)
		const me = "/users/me/presence"
		for _, prefix := range []string{"/demo/presence", "/app-id/0a1b"} {
			for _, c := range []struct{ authorization, code, text string }{
				{"", "unauthorized", "Unable to authenticate (OAuth)"},
				{"Bearer ", "unauthorized", "Unable to authenticate (OAuth)"},
				{"Basic aWQ6c2VjcmV0", "unauthorized", "Unable to authenticate (OAuth)"},
				{"Bearer " + old, "unauthorized", "Unable to authenticate due to expired access token"},
				{"Bearer nonsense", "auth_bad_access_token", "Unable to authenticate due to corrupt access token"},
			} {
				w := request(t, s, "POST", prefix+me, usernames("a"), c.authorization)
				equal(t, w.Code, 401)
				check(t, strings.Contains(w.Body.String(), `"error":"`+c.code+`"`) && strings.Contains(w.Body.String(), c.text),
					"%q: %s", c.authorization, w.Body)
			}
		}
		for _, prefix := range []string{"/demo/absence", "/absent/presence", "/app-id/0a1c"} {
			for _, path := range []string{"", "/token", me, "/users/a/status", "/presence/online/1/type/1"} {
				w := request(t, s, "POST", prefix+path, usernames("a"), "")
				text := fmt.Sprintf("Could not find application for %s from URI: %s", prefix[1:], (prefix + path)[1:])
				check(t, w.Code == 404 && strings.Contains(w.Body.String(), `"error":"organization_application_not_found"`) &&
					strings.Contains(w.Body.String(), text), "%s: %d %s", prefix+path, w.Code, w.Body)
			}
		}
	})
}

func TestRevokedTokensAreExpired(t *testing.T) {
	s := newServer(t, quiet())
	forever, _ := mint(t, s, "0")
	usual, _ := mint(t, s, "")
	equal(t, get(t, s, forever), 200)
	equal(t, admin(t, s, "DELETE", "tokens", "").Code, 204)
	for _, token := range []string{forever, usual} {
		w := request(t, s, "POST", "/demo/presence/users/op/presence", usernames("a"), "Bearer "+token)
		check(t, w.Code == 401 && strings.Contains(w.Body.String(), "expired access token"), "%d %s", w.Code, w.Body)
	}
	equal(t, get(t, s, fixedToken), 200)
	fresh, _ := mint(t, s, "")
	equal(t, get(t, s, fresh), 200)
	s.RevokeTokens()
	equal(t, get(t, s, fresh), 401)
}

// Where milliseconds are meant, a client that means seconds has a token that dies a thousand times too early, and
// expires_in says so. It is never 0, which would be for ever.
func TestTokenTTLMillis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.TokenTTLMillis = true
		s := newServer(t, o)
		token, expiresIn := mint(t, s, "1")
		equal(t, expiresIn, 1)
		equal(t, get(t, s, token), 200)
		time.Sleep(time.Millisecond)
		equal(t, get(t, s, token), 401)
		token, expiresIn = mint(t, s, "86400")
		equal(t, expiresIn, 87)
		time.Sleep(86400*time.Millisecond - 1)
		equal(t, get(t, s, token), 200)
		time.Sleep(time.Nanosecond)
		equal(t, get(t, s, token), 401)
		_, expiresIn = mint(t, s, "")
		equal(t, expiresIn, 60*24*3600)
	})
}

func TestTooManyTokensAreBanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.TokenBan = 3
		s := newServer(t, o)
		wrong := func() int { return request(t, s, "POST", "/demo/presence/token", "{}", "").Code }
		for range 10 { // three a minute are not too many
			time.Sleep(20 * time.Second)
			equal(t, wrong(), 400)
		}
		time.Sleep(20 * time.Second)
		token, _ := mint(t, s, "")
		w := request(t, s, "POST", "/demo/presence/token", "", "")
		equal(t, w.Code, 403)
		sameButForTime(t, w.Body.String(), string(banned.answer(time.Now()).body))
		for range 10 {
			time.Sleep(time.Minute - 1)
			equal(t, wrong(), 403)
		}
		equal(t, get(t, s, token), 200) // what was given out is good
		time.Sleep(10 * time.Nanosecond)
		equal(t, wrong(), 400)
		equal(t, s.Stats().Rejected["403"], 11)
	})
}

// Agora's way: its own token for an app token, with the end of its life in milliseconds (JAVA).
func TestAgoraTokenIsExchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const body = `{"grant_type":"agora"}`
		o := quiet()
		o.AppID, o.AgoraToken = "0a1b", "007eJx"
		s := newServer(t, o)
		w := request(t, s, "POST", "/app-id/0a1b/token", body, "Bearer 007eJx")
		equal(t, w.Code, 200)
		var out struct {
			AccessToken     string `json:"access_token"`
			ExpireTimestamp int64  `json:"expire_timestamp"`
		}
		noError(t, json.Unmarshal(w.Body.Bytes(), &out))
		equal(t, out.ExpireTimestamp, time.Now().Add(24*time.Hour).UnixMilli())
		time.Sleep(24*time.Hour - 1)
		equal(t, get(t, s, out.AccessToken), 200)
		time.Sleep(time.Nanosecond)
		equal(t, get(t, s, out.AccessToken), 401)

		for authorization, want := range map[string]refusal{"": noToken, "Bearer 007eJy": badToken, "Bearer " + fixedToken: badToken} {
			w := request(t, s, "POST", "/app-id/0a1b/token", body, authorization)
			equal(t, w.Code, 401)
			sameButForTime(t, w.Body.String(), string(want.answer(time.Now()).body))
		}
		none := newServer(t, quiet())
		equal(t, request(t, none, "POST", "/demo/presence/token", body, "Bearer ").Code, 401)
		equal(t, request(t, none, "POST", "/demo/presence/token", body, "Bearer x").Code, 401)
	})
}

func TestTokensAreBounded(t *testing.T) {
	tokens := &tokens{expiry: make(map[string]time.Time)}
	for i := range maxTokens + 5 {
		tokens.add(fmt.Sprint(i), time.Time{})
	}
	equal(t, len(tokens.expiry), maxTokens)
	equal(t, tokens.check("4", time.Now()), &badToken)
	equal(t, tokens.check("5", time.Now()), nil)
}
