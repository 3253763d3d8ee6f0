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

func TestTokensAreBounded(t *testing.T) {
	tokens := &tokens{expiry: make(map[string]time.Time)}
	for i := range maxTokens + 5 {
		tokens.add(fmt.Sprint(i), time.Time{})
	}
	equal(t, len(tokens.expiry), maxTokens)
	equal(t, tokens.check("4", time.Now()), &badToken)
	equal(t, tokens.check("5", time.Now()), nil)
}
