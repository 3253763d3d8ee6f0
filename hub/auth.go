package hub

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// MinHMACSecret is the fewest bytes of a secret that HS256 may be signed with (RFC 7518, 3.2).
const MinHMACSecret = 32

// Auth says who may come in. Exactly one of its first three fields is set.
type Auth struct {
	None       bool   // anybody may watch and set everybody
	HMACSecret []byte // HS256
	JWKSURL    string // RS256, ES256 and EdDSA, by the keys found there

	Issuer   string // the iss that every token has to have; empty: any
	Audience string // what every token's aud has to name; empty: any
}

// Validate says whether the hub would know whom to let in.
func (a Auth) Validate() error {
	ways := a.ways()
	switch {
	case len(ways) > 1:
		return fmt.Errorf("%s contradict each other: set one", strings.Join(ways, " and "))
	case len(ways) == 0:
		return errors.New("nobody could come in: set AUTH_HMAC_SECRET or AUTH_JWKS_URL, or AUTH=none to let everybody in")
	case a.None && a.Issuer+a.Audience != "":
		return errors.New("AUTH=none asks for no token: leave AUTH_ISSUER and AUTH_AUDIENCE out")
	case a.JWKSURL != "":
		return checkKeysURL(a.JWKSURL)
	case !a.None && len(a.HMACSecret) < MinHMACSecret:
		return fmt.Errorf("AUTH_HMAC_SECRET has %d bytes, HS256 wants at least %d", len(a.HMACSecret), MinHMACSecret)
	}
	return nil
}

// ways are the settings by which somebody could come in.
func (a Auth) ways() (list []string) {
	if a.None {
		list = append(list, "AUTH=none")
	}
	if len(a.HMACSecret) > 0 {
		list = append(list, "AUTH_HMAC_SECRET")
	}
	if a.JWKSURL != "" {
		list = append(list, "AUTH_JWKS_URL")
	}
	return list
}

// checkKeysURL keeps the URL itself out of what it says: it may hold a password.
func checkKeysURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("AUTH_JWKS_URL is no URL: want one like https://login.example.com/.well-known/jwks.json")
	}
	return nil
}

// CountKeys fetches the keys of JWKSURL once, and says how many of them can check tokens.
func (a Auth) CountKeys(ctx context.Context) (int, error) {
	list, err := fetchKeys(ctx, keysClient(), a.JWKSURL)
	return len(list), err
}

// Format keeps the secret out of whatever prints it.
func (a Auth) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Auth{None:%t}", a.None) }
