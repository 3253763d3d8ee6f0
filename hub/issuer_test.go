package hub

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// signer is one key of an issuer, and how it signs.
type signer struct {
	kid    string
	method jwt.SigningMethod
	key    crypto.Signer
}

// sign makes a token with these claims besides the usual ones, or instead.
func (s signer) sign(t testing.TB, claims fields) string { return s.signWith(t, nil, claims) }

// signWith makes one whose header has more to say.
func (s signer) signWith(t testing.TB, header, claims fields) string {
	t.Helper()
	all := fields{"kid": s.kid}
	for name, value := range header {
		all[name] = value
	}
	return signedWith(t, s.method, s.key, all, claims)
}

func (s signer) jwk(t testing.TB) jwkset.JWKMarshal {
	t.Helper()
	key, err := jwkset.NewJWKFromKey(s.key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: s.kid}})
	require.NoError(t, err)
	m := key.Marshal()
	m.ALG = "" // issuers may leave it out
	return m
}

func newRSA(kid string, bits int) signer {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return signer{kid, jwt.SigningMethodRS256, key}
}

func newEC(kid string, curve elliptic.Curve) signer {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return signer{kid, jwt.SigningMethodES256, key}
}

func newEd(kid string) signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return signer{kid, jwt.SigningMethodEdDSA, key}
}

// signers are one key of each kind, made once: RSA keys take a while.
var signers = sync.OnceValue(func() []signer {
	return []signer{newRSA("rsa-1", 2048), newEC("ec-1", elliptic.P256()), newEd("ed-1")}
})

// publisher publishes keys, or whatever it is told to.
type publisher struct {
	t      testing.TB
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
}

func (e *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.asked.Add(1)
	(*e.answer.Load())(w, r)
}

func (e *publisher) does(f http.HandlerFunc) { e.answer.Store(&f) }

func (e *publisher) says(status int, body string) {
	e.does(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func (e *publisher) publishes(list ...signer) { e.says(http.StatusOK, keySet(e.t, list...)) }

func keySet(t testing.TB, list ...signer) string {
	t.Helper()
	set := jwkset.JWKSMarshal{}
	for _, s := range list {
		set.Keys = append(set.Keys, s.jwk(t))
	}
	data, err := json.Marshal(set)
	require.NoError(t, err)
	return string(data)
}

func onceSigner(make func() signer) func() signer { return sync.OnceValue(make) }
