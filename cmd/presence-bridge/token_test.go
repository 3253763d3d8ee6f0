package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestToken(t *testing.T) {
	env := []string{"AUTH_HMAC_SECRET=" + secret32}
	code, stdout, stderr := once(t, env, "token", "--sub", "Alice", "--watch", "bob,team-*", "--watch", "*", "--set", "--ttl", "2h")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit status %d: %s", code, stderr)
	}
	var claims jwt.MapClaims
	_, err := jwt.ParseWithClaims(strings.TrimSpace(stdout), &claims, func(*jwt.Token) (any, error) { return []byte(secret32), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err != nil {
		t.Fatal(err)
	}
	until, issued := claims["exp"].(float64), claims["iat"].(float64)
	if time.Duration(until-issued)*time.Second != 2*time.Hour {
		t.Errorf("good from %v to %v", issued, until)
	}
	delete(claims, "exp")
	delete(claims, "iat")
	if want := (jwt.MapClaims{"sub": "alice", "watch": []any{"bob", "team-*", "*"}, "set": true}); !reflect.DeepEqual(claims, want) {
		t.Errorf("claims %v, want %v", claims, want)
	}
}

// TestTokenForAnAudience: what the hub asks for beside a signature, the tokens have.
func TestTokenForAnAudience(t *testing.T) {
	env := []string{"AUTH_HMAC_SECRET=" + secret32, "AUTH_ISSUER=us", "AUTH_AUDIENCE=presence"}
	_, stdout, _ := once(t, env, "token", "--sub", "alice", "--watch", "*")
	var claims jwt.RegisteredClaims
	if _, err := jwt.ParseWithClaims(strings.TrimSpace(stdout), &claims, func(*jwt.Token) (any, error) { return []byte(secret32), nil },
		jwt.WithIssuer("us"), jwt.WithAudience("presence")); err != nil {
		t.Error(err)
	}
}

// TestTokenGrantsNothingUnasked holds that no claim is no right.
func TestTokenGrantsNothingUnasked(t *testing.T) {
	_, stdout, stderr := once(t, []string{"AUTH_HMAC_SECRET=" + secret32}, "token", "--sub", "a")
	if stderr != "this token lets its holder see nobody: give --watch UID, prefix* or '*', or --set\n" {
		t.Errorf("said %q", stderr)
	}
	if _, _, stderr := once(t, []string{"AUTH_HMAC_SECRET=" + secret32}, "token", "--sub", "a", "--set"); stderr != "" {
		t.Errorf("a token that only sets: said %q", stderr)
	}
	var claims jwt.MapClaims
	if _, _, err := jwt.NewParser().ParseUnverified(strings.TrimSpace(stdout), &claims); err != nil {
		t.Fatal(err)
	}
	if watch := claims["watch"].([]any); len(watch) != 0 || claims["set"] != false {
		t.Errorf("claims %v", claims)
	}
}
