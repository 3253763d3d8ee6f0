package emulator

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxTTL         = 1 << 40 // seconds; more than anybody means, and its nanoseconds are never computed
	maxTokens      = 10_000  // the oldest are forgotten: the vendor promises no token its whole life either
	maxAgoraLife   = 24 * time.Hour
	tokenBanWindow = time.Minute // what is "too often", and how long a ban lasts, is INF
	tokenBanLasts  = 10 * time.Minute
)

// tokens are the app tokens given out.
type tokens struct {
	mu     sync.Mutex
	expiry map[string]time.Time // token -> when it ends; the zero time is never
	order  []string             // of giving out, oldest first
	asked  []time.Time          // requests of the last tokenBanWindow, oldest first
	banned time.Time            // until then
}

// tokenRequest is the body of POST /token.
type tokenRequest struct {
	grantType, clientID, clientSecret string
	ttl                               *int64 // 0 for ever, nil the app's own setting
}

const (
	grantClient = "client_credentials"
	grantAgora  = "agora"
)

func decodeTokenRequest(body []byte) (tokenRequest, *refusal) {
	var in tokenRequest
	no := decodeFields(body, map[string]any{"grant_type": &in.grantType, "client_id": &in.clientID,
		"client_secret": &in.clientSecret, "ttl": &in.ttl})
	if no != nil {
		return in, no
	}
	switch {
	case in.grantType == grantAgora:
		return in, nil
	case in.grantType != grantClient, in.ttl != nil && (*in.ttl < 0 || *in.ttl > maxTTL):
		return in, &badRequest
	case in.clientID == "":
		return in, &noClientID
	case in.clientSecret == "":
		return in, &noClientSecret
	}
	return in, nil
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds; 0 for a token without end, INF
	Application string `json:"application"`
}

// exchangeAnswer is for whoever came with a token of Agora's (JAVA: ExchangeTokenResponse).
type exchangeAnswer struct {
	AccessToken     string `json:"access_token"`
	ExpireTimestamp int64  `json:"expire_timestamp"` // Unix milliseconds
}

func (s *Server) token(r *http.Request, body []byte, now time.Time) (answer, *refusal) {
	if s.options.TokenBan > 0 && s.tokens.bans(s.options.TokenBan, now) {
		return answer{}, &banned
	}
	in, no := decodeTokenRequest(body)
	switch {
	case no != nil:
		return answer{}, no
	case in.grantType == grantAgora:
		return s.exchange(r, now)
	case !same(in.clientID, s.options.ClientID):
		return answer{}, &wrongClientID
	case !same(in.clientSecret, s.options.ClientSecret):
		return answer{}, &wrongSecret
	}
	ttl := s.lifetime(in.ttl)
	token := newToken()
	s.tokens.add(token, endOf(ttl, now))
	return asJSON(http.StatusOK, tokenAnswer{token, (ttl + 999) / 1000, applicationID(s.options.Org, s.options.App)}), nil
}

// lifetime is that of a token in milliseconds, 0 for ever. The ttl of a request is in seconds, on the VIP 5
// cluster in milliseconds (ED24); expires_in is in seconds in either world (INF).
func (s *Server) lifetime(ttl *int64) int64 {
	switch {
	case ttl == nil:
		return s.options.TokenTTL.Milliseconds()
	case s.options.TokenTTLMillis:
		return *ttl
	}
	return *ttl * 1000
}

// exchange gives an app token for one of Agora's, which the app's own server has made and which lives for 24
// hours at most (SW); that the new one lives no longer is INF.
func (s *Server) exchange(r *http.Request, now time.Time) (answer, *refusal) {
	agora, no := bearer(r)
	switch {
	case no != nil:
		return answer{}, no
	case s.options.AgoraToken == "" || !same(agora, s.options.AgoraToken):
		return answer{}, &badToken
	}
	token, ends := newToken(), now.Add(min(s.options.TokenTTL, maxAgoraLife))
	s.tokens.add(token, ends)
	return asJSON(http.StatusOK, exchangeAnswer{token, ends.UnixMilli()}), nil
}

// bearer is the token that a call comes with.
func bearer(r *http.Request) (string, *refusal) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return "", &noToken
	}
	return token, nil
}

// authorize checks the bearer of a call.
func (s *Server) authorize(r *http.Request, now time.Time) *refusal {
	token, no := bearer(r)
	switch {
	case no != nil:
		return no
	case s.options.Token != "" && same(token, s.options.Token):
		return nil
	}
	return s.tokens.check(token, now)
}

func (t *tokens) add(token string, ends time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expiry[token] = ends
	t.order = append(t.order, token)
	if len(t.order) > maxTokens {
		delete(t.expiry, t.order[0])
		t.order = t.order[1:]
	}
}

// bans says whether the account is banned, which it is once tokens are asked for too often ("over-frequent requests
// get the account banned", ED24). What is asked for under a ban does not make it longer.
func (t *tokens) bans(most int, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.banned) {
		return true
	}
	t.asked = slices.DeleteFunc(t.asked, func(at time.Time) bool { return now.Sub(at) >= tokenBanWindow })
	if t.asked = append(t.asked, now); len(t.asked) <= most {
		return false
	}
	t.asked, t.banned = nil, now.Add(tokenBanLasts)
	return true
}

func (t *tokens) revoke(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for token := range t.expiry {
		t.expiry[token] = now
	}
}

func (t *tokens) check(token string, now time.Time) *refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	ends, known := t.expiry[token]
	switch {
	case !known:
		return &badToken
	case !ends.IsZero() && !now.Before(ends):
		return &expiredToken
	}
	return nil
}

// endOf is when a token of so many milliseconds ends; one that outlives a century has no end, nor has one of 0
// (ED24).
func endOf(ttl int64, now time.Time) time.Time {
	const century = 100 * 365 * 24 * 3600 * 1000
	if ttl == 0 || ttl > century {
		return time.Time{}
	}
	return now.Add(time.Duration(ttl) * time.Millisecond)
}

// newToken looks like the vendor's: YWMt and URL-safe base64.
func newToken() string {
	var b [84]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program first
	return "YWMt" + base64.RawURLEncoding.EncodeToString(b[:])
}

// applicationID is the uuid of an app, the same whenever it is asked for.
func applicationID(org, app string) string {
	h := sha1.Sum([]byte(org + "#" + app))
	return uuid(h[:16])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
