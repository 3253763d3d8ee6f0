package hub

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

const testSecret = "a-secret-of-more-than-thirty-two-bytes"

var hmacAuth = Auth{HMACSecret: []byte(testSecret)}

// verify checks a token with settings that need no keys.
func (a Auth) verify(token string) (grant, error) {
	return newVerifier(a, nil, newMetrics(nil, &sync.Mutex{}).tokens).verify(token)
}

// token is a good one for an hour with these claims besides, or instead.
func token(t testing.TB, claims fields) string {
	return signed(t, jwt.SigningMethodHS256, []byte(testSecret), claims)
}

func signed(t testing.TB, method jwt.SigningMethod, key any, claims fields) string {
	t.Helper()
	return signedWith(t, method, key, nil, claims)
}

// signedWith is a token whose header has more to say.
func signedWith(t testing.TB, method jwt.SigningMethod, key any, header, claims fields) string {
	t.Helper()
	all := jwt.MapClaims{"sub": "me", "watch": "*", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, jwt.MapClaims(claims))
	for k, v := range all {
		if v == nil {
			delete(all, k)
		}
	}
	unsigned := jwt.NewWithClaims(method, all)
	maps.Copy(unsigned.Header, header)
	s, err := unsigned.SignedString(key)
	require.NoError(t, err)
	return s
}
