package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/hub"
)

// tokenCommand mints what a backend would mint for its users' browsers.
type tokenCommand struct {
	Sub            string        `variable:"PRESENCE_SUB" placeholder:"UID" help:"Whose token it is: the user's own uid."`
	Watch          []string      `variable:"PRESENCE_WATCH" placeholder:"PATTERN" help:"Whom it lets watch: uids, prefixes like team-*, or * for everybody; repeated or separated by commas."`
	Set            bool          `variable:"PRESENCE_SET" help:"Lets its holder set their own presence."`
	TTL            time.Duration `name:"ttl" variable:"PRESENCE_TTL" default:"1h" help:"How long it is good for."`
	AuthIssuer     string        `variable:"AUTH_ISSUER" placeholder:"ISS" help:"Its iss, where the hub asks for one."`
	AuthAudience   string        `variable:"AUTH_AUDIENCE" placeholder:"AUD" help:"Its aud, where the hub asks for one."`
	AuthHMACSecret string        `name:"auth-hmac-secret" variable:"AUTH_HMAC_SECRET" placeholder:"SECRET" help:"The hub's secret. Prefer the variable: others on the machine see flags."`
}

func (*tokenCommand) examples() string {
	return `
export AUTH_HMAC_SECRET=$(openssl rand -hex 32)   # the hub has the same
presence-bridge token --sub alice --watch '*' --set --ttl 1h
PRESENCE_TOKEN=$(presence-bridge token --sub alice --watch 'bob,team-*') presence-bridge watch bob
curl -H "Authorization: Bearer $(presence-bridge token --sub alice --watch bob)" "http://localhost:8080/v1/presence?uids=bob"
`
}

func (c *tokenCommand) problems() []error {
	var wrong problems
	if c.Sub == "" {
		wrong.add(errors.New("PRESENCE_SUB (--sub) is not set: name the user whose token it is"))
	} else if _, err := bridge.ParseUID(c.Sub); err != nil {
		wrong.add(fmt.Errorf("PRESENCE_SUB (--sub): %w", err))
	}
	for _, pattern := range list(c.Watch) {
		wrong.add(checkPattern(pattern))
	}
	wrong.check(c.TTL > 0, "PRESENCE_TTL (--ttl) is %v: want more than 0s", c.TTL)
	wrong.check(c.AuthHMACSecret != "", "AUTH_HMAC_SECRET is not set: it is the hub's secret; a new one for both: %s", newSecret)
	wrong.check(c.AuthHMACSecret == "" || len(c.AuthHMACSecret) >= hub.MinHMACSecret, "AUTH_HMAC_SECRET has %d bytes: it is the hub's secret, of %d bytes or more", len(c.AuthHMACSecret), hub.MinHMACSecret)
	return wrong.list
}

func checkPattern(pattern string) error {
	prefix, open := strings.CutSuffix(pattern, "*")
	if open && prefix == "" {
		return nil
	}
	if _, err := bridge.ParseUID(prefix); err != nil {
		return fmt.Errorf("PRESENCE_WATCH (--watch): %w; patterns are uids, prefix* and *", err)
	}
	return nil
}

func (c *tokenCommand) run(_ context.Context, p *process) error {
	signed, err := c.sign(time.Now())
	if err != nil {
		return fmt.Errorf("signing the token: %w", err)
	}
	if len(list(c.Watch)) == 0 && !c.Set {
		fmt.Fprintln(p.stderr, "this token lets its holder see nobody: give --watch UID, prefix* or '*', or --set")
	}
	_, err = fmt.Fprintln(p.stdout, signed)
	return err
}

func (c *tokenCommand) sign(now time.Time) (string, error) {
	uid, err := bridge.ParseUID(c.Sub)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{
		"sub": uid, "iat": now.Unix(), "exp": now.Add(c.TTL).Unix(),
		"watch": append([]string{}, list(c.Watch)...), "set": c.Set,
	}
	for name, value := range map[string]string{"iss": c.AuthIssuer, "aud": c.AuthAudience} {
		if value != "" {
			claims[name] = value
		}
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(c.AuthHMACSecret))
}
