package hub

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	// skew is by how much the clock of who signs may be ahead of ours.
	skew = 10 * time.Second
	// lastSecond is the end of the year 9999: beyond are milliseconds that were taken for seconds.
	lastSecond = 253402300799
)

// claims are what a token says: no claim, no right. Names count as they are written, in one case only, and values in
// one type only: what is nearly a claim is a mistake, or somebody's trick.
type claims struct {
	sub, iss string
	aud      []string
	exp, nbf time.Time // zero: none
	watch    []string  // in lower case
	set      bool
}

func readClaims(m jwt.MapClaims) (c claims, p *problem) {
	r := claimReader{claims: m}
	c = claims{
		sub: r.text("sub"), iss: r.text("iss"), aud: r.texts("aud"), exp: r.date("exp"), nbf: r.date("nbf"),
		watch: r.texts("watch"), set: r.flag("set"),
	}
	for i := range c.watch {
		c.watch[i] = strings.ToLower(c.watch[i])
	}
	return c, r.problem
}

// check says whether the claims are good here and now.
func (c claims) check(a Auth, now time.Time) *problem {
	switch {
	case c.exp.IsZero():
		return refuseToken("claims", "it has no exp, and every token has to end")
	case !now.Before(c.exp):
		return refuseToken("expired", "it has expired")
	case now.Add(skew).Before(c.nbf):
		return refuseToken("not_yet", "it is not valid yet; its nbf is ahead of this hub's clock")
	case a.Issuer != "" && c.iss != a.Issuer:
		return refuseToken("issuer", "its iss is not this hub's AUTH_ISSUER")
	case a.Audience != "" && !slices.Contains(c.aud, a.Audience):
		return refuseToken("audience", "its aud does not name this hub's AUTH_AUDIENCE")
	}
	return nil
}

func (c claims) grant(token string) (grant, *problem) {
	g := grant{watch: c.watch, set: c.set, expires: c.exp}
	if c.sub == "" { // nobody's token counts for itself
		g.key = fmt.Sprintf("#%x", sha256.Sum256([]byte(token)))
		return g, nil
	}
	uid, err := bridge.ParseUID(c.sub)
	if err != nil {
		return grant{}, refuseToken("claims", "its sub is %v", err)
	}
	g.subject, g.key = uid, string(uid)
	return g, nil
}

// claimReader reads claims of one type each. It keeps the first problem; null is as good as nothing.
type claimReader struct {
	claims  jwt.MapClaims
	problem *problem
}

func (r *claimReader) text(name string) string {
	v := r.claims[name]
	s, ok := v.(string)
	if !ok && v != nil {
		r.wrong(name, "a string")
	}
	return s
}

// texts reads one string or a list of them.
func (r *claimReader) texts(name string) (list []string) {
	switch v := r.claims[name].(type) {
	case nil:
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			s, ok := one.(string)
			if !ok {
				r.wrong(name, "a string or a list of strings")
			}
			list = append(list, s)
		}
	default:
		r.wrong(name, "a string or a list of strings")
	}
	return list
}

func (r *claimReader) flag(name string) bool {
	v := r.claims[name]
	b, ok := v.(bool)
	if !ok && v != nil {
		r.wrong(name, "true or false")
	}
	return b
}

// date reads seconds since 1970.
func (r *claimReader) date(name string) time.Time {
	v := r.claims[name]
	if v == nil {
		return time.Time{}
	}
	n, ok := v.(float64)
	if !ok || n < 0 || n > lastSecond {
		r.wrong(name, "seconds since 1970")
		return time.Time{}
	}
	return time.UnixMilli(int64(n * 1000))
}

func (r *claimReader) wrong(name, want string) {
	if r.problem == nil {
		r.problem = refuseToken("claims", "its %s is of the wrong type, want %s", name, want)
	}
}
