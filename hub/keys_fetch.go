package hub

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

const (
	fetchWithin = 5 * time.Second // for a whole answer
	maxKeysBody = 256 << 10       // bytes; sets of common issuers have a few thousand
	maxKeys     = 64              // a token that names no key is checked with each
	minRSABits  = 2048
	maxRSABits  = 8192
)

// keyMethods are the algorithms that tokens may be signed with where keys are fetched.
var keyMethods = []string{jwt.SigningMethodRS256.Alg(), jwt.SigningMethodES256.Alg(), jwt.SigningMethodEdDSA.Alg()}

// fetchError is a fetch that failed, and of which kind, for the metric.
type fetchError struct {
	result string
	err    error
}

func (e *fetchError) Error() string { return e.err.Error() }
func (e *fetchError) Unwrap() error { return e.err }

func fetchResult(err error) string {
	var e *fetchError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return e.result
	}
	return "unreachable"
}

// keysClient follows no redirect: keys are taken from where the settings say, and from nowhere else.
func keysClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeaderBytes},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetchKeys asks for a key set once, within fetchWithin. Errors name neither the URL nor what the body says.
func fetchKeys(ctx context.Context, client *http.Client, address string) ([]jwkset.JWK, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	body, err := getKeys(ctx, client, address)
	if err != nil {
		return nil, err
	}
	list, err := parseKeys(body)
	if err != nil {
		return nil, &fetchError{"nonsense", err}
	}
	return list, nil
}

func getKeys(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &fetchError{"unreachable", errors.New("it is no URL")}
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(r)
	if err != nil {
		return nil, &fetchError{"unreachable", withoutURL(err)}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, &fetchError{"status", fmt.Errorf("it answers with status %d, want 200; redirects are not followed", response.StatusCode)}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeysBody+1))
	switch {
	case err != nil:
		return nil, &fetchError{"unreachable", fmt.Errorf("reading its answer: %w", err)}
	case len(body) > maxKeysBody:
		return nil, &fetchError{"too_large", fmt.Errorf("its answer has more than %d bytes", maxKeysBody)}
	}
	return body, nil
}

// withoutURL is an error of a client without the URL, which may hold a secret.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// parseKeys reads a JSON Web Key Set: the keys that tokens can be checked with. What is for something else, or of a
// kind that this hub does not know, is passed over; an answer without any is no answer, so that keys are not lost to
// an endpoint that has forgotten them.
func parseKeys(body []byte) (list []jwkset.JWK, err error) {
	var set struct {
		Keys []jwkset.JWKMarshal `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("its answer is no JSON Web Key Set")
	}
	for _, m := range set.Keys {
		if key, ok := usableKey(m); ok {
			list = append(list, key)
		}
	}
	switch {
	case len(list) == 0:
		return nil, errors.New("its answer has no key for RS256, ES256 or EdDSA")
	case len(list) > maxKeys:
		return nil, fmt.Errorf("its answer has %d keys, %d is the most", len(list), maxKeys)
	}
	return list, nil
}

// usableKey reads one key, of which only its public numbers count: what certificates say, or where they could be
// fetched from, does not. Secrets (oct) are no keys here: whoever reads the set could sign with them.
func usableKey(m jwkset.JWKMarshal) (jwkset.JWK, bool) {
	if m.USE != "" && m.USE != jwkset.UseSig {
		return jwkset.JWK{}, false
	}
	key, err := jwkset.NewJWKFromMarshal(jwkset.JWKMarshal{KTY: m.KTY, KID: m.KID, ALG: m.ALG, CRV: m.CRV, N: m.N, E: m.E, X: m.X, Y: m.Y},
		jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return jwkset.JWK{}, false
	}
	method := methodOf(key.Key())
	return key, method != "" && (m.ALG == "" || m.ALG.String() == method)
}

// methodOf is the algorithm that a public key is for; empty for keys that this hub takes no token by.
func methodOf(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= minRSABits && bits <= maxRSABits {
			return jwt.SigningMethodRS256.Alg()
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return jwt.SigningMethodES256.Alg()
		}
	case ed25519.PublicKey:
		return jwt.SigningMethodEdDSA.Alg()
	}
	return ""
}
