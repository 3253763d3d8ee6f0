package hub

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	testIssuer   = "https://login.hush.example"
	testAudience = "presence-hush"
)

// ours are the claims of a token that both settings are happy with.
func ours(more fields) fields {
	all := fields{"iss": testIssuer, "aud": testAudience, "set": true}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// way is a way in: how a token is shown to a hub, and what becomes of it: a status or a close code, 200 for welcome.
type way struct {
	name string
	show func(h *testHub, good, token string) (code int, says string)
}

var ways = []way{
	{"header", func(h *testHub, _, token string) (int, string) { return h.dial(withToken(token)).outcome("welcome") }},
	{"subprotocol", func(h *testHub, _, token string) (int, string) { return h.dial(inProtocol(token)).outcome("welcome") }},
	{"first message", func(h *testHub, _, token string) (int, string) {
		c := h.dial()
		c.say(fields{"type": "auth", "token": token})
		return c.outcome("welcome")
	}},
	{"renewal", func(h *testHub, good, token string) (int, string) {
		c := h.dial(withToken(good))
		c.expect("welcome")
		c.say(fields{"type": "auth", "token": token})
		return c.outcome("ok")
	}},
	{"events", func(h *testHub, _, token string) (int, string) { return h.askWith("GET", "/v1/events?uids=a", token) }},
	{"get", func(h *testHub, _, token string) (int, string) { return h.askWith("GET", "/v1/presence?uids=a", token) }},
	{"history", func(h *testHub, _, token string) (int, string) {
		return h.askWith("GET", "/v1/presence/a/history", token)
	}},
	{"put", func(h *testHub, _, token string) (int, string) { return h.askWith("PUT", "/v1/presence/me/web", token) }},
}

func inProtocol(token string) func(*websocket.DialOptions) {
	return func(o *websocket.DialOptions) { o.Subprotocols = append(o.Subprotocols, "bearer."+token) }
}

// outcome is what became of a socket: 200 when a message of that type came.
func (c *client) outcome(good string) (int, string) {
	c.t.Helper()
	for {
		select {
		case f, ok := <-c.frames:
			switch {
			case ok && f.Type == good:
				c.hangUp()
				return http.StatusOK, ""
			case ok && f.Type == "error":
				return 0, f.Message
			case !ok:
				var e websocket.CloseError
				require.ErrorAs(c.t, c.err, &e)
				return int(e.Code), e.Reason
			}
		case <-time.After(6 * soon):
			require.Fail(c.t, "nothing came")
		}
	}
}

// askWith is a request with a token, of whose answer only the head is read when it is a good one: a stream goes on.
func (h *testHub) askWith(method, path, token string) (int, string) {
	h.t.Helper()
	body := ""
	if method == http.MethodPut {
		body = `{"status":"1"}`
	}
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	require.NoError(h.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(r)
	require.NoError(h.t, err)
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return http.StatusOK, ""
	}
	if response.StatusCode == http.StatusUnauthorized {
		require.Equal(h.t, "Bearer", response.Header.Get("WWW-Authenticate"))
	}
	said, err := readAll(response)
	require.NoError(h.t, err)
	return response.StatusCode, string(said)
}

// attack is a token that must let nobody in, and what whoever made it by mistake is told.
type attack struct{ name, token, says string }

// claimAttacks are well signed, and wrong in what they say.
func claimAttacks(sign func(fields) string) []attack {
	now := time.Now()
	wrong := func(name string, value any, says string) attack {
		return attack{fmt.Sprintf("%s is %T %v", name, value, value), sign(ours(fields{name: value})), says}
	}
	return []attack{
		{"expired", sign(ours(fields{"exp": now.Add(-time.Second).Unix()})), "it has expired"},
		{"expired long ago", sign(ours(fields{"exp": 1})), "it has expired"},
		{"not yet valid", sign(ours(fields{"nbf": now.Add(time.Hour).Unix()})), "not valid yet"},
		{"no exp", sign(ours(fields{"exp": nil})), "it has no exp"},
		{"EXP for exp", sign(ours(fields{"exp": nil, "EXP": now.Add(time.Hour).Unix()})), "it has no exp"},
		{"EXP beside exp", sign(ours(fields{"exp": 1, "Exp": now.Add(time.Hour).Unix()})), "it has expired"},
		{"exp in milliseconds", sign(ours(fields{"exp": now.Add(time.Hour).UnixMilli()})), "its exp"},
		wrong("exp", fmt.Sprint(now.Add(time.Hour).Unix()), "its exp is of the wrong type, want seconds since 1970"),
		wrong("exp", true, "its exp"),
		wrong("exp", []int64{now.Add(time.Hour).Unix()}, "its exp"),
		wrong("exp", -1, "its exp"),
		wrong("exp", 1e300, "its exp"),
		wrong("nbf", "0", "its nbf"),
		wrong("sub", 7, "its sub is of the wrong type, want a string"),
		wrong("sub", []string{"me"}, "its sub"),
		wrong("sub", "not a uid", "its sub"),
		wrong("watch", 7, "its watch is of the wrong type, want a string or a list of strings"),
		wrong("watch", []any{"a", 7}, "its watch"),
		wrong("watch", fields{"a": true}, "its watch"),
		wrong("set", "true", "its set is of the wrong type, want true or false"),
		wrong("set", 1, "its set"),
		wrong("iss", "https://login.example", "its iss"),
		wrong("iss", []string{testIssuer}, "its iss"),
		{"no iss", sign(ours(fields{"iss": nil})), "its iss"},
		wrong("aud", "another", "its aud"),
		wrong("aud", []string{}, "its aud"),
		wrong("aud", []any{testAudience, 7}, "its aud"),
		wrong("aud", "x"+testAudience, "its aud"),
		{"no aud", sign(ours(fields{"aud": nil})), "its aud"},
		{"huge", sign(ours(fields{"pad": strings.Repeat("x", maxToken)})), "16384 is the most"},
	}
}

// shapeAttacks are no tokens of ours, whatever signs ours.
func shapeAttacks(t *testing.T, good string) []attack {
	parts := strings.Split(good, ".")
	none := func(alg string, signature string) attack {
		return attack{"alg " + alg, encodePart(`{"alg":"`+alg+`","typ":"JWT"}`) + "." + parts[1] + "." + signature, "its alg"}
	}
	list := []attack{
		{"junk", "junk", "it is no JWT"},
		{"dots", "..", "it is no JWT"},
		{"two parts", parts[0] + "." + parts[1], "it is no JWT"},
		{"four parts", good + ".", "it is no JWT"},
		{"five parts", good + ".a.b", "it is no JWT"},
		{"a header that is none", encodePart("hush") + "." + parts[1] + "." + parts[2], "it is no JWT"},
		{"a header that is a list", encodePart(`["RS256"]`) + "." + parts[1] + "." + parts[2], "it is no JWT"},
		{"no alg", encodePart(`{"typ":"JWT"}`) + "." + parts[1] + "." + parts[2], "its alg"},
		{"alg is a number", encodePart(`{"alg":256}`) + "." + parts[1] + "." + parts[2], "its alg"},
		{"claims that are none", parts[0] + "." + encodePart("hush") + "." + parts[2], "it is no JWT"},
		{"claims are null", parts[0] + "." + encodePart("null") + "." + parts[2], "its signature"},
		{"other claims", parts[0] + "." + encodePart(`{"exp":4102444800,"watch":"*"}`) + "." + parts[2], "its signature"},
		{"no signature", parts[0] + "." + parts[1] + ".", "its signature"},
		{"half a signature", good[:len(good)-20], ""},
		{"signed with none", signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, ours(nil)), "its alg"},
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		list = append(list, none(alg, ""), none(alg, parts[2]))
	}
	for _, alg := range []string{"hs256", "HS256 ", "rs256", "Rs256", "es256", "eddsa", "HS384", "PS256", "RS512", "ES384"} {
		list = append(list, none(alg, parts[2]))
	}
	return list
}

// secretAttacks are forged for a hub that has a secret.
func secretAttacks(t *testing.T) []attack {
	ec := signers()[1]
	list := []attack{
		{"another secret", signed(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 40)), ours(nil)), "HS256 with AUTH_HMAC_SECRET"},
		{"an empty secret", signed(t, jwt.SigningMethodHS256, []byte{}, ours(nil)), "its signature"},
		{"a longer hash", signed(t, jwt.SigningMethodHS512, []byte(testSecret), ours(nil)), "its alg"},
		{"a key of its own", ec.signWith(t, fields{"jwk": ec.jwk(t)}, ours(nil)), "its alg"},
		{"crit", signedWith(t, jwt.SigningMethodHS256, []byte(testSecret), fields{"crit": []string{"b64"}, "b64": false}, ours(nil)), "crit"},
	}
	list = append(list, shapeAttacks(t, token(t, ours(nil)))...)
	return append(list, claimAttacks(func(c fields) string { return token(t, c) })...)
}

// keyAttacks are forged for a hub that has public keys, which everybody knows.
func keyAttacks(t *testing.T, thief *httptest.Server) []attack {
	rsaKey, ecKey, edKey := signers()[0], signers()[1], signers()[2]
	list := []attack{}
	for _, s := range signers() {
		for form, secret := range publicForms(t, s) {
			forged := signedWith(t, jwt.SigningMethodHS256, secret, fields{"kid": s.kid}, ours(nil))
			list = append(list, attack{"HS256 with " + s.kid + " " + form, forged, "its alg"},
				attack{"the same, said to be " + s.method.Alg(), renamed(forged, s.method.Alg()), ""})
		}
	}
	stranger := newRSA("stranger", 2048)
	named := func(kid any) attack {
		return attack{fmt.Sprintf("kid %T %.20v", kid, kid), stranger.signWith(t, fields{"kid": kid}, ours(nil)), ""}
	}
	list = append(list, named(rsaKey.kid), named(ecKey.kid), named("../../dev/null"), named("' or 1=1 --"), named(7), named([]string{rsaKey.kid}), named(""),
		named(strings.Repeat("k", 4000)), attack{"unknown kid", stranger.sign(t, ours(nil)), "its kid is not among the keys"})
	for name, header := range map[string]fields{
		"jwk": {"jwk": stranger.jwk(t)}, "jku": {"jku": thief.URL}, "x5u": {"x5u": thief.URL},
		"x5c": {"x5c": []string{base64.StdEncoding.EncodeToString([]byte("certificate"))}},
	} {
		list = append(list, attack{name, stranger.signWith(t, header, ours(nil)), ""})
		header["kid"] = rsaKey.kid
		list = append(list, attack{name + " and a kid of ours", stranger.signWith(t, header, ours(nil)), "its signature"})
	}
	mixed := ecKey
	mixed.kid = edKey.kid
	list = append(list, attack{"ES256 with the kid of an EdDSA key", mixed.sign(t, ours(nil)), ""},
		attack{"PS256 with an RS256 key", signedWith(t, jwt.SigningMethodPS256, rsaKey.key, fields{"kid": rsaKey.kid}, ours(nil)), "its alg"},
		attack{"RS512 with an RS256 key", signedWith(t, jwt.SigningMethodRS512, rsaKey.key, fields{"kid": rsaKey.kid}, ours(nil)), "its alg"},
		attack{"the published secret", signedWith(t, jwt.SigningMethodHS256, []byte("published"), fields{"kid": "oct"}, ours(nil)), "its alg"},
		attack{"a weak key", weakKey().sign(t, ours(nil)), "its kid"},
		attack{"a key for another curve", signedWith(t, jwt.SigningMethodES384, otherCurve().key, fields{"kid": "p384"}, ours(nil)), "its alg"},
		attack{"a key for encryption", encryptionKey().sign(t, ours(nil)), "its kid"},
		attack{"crit", edKey.signWith(t, fields{"crit": []string{"exp"}}, ours(nil)), "crit"})
	list = append(list, shapeAttacks(t, rsaKey.sign(t, ours(nil)))...)
	return append(list, claimAttacks(func(c fields) string { return edKey.sign(t, c) })...)
}

// Keys that are published and take nobody's part: see usableKey.
var (
	weakKey       = onceSigner(func() signer { return newRSA("weak", 1024) })
	otherCurve    = onceSigner(func() signer { return newEC("p384", elliptic.P384()) })
	encryptionKey = onceSigner(func() signer { return newEd("enc") })
)

// publicForms are the ways in which a public key can be taken for a secret.
func publicForms(t *testing.T, s signer) map[string][]byte {
	der, err := x509.MarshalPKIXPublicKey(s.key.Public())
	require.NoError(t, err)
	forms := map[string][]byte{"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"JWK": []byte(keySet(t, s)), "nothing": {}}
	forms["PEM without its last line end"] = bytes.TrimSpace(forms["PEM"])
	if key := s.jwk(t); key.N != "" {
		forms["n"] = []byte(key.N)
	}
	return forms
}

// told are words that no answer may hold: of our settings' values, of keys, or of how tokens are read.
var told = []string{"hush", testSecret, "crypto", "rsa:", "jwt:", "jwkset", "json:", "base64", "unmarshal", "illegal", "keyfunc", "segments", "panic", "0x"}

// TestTokenAttacks shows every attack at every door: each is refused there, 4401 or 401, in words that help whoever
// made it by mistake and tell nothing to whoever did not. Good tokens come in by the same doors.
func TestTokenAttacks(t *testing.T) {
	w := newWorld(t)
	metrics := prometheus.NewRegistry()
	base := func(c *Config) {
		c.Vendor, c.Registerer = &vendor{}, metrics
		c.Limits = Limits{MaxConnectionsPerSubject: 1000}
		c.Auth.None = false
		c.Auth.Issuer, c.Auth.Audience = testIssuer, testAudience
	}
	thief := thieves(t)
	t.Run("secret", func(t *testing.T) {
		h := w.hub(base, func(c *Config) { c.Auth.HMACSecret = []byte(testSecret) })
		good := token(t, ours(nil))
		h.t = t
		h.letsIn(good, good, token(t, ours(fields{"aud": []string{"x", testAudience}})))
		h.repels(good, secretAttacks(t))
	})
	t.Run("keys", func(t *testing.T) {
		e := &publisher{t: t}
		e.says(http.StatusOK, publishedKeys(t))
		server := httptest.NewServer(e)
		t.Cleanup(server.Close)
		metrics = prometheus.NewRegistry()
		h := w.hub(base, func(c *Config) { c.Registerer, c.Auth.JWKSURL = metrics, server.URL })
		h.t = t
		good := signers()[2].sign(t, ours(nil))
		nameless := signed(t, signers()[1].method, signers()[1].key, ours(nil)) // has no kid: the hub finds the key
		h.letsIn(good, good, signers()[0].sign(t, ours(nil)), signers()[1].sign(t, ours(nil)), nameless)
		h.repels(good, keyAttacks(t, thief))
		require.Less(t, e.asked.Load(), int64(10), "who makes keys up does not send the hub for them each time")
		for reason := range countedBy(t, metrics, "presence_bridge_hub_tokens_refused_total") {
			require.Contains(t, []string{"malformed", "too_long", "alg", "key", "signature", "claims", "expired", "not_yet", "issuer", "audience"}, reason)
			require.Contains(t, tokenReasons, reason, "it is shown as 0 before")
		}
	})
}

func (h *testHub) letsIn(good string, tokens ...string) {
	h.t.Helper()
	for _, w := range ways {
		for _, token := range tokens {
			code, says := w.show(h, good, token)
			require.Equal(h.t, http.StatusOK, code, "%s: %s", w.name, says)
		}
	}
}

func (h *testHub) repels(good string, attacks []attack) {
	h.t.Helper()
	for _, a := range attacks {
		for i, w := range ways {
			code, says := w.show(h, good, a.token)
			refused := int(closeToken.code)
			if i >= 4 {
				refused = http.StatusUnauthorized
			}
			require.Equal(h.t, refused, code, "%s by %s: %s", a.name, w.name, says)
			require.Contains(h.t, says, "the token is not accepted: ", a.name)
			require.Contains(h.t, says, a.says, a.name)
			for _, word := range told {
				require.NotContains(h.t, strings.ToLower(says), word, a.name)
			}
		}
	}
	h.until(func() bool { return h.sessions.len() == 0 })
}

// thieves is an endpoint that no hub may ever ask.
func thieves(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the hub fetched %s, which a token named", r.URL)
	}))
	t.Cleanup(s.Close)
	return s
}

// publishedKeys is a set with keys of ours and with keys that are not for tokens.
func publishedKeys(t *testing.T) string {
	set := keySet(t, append(slices.Clone(signers()), weakKey(), otherCurve())...)
	more := `{"kty":"oct","kid":"oct","alg":"HS256","k":"cHVibGlzaGVk"}`
	enc := strings.TrimSuffix(strings.TrimPrefix(keySet(t, encryptionKey()), `{"keys":[`), "}]}") + `,"use":"enc"}`
	return strings.TrimSuffix(set, "]}") + "," + more + "," + enc + "]}"
}

// countedBy is what a counter says, by its label.
func countedBy(t testing.TB, r *prometheus.Registry, name string) map[string]int {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	m := map[string]int{}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			if n := one.GetCounter().GetValue(); f.GetName() == name && n > 0 {
				m[one.GetLabel()[0].GetValue()] = int(n)
			}
		}
	}
	require.NotEmpty(t, m)
	return m
}

// TestTwoTokens: who shows several is told so, whichever of them is good.
func TestTwoTokens(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Auth = hmacAuth })
	good := token(t, nil)
	for _, options := range [][]func(*websocket.DialOptions){
		{withToken(good), inProtocol(good)}, {withToken("junk"), inProtocol(good)}, {inProtocol(good), inProtocol("junk")},
		{withToken(good + " " + good)},
	} {
		require.Contains(t, h.dial(options...).expectClose(closeToken), "there are several")
	}
	r, err := http.NewRequest("GET", h.url+"/v1/presence?uids=a", nil)
	require.NoError(t, err)
	r.Header["Authorization"] = []string{"Bearer " + good, "Bearer junk"}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(t, err)
	_ = response.Body.Close()
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.Equal(t, bridge.UID("me"), h.dial(func(o *websocket.DialOptions) { o.HTTPHeader.Set("Authorization", "Basic aDpo") }, inProtocol(good)).expect("welcome").UID,
		"what is for a proxy is no token")
}
