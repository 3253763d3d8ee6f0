package hub

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func FuzzDecodeMessage(f *testing.F) {
	files, _ := filepath.Glob("testdata/frames/*.json")
	for _, file := range files {
		data, _ := os.ReadFile(file)
		f.Add(data)
	}
	f.Add([]byte(`{"type":"subscribe","id":7}`))
	f.Add([]byte(`{"type":"subscribe","id":"1","uids":[null]}`))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMessage(data, nil)
		if len(m.ID) > maxMessageID {
			t.Fatalf("an id of %d bytes would be echoed", len(m.ID))
		}
		var end *closing
		var said *refusal
		switch {
		case err == nil:
			if m.check() != nil {
				t.Fatal("a message that lacks something passed")
			}
		case errors.As(err, &end):
			if utf8.Valid(data) && json.Valid(data) {
				t.Fatalf("whoever speaks JSON is told what is wrong: %q", data)
			}
		case errors.As(err, &said):
			if said.Code == "" || said.Message == "" {
				t.Fatal("a refusal that says nothing")
			}
			errorFrame(m.ID, err)
		default:
			t.Fatalf("neither: %v", err)
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add(token(f, nil), "")
	f.Add("", "presence.v1, bearer."+token(f, nil))
	f.Add("Bearer "+signed(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), "")
	f.Add("Bearer a.b.c", "bearer.")
	f.Fuzz(func(t *testing.T, header, protocols string) {
		r := &http.Request{Header: http.Header{"Authorization": {header}, "Sec-Websocket-Protocol": {protocols}}}
		found := tokenOf(r)
		for _, one := range strings.Fields(found) {
			if !strings.Contains(header+" "+protocols, one) {
				t.Fatalf("%q came from nowhere", one)
			}
		}
		g, err := hmacAuth.verify(found)
		if err != nil {
			if !errors.Is(err, errToken) {
				t.Fatalf("no class: %v", err)
			}
			if !utf8.ValidString(closeToken.because(err.Error()).reason) {
				t.Fatal("a reason that is no text")
			}
			return
		}
		if _, err := jwt.Parse(found, func(*jwt.Token) (any, error) { return []byte(testSecret), nil }, jwt.WithValidMethods([]string{"HS256"})); err != nil || g.expires.Before(time.Now()) {
			t.Fatalf("let in: %q: %v", found, err)
		}
	})
}

// FuzzClaims signs whatever comes, so that it is read: nobody gets in without an end that is ahead, or by a claim that
// is not one.
func FuzzClaims(f *testing.F) {
	for _, s := range []string{`{"exp":4102444800,"sub":"me","watch":["a","B*"],"set":true}`, `{"exp":"4102444800"}`, `{"EXP":4102444800}`,
		`{"exp":4102444800,"set":1}`, `{"exp":4102444800,"aud":[1]}`, `null`, `[]`, `{"exp":1e300}`, `{"exp":4102444800,"exp":1}`, `{"exp":-0.5}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		unsigned := encodePart(`{"alg":"HS256"}`) + "." + encodePart(payload)
		signature, err := jwt.SigningMethodHS256.Sign(unsigned, []byte(testSecret))
		if err != nil {
			t.Fatal(err)
		}
		g, err := hmacAuth.verify(unsigned + "." + encodePart(string(signature)))
		if err != nil {
			if !errors.Is(err, errToken) || !utf8.ValidString(closeOf(err).reason) {
				t.Fatalf("%q: %v", payload, err)
			}
			return
		}
		var says map[string]any
		if json.Unmarshal([]byte(payload), &says) != nil || !g.expires.After(time.Now()) {
			t.Fatalf("let in: %q until %v", payload, g.expires)
		}
		if set, _ := says["set"].(bool); set != g.set || says["watch"] == nil && len(g.watch) > 0 {
			t.Fatalf("%q lets its holder %+v", payload, g)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := parseKeys(body)
		if (err == nil) == (len(list) == 0) {
			t.Fatalf("%d keys, %v", len(list), err)
		}
		for _, key := range list {
			if methodOf(key.Key()) == "" {
				t.Fatalf("a key of no use: %T", key.Key())
			}
		}
	})
}

func FuzzParseWait(f *testing.F) {
	for _, s := range []string{"", "2s", "-1s", "30s", "30.000000001s", "1h", "9999999999999h", "1e9s", "NaN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseWait(s)
		if d < 0 || d > maxWait || err != nil && d != 0 {
			t.Fatalf("%q is %s, %v", s, d, err)
		}
	})
}

func FuzzUIDs(f *testing.F) {
	for _, s := range []string{"", "a", "a,b", "A,a", ",", "a,,b", "a b", "ü", strings.Repeat("x", 65), strings.Repeat("a,", 20)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		uids, err := parseUIDs(splitUIDs(list), 10)
		if err != nil {
			if refusalOf(err).status != http.StatusBadRequest || uids != nil {
				t.Fatalf("%q: %v with %v", list, err, uids)
			}
			return
		}
		seen := map[bridge.UID]bool{}
		for _, uid := range uids {
			if again, err := bridge.ParseUID(string(uid)); err != nil || again != uid || seen[uid] {
				t.Fatalf("%q gave %q", list, uids)
			}
			seen[uid] = true
		}
		if len(uids) == 0 || len(uids) > 10 {
			t.Fatalf("%q gave %d", list, len(uids))
		}
	})
}

func FuzzMatchOrigin(f *testing.F) {
	f.Add("https://app.example.com", "https://app.example.com")
	f.Add("*.example.com", "https://a.example.com:443")
	f.Add("[", "https://[::1]:80")
	f.Add("*", "null")
	f.Fuzz(func(t *testing.T, pattern, origin string) {
		r := &http.Request{Host: "own.example", Header: http.Header{"Origin": {origin}}}
		allowed := origins{pattern}.allow(r)
		u, err := url.Parse(origin)
		switch {
		case origin == "":
			if !allowed {
				t.Fatal("who is no browser was turned away")
			}
		case err != nil || u.Host == "":
			if allowed {
				t.Fatalf("%q was let in", origin)
			}
		case !strings.ContainsAny(pattern, `*?[\`) && !strings.EqualFold(u.Host, r.Host):
			if allowed && !strings.EqualFold(pattern, u.Host) && !strings.EqualFold(pattern, u.Scheme+"://"+u.Host) {
				t.Fatalf("%q let %q in", pattern, origin)
			}
		}
	})
}

func FuzzParseCursor(f *testing.F) {
	at := bridge.Cursor{Stream: 1_790_000_000_000_000_000, Seq: 48213}
	f.Add(cursor{at: at, from: at.Seq}.String())
	f.Add(cursor{at: at, from: 7}.String())
	f.Add("..")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s)
		if err == nil && (c.String() != s || c.from > c.at.Seq) {
			t.Fatalf("%q reads as %+v, which is %q", s, c, c.String())
		}
	})
}

func FuzzDecodeSetting(f *testing.F) {
	f.Add(`{"status":"1","ext":"busy"}`)
	f.Add(`{"status":1}`)
	f.Add(`{"status":"1"}{}`)
	f.Fuzz(func(t *testing.T, body string) {
		s, err := decodeSetting(strings.NewReader(body))
		var said *refusal
		switch {
		case err == nil && (s.Status == "" || !json.Valid([]byte(body))):
			t.Fatalf("%q was taken as %+v", body, s)
		case err != nil && (!errors.As(err, &said) || said.status != http.StatusBadRequest):
			t.Fatalf("%q: %v is no answer to a client", body, err)
		}
	})
}
