package emulator

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	maxTTL    = 1 << 40 // seconds; more than anybody means, and its nanoseconds are never computed
	maxTokens = 10_000  // the oldest are forgotten: the vendor promises no token its whole life either
)

// tokens are the app tokens given out.
type tokens struct {
	mu     sync.Mutex
	expiry map[string]time.Time // token -> when it ends; the zero time is never
	order  []string             // of giving out, oldest first
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds; 0 for a token without end, INF
	Application string `json:"application"`
}

func (s *Server) token(body []byte, now time.Time) (answer, *refusal) {
	in, no := decodeTokenRequest(body)
	switch {
	case no != nil:
		return answer{}, no
	case !same(in.clientID, s.options.ClientID):
		return answer{}, &wrongClientID
	case !same(in.clientSecret, s.options.ClientSecret):
		return answer{}, &wrongSecret
	}
	ttl := int64(s.options.TokenTTL / time.Second)
	if in.ttl != nil {
		ttl = *in.ttl
	}
	token := newToken()
	s.tokens.add(token, endOf(ttl, now))
	return asJSON(http.StatusOK, tokenAnswer{token, ttl, applicationID(s.options.Org, s.options.App)}), nil
}

// authorize checks the bearer of a call.
func (s *Server) authorize(r *http.Request, now time.Time) *refusal {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || token == "":
		return &noToken
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

// endOf is when a token ends; one that outlives a century has no end, nor has one of 0 seconds (ED24).
func endOf(ttl int64, now time.Time) time.Time {
	const century = 100 * 365 * 24 * 3600
	if ttl == 0 || ttl > century {
		return time.Time{}
	}
	return now.Add(time.Duration(ttl) * time.Second)
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
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
