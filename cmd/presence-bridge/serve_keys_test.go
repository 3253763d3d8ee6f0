package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestServeByKeys is a bridge that checks tokens with the keys of their issuer.
func TestServeByKeys(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","use":"sig","alg":"EdDSA","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	}))
	t.Cleanup(issuer.Close)
	s := start(t, []string{"EMULATOR_URL=" + emulated(t), "AUTH_JWKS_URL=" + issuer.URL, "AUTH_AUDIENCE=presence", "DATA_DIR=" + t.TempDir(),
		"LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0", "NATS_LISTEN=127.0.0.1:0"}, "serve")
	page := s.stderr.wait(t, upPattern)
	s.stderr.wait(t, `the keys of AUTH_JWKS_URL are here.* keys=1`)
	mint := func(audience string) string {
		token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": "me", "watch": "*", "aud": audience, "exp": time.Now().Add(time.Hour).Unix()})
		token.Header["kid"] = "k1"
		signed, err := token.SignedString(private)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	w := start(t, []string{"PRESENCE_TOKEN=" + mint("presence")}, "watch", "user-0001", "--url", page)
	w.stdout.wait(t, `user-0001  (online|offline)`)
	w.stop()
	code, _, stderr := once(t, []string{"PRESENCE_TOKEN=" + mint("mail")}, "watch", "user-0001", "--url", page)
	if code != exitFailed || !strings.Contains(stderr, "its aud does not name this hub's AUTH_AUDIENCE") {
		t.Errorf("with another's token: exit status %d, %q", code, stderr)
	}
}
