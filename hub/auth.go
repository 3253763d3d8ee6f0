package hub

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// MinHMACSecret is the fewest bytes of a secret that HS256 may be signed with (RFC 7518, 3.2).
const MinHMACSecret = 32

// Auth says who may come in. Exactly one of its fields is set.
type Auth struct {
	None       bool   // anybody may watch and set everybody
	HMACSecret []byte // HS256
}

// Validate says whether the hub would know whom to let in.
func (a Auth) Validate() error {
	switch {
	case a.None && len(a.HMACSecret) > 0:
		return errors.New("AUTH=none and AUTH_HMAC_SECRET contradict each other: set one")
	case !a.None && len(a.HMACSecret) == 0:
		return errors.New("nobody could come in: set AUTH_HMAC_SECRET, or AUTH=none to let everybody in")
	case !a.None && len(a.HMACSecret) < MinHMACSecret:
		return fmt.Errorf("AUTH_HMAC_SECRET has %d bytes, HS256 wants at least %d", len(a.HMACSecret), MinHMACSecret)
	}
	return nil
}

// Format keeps the secret out of whatever prints it.
func (a Auth) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Auth{None:%t}", a.None) }

// grant is what a connection may do: what its token says.
type grant struct {
	subject bridge.UID // own uid; empty without authentication
	expires time.Time  // zero: never
	watch   []string   // uids, prefix*, or *
	set     bool
	open    bool   // no authentication: everything is allowed
	raw     bool   // nobody is held back: what is told is what the log says
	key     string // whom the limits per subject count; empty without authentication
}

var errToken = errors.New("the token is not accepted")

// verify reads a token. The error says what an honest developer can mend, and nothing of ours.
func (a Auth) verify(token string) (grant, error) {
	if a.None {
		return grant{open: true}, nil
	}
	if token == "" {
		return grant{}, fmt.Errorf("%w: there is none", errToken)
	}
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return a.HMACSecret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired())
	if err != nil {
		return grant{}, fmt.Errorf("%w: %s", errToken, tokenProblem(err))
	}
	return c.grant(token)
}

// tokenProblem is the class of what is wrong, in words.
func tokenProblem(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "it has expired"
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return "it is not valid yet"
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "it has no exp"
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return "its signature is not ours; sign it HS256 with the hub's secret"
	}
	return "it is no JWT with the claims sub, exp, watch and set"
}

// claims are what a token says: no claim, no right.
type claims struct {
	jwt.RegisteredClaims
	Watch patterns `json:"watch"`
	Set   bool     `json:"set"`
}

func (c claims) grant(token string) (grant, error) {
	g := grant{watch: c.Watch, set: c.Set, expires: c.ExpiresAt.Time}
	if c.Subject == "" { // nobody's token counts for itself
		g.key = fmt.Sprintf("#%x", sha256.Sum256([]byte(token)))
		return g, nil
	}
	uid, err := bridge.ParseUID(c.Subject)
	if err != nil {
		return grant{}, fmt.Errorf("%w: its sub is %w", errToken, err)
	}
	g.subject, g.key = uid, string(uid)
	return g, nil
}

// patterns is one pattern or a list of them.
type patterns []string

// UnmarshalJSON implements [json.Unmarshaler].
func (p *patterns) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*p = patterns{strings.ToLower(one)}
		return nil
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return errors.New("watch is neither a string nor a list of them")
	}
	for i := range list {
		list[i] = strings.ToLower(list[i])
	}
	*p = list
	return nil
}

// mayWatch says whether the grant covers a user.
func (g grant) mayWatch(uid bridge.UID) bool {
	if g.open {
		return true
	}
	for _, p := range g.watch {
		if prefix, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(string(uid), prefix) || p == string(uid) {
			return true
		}
	}
	return false
}

// maySet says whether the grant lets its holder set this user's presence: one's own only.
func (g grant) maySet(uid bridge.UID) bool {
	return g.open || g.set && g.subject != "" && g.subject == uid
}

const bearerProtocol = "bearer."

// tokenOf finds the token of a request: in its Authorization header, or among its WebSocket subprotocols.
func tokenOf(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(token)
	}
	for _, p := range subprotocols(r) {
		if token, ok := strings.CutPrefix(p, bearerProtocol); ok {
			return token
		}
	}
	return ""
}

func subprotocols(r *http.Request) (list []string) {
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(header, ",") {
			list = append(list, strings.TrimSpace(p))
		}
	}
	return list
}
