package hub

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// FuzzClaims is of what tokens say that are signed: FuzzToken hardly ever gets so far.
func FuzzClaims(f *testing.F) {
	for _, s := range []string{
		`{"sub":"me","exp":9999999999,"watch":["a","b*"],"set":true}`, `{"exp":1,"watch":"*"}`, `{"sub":"Not A UID","exp":9999999999}`,
		`{"exp":9999999999,"watch":[7]}`, `{"exp":1e300,"watch":null}`, `{"exp":9999999999,"watch":["","**","a**"]}`, `{"sub":7}`, `[]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, raw(body)).SignedString([]byte(testSecret))
		if err != nil {
			return // not JSON: nobody can have signed it so
		}
		g, err := hmacAuth.verify(token)
		var said struct {
			Sub   any
			Watch any
			Set   any
		}
		_ = json.Unmarshal([]byte(body), &said)
		switch {
		case err != nil:
			if refusalOf(err).status != 401 {
				t.Fatalf("%q: %v is no answer", body, err)
			}
		case g.key == "" || g.open || g.expires.Before(time.Now()):
			t.Fatalf("%q gave %+v", body, g)
		case g.mayWatch("nobody") && said.Watch == nil, g.set && said.Set == nil, g.subject != "" && said.Sub == nil:
			t.Fatalf("%q: no claim, no right: %+v", body, g)
		}
	})
}

// raw are claims as they stand.
type raw string

func (r raw) MarshalJSON() ([]byte, error)                     { return []byte(r), nil }
func (raw) GetExpirationTime() (n *jwt.NumericDate, err error) { return nil, nil }
func (raw) GetNotBefore() (n *jwt.NumericDate, err error)      { return nil, nil }
func (raw) GetIssuedAt() (n *jwt.NumericDate, err error)       { return nil, nil }
func (raw) GetAudience() (jwt.ClaimStrings, error)             { return nil, nil }
func (raw) GetIssuer() (string, error)                         { return "", nil }
func (raw) GetSubject() (string, error)                        { return "", nil }

func FuzzParseTTL(f *testing.F) {
	for _, s := range []string{"", "10m", "1ns", "-1h", "24h", "1e9h", "9999999h", "NaN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseTTL(s)
		if err == nil && (d < bridge.MinLease || d > bridge.MaxLease) || err != nil && (d != 0 || refusalOf(err).status != 400) {
			t.Fatalf("%q is %s, %v", s, d, err)
		}
	})
}

// FuzzSocket has a client send any bytes on an open socket. What the hub answers is in order to the last frame, it lets
// the client go, and nothing has panicked.
func FuzzSocket(f *testing.F) {
	for _, c := range wireCases() {
		if len(c.send) < 4096 {
			f.Add([]byte(c.send))
		}
	}
	log := &logged{}
	pipes, hub := newPipes(), quietHub(f, func(c *Config) { c.Logger = log.logger() })
	hub.hear(live())
	running(f, func(ctx context.Context) error { return hub.Serve(ctx, pipes) })
	f.Fuzz(func(t *testing.T, data []byte) {
		all := handshake() + string(data) + masked(fin|opClose, closeWith(1000, ""))
		here, there := net.Pipe()
		pipes.conns <- &ending{there, len(all)}
		w := newWire(t, here)
		defer here.Close()
		go w.send(all) // until the hub has read it, or ends
		require.Equal(t, http.StatusSwitchingProtocols, w.answer().StatusCode)
		heard := w.hearsUntil("ends")
		for i, words := range heard[:len(heard)-1] {
			if strings.HasPrefix(words, "closes") && i != len(heard)-2 {
				t.Fatalf("%q: something after the goodbye: %v", data, heard)
			}
		}
		if strings.Contains(log.String(), "panic") {
			t.Fatalf("%q: %s", data, log)
		}
	})
}

// ending is the hub's end of a connection whose client says so much and no more.
type ending struct {
	net.Conn
	left int
}

func (e *ending) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.Conn.Read(p[:min(len(p), e.left)])
	e.left -= n
	return n, err
}
