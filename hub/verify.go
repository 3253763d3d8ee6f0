package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// maxToken bounds the work that a token can make before anything of it is believed.
const maxToken = 16 << 10

var (
	errToken = errors.New("the token is not accepted")
	errLater = errors.New("the token cannot be checked just now") // the same one may be good in a moment
)

// problem is why a token does not let its holder in.
type problem struct {
	class  error  // errToken or errLater
	reason string // for the metric: one of a few words
	words  string // what an honest developer can mend; nothing of ours, and no more of the token than whose turn it is
}

func (p *problem) Error() string { return p.class.Error() + ": " + p.words }
func (p *problem) Unwrap() error { return p.class }

func refuseToken(reason, format string, args ...any) *problem {
	return &problem{class: errToken, reason: reason, words: fmt.Sprintf(format, args...)}
}

// verifier checks tokens as the settings say. It may be used by many at once.
type verifier struct {
	Auth
	methods []string // that tokens may be signed with
	parser  *jwt.Parser
	key     jwt.Keyfunc // what a token has to be signed with
	keys    *keys       // nil without AUTH_JWKS_URL
	refused *prometheus.CounterVec
}

// newVerifier decides by the settings alone what may sign a token, never by the token: HS256 is checked with the
// secret only, and the others with public keys only.
func newVerifier(a Auth, k *keys, refused *prometheus.CounterVec) *verifier {
	v := &verifier{Auth: a, keys: k, refused: refused}
	if a.JWKSURL != "" {
		v.methods, v.key = keyMethods, k.find
	} else {
		v.methods, v.key = []string{jwt.SigningMethodHS256.Alg()}, func(*jwt.Token) (any, error) { return a.HMACSecret, nil }
	}
	v.parser = jwt.NewParser(jwt.WithValidMethods(v.methods), jwt.WithoutClaimsValidation()) // claims does that
	return v
}

// newVerifier is the hub's.
func (h *Hub) newVerifier(a Auth) *verifier {
	if a.JWKSURL == "" {
		return newVerifier(a, nil, h.metrics.tokens)
	}
	return newVerifier(a, newKeys(a.JWKSURL, h.log, h.metrics.keys), h.metrics.tokens)
}

// keep keeps the keys up to date until ctx is done.
func (v *verifier) keep(ctx context.Context) error {
	if v.keys == nil {
		return nil
	}
	return v.keys.run(ctx)
}

// verify reads a token. An error is a problem. It may wait for keys, for keysWait at most.
func (v *verifier) verify(token string) (grant, error) {
	if v.None {
		return grant{open: true}, nil
	}
	g, err := v.read(token)
	if err != nil {
		v.refused.WithLabelValues(err.reason).Inc()
		return grant{}, err
	}
	return g, nil
}

func (v *verifier) read(token string) (grant, *problem) {
	if p := checkShape(token); p != nil {
		return grant{}, p
	}
	t, err := v.parser.ParseWithClaims(token, jwt.MapClaims{}, v.keyOf)
	if err != nil {
		return grant{}, v.problem(t, err)
	}
	c, p := readClaims(t.Claims.(jwt.MapClaims))
	if p == nil {
		p = c.check(v.Auth, time.Now())
	}
	if p != nil {
		return grant{}, p
	}
	return c.grant(token)
}

func checkShape(token string) *problem {
	switch {
	case token == "":
		return refuseToken("missing", "there is none")
	case strings.Contains(token, " "):
		return refuseToken("several", "there are several; show one, in one place")
	case len(token) > maxToken:
		return refuseToken("too_long", "it has %d bytes, %d is the most", len(token), maxToken)
	}
	return nil
}

// keyOf finds the key of a token. Of its header only alg and kid count: keys that a token brings along (jwk, jku, x5u,
// x5c) are nobody's, and crit names what has to be understood, which is nothing here (RFC 7515, 4.1.11).
func (v *verifier) keyOf(t *jwt.Token) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		return nil, refuseToken("malformed", "its header has crit, which this hub does not know")
	}
	return v.key(t)
}

// problem is what was wrong with a token whose signature has not been proven: nothing in it is to be believed.
func (v *verifier) problem(t *jwt.Token, err error) *problem {
	var known *problem
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, jwt.ErrTokenMalformed):
		return refuseToken("malformed", "it is no JWT")
	case t == nil || t.Method == nil || !slices.Contains(v.methods, t.Method.Alg()):
		return refuseToken("alg", "its alg is not one of this hub's: sign it %s", v.signers())
	}
	return refuseToken("signature", "its signature is not ours; sign it %s", v.signers())
}

func (v *verifier) signers() string {
	if v.keys != nil {
		return "RS256, ES256 or EdDSA with a key of AUTH_JWKS_URL"
	}
	return "HS256 with AUTH_HMAC_SECRET"
}

// closeOf is how a WebSocket is closed whose token does not let its holder in.
func closeOf(err error) *closing {
	if errors.Is(err, errLater) {
		return closeRestarting.because(err.Error())
	}
	return closeToken.because(err.Error())
}
