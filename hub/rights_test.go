package hub

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestRightsAtEveryDoor: a token covers the users that it names, and no others, by whichever door its holder comes.
func TestRightsAtEveryDoor(t *testing.T) {
	v := &vendor{}
	h := newWorld(t).hub(func(c *Config) { c.Auth, c.Vendor = hmacAuth, v })
	covers := []bridge.UID{"alice", "team-", "team-7"}
	not := []bridge.UID{"alice2", "bob", "team"}
	all := "alice,alice2,bob,team,team-,team-7"
	mine := token(t, fields{"watch": []string{"Alice", "team-*"}, "set": true})
	nobodys := token(t, fields{"sub": nil, "watch": []string{"Alice", "team-*"}, "set": true})
	seesOnly := token(t, fields{"set": false})
	told := func(f frame) {
		t.Helper()
		require.Equal(t, not, f.Denied)
		require.ElementsMatch(t, covers, f.Pending)
		require.Empty(t, f.Presences)
	}
	for _, token := range []string{mine, nobodys} {
		c := h.dial(withToken(token))
		c.expect("welcome")
		told(c.subscribe(strings.Split(all, ",")...))
		e := h.events("uids="+all, http.Header{"Authorization": {"Bearer " + token}})
		_, _ = e.expect("welcome")
		_, f := e.expect("subscribed")
		told(f)
		told(decodeFrame(t, h.ask("GET", "/v1/presence?uids="+all, "", "Authorization", "Bearer "+token).body))
	}
	for _, uid := range not {
		require.False(t, h.watches(uid), uid)
	}

	for token, want := range map[string]string{mine: "ok", nobodys: "no_subject", seesOnly: "not_allowed"} {
		c := h.dial(withToken(token))
		c.expect("welcome")
		c.say(fields{"type": "set", "resource": "web", "status": "1"})
		f := c.next()
		require.Equal(t, want, map[bool]string{true: f.Type, false: f.Code}[f.Type == "ok"])
	}
	for _, c := range []struct {
		token, uid string
		status     int
	}{
		{mine, "me", http.StatusOK}, {mine, "ME", http.StatusOK}, {mine, "alice", http.StatusForbidden},
		{nobodys, "me", http.StatusForbidden}, {nobodys, "alice", http.StatusForbidden}, {seesOnly, "me", http.StatusForbidden},
	} {
		got := h.ask("PUT", "/v1/presence/"+c.uid+"/web", `{"status":"1"}`, "Authorization", "Bearer "+c.token)
		require.Equal(t, c.status, got.status, "%s: %s", c.uid, got.body)
	}
}

// TestRenewalStopsAtOnce: whom the new token no longer covers is told as denied before the ok, and has no change after
// it, however much happens meanwhile; whom it still covers misses nothing.
func TestRenewalStopsAtOnce(t *testing.T) {
	h := serveQuiet(t, quietHub(t, func(c *Config) { c.Auth, c.Limits.MaxMessagesPerSecond = hmacAuth, 10_000 }))
	h.hear(live())
	var seq atomic.Uint64
	happens := func(uid bridge.UID) string {
		n := seq.Add(1)
		h.Apply(entry(n, uid, online(fmt.Sprint(n)), "ext"))
		return fmt.Sprint(n)
	}
	happens("kept")
	happens("lost")
	c := h.dial(withToken(token(t, nil)))
	c.expect("welcome")
	for range 20 {
		require.Empty(t, c.subscribe("kept", "lost").Denied)
		quit, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-quit:
					return
				default:
					happens("lost")
				}
			}
		}()
		c.say(fields{"type": "auth", "id": "fewer", "token": token(t, fields{"watch": "kept"})})
		denied := c.untilAnswer("subscribed")
		require.Equal(t, []bridge.UID{"lost"}, denied.Denied)
		require.Empty(t, denied.Presences)
		require.NotEmpty(t, denied.Cursor)
		require.Equal(t, "fewer", c.expect("ok").ID)
		close(quit)
		<-done
		require.Equal(t, map[bridge.UID]string{"kept": happens("kept")}, c.expect("changes").exts())
		require.Equal(t, []bridge.UID{"lost"}, c.subscribe("lost").Denied)

		c.say(fields{"type": "auth", "id": "more", "token": token(t, nil)})
		require.Equal(t, "more", c.expect("ok").ID)
		c.expectNothing() // nobody is watched again unasked
	}
}

// untilAnswer passes over changes.
func (c *client) untilAnswer(kind string) frame {
	c.t.Helper()
	for {
		if f := c.next(); f.Type != "changes" {
			require.Equal(c.t, kind, f.Type, "%+v", f)
			return f
		}
	}
}

// TestRenewalByAnother: a socket belongs to whoever opened it.
func TestRenewalByAnother(t *testing.T) {
	h := serveQuiet(t, quietHub(t, func(c *Config) { c.Auth = hmacAuth }))
	for _, c := range []struct{ first, then fields }{
		{nil, fields{"sub": "you"}}, {nil, fields{"sub": nil}}, {fields{"sub": nil}, nil},
	} {
		socket := h.dial(withToken(token(t, c.first)))
		socket.expect("welcome")
		socket.say(fields{"type": "auth", "token": token(t, c.then)})
		require.Contains(t, socket.expectClose(closeNotAllowed), "another user's")
	}
	socket := h.dial(withToken(token(t, fields{"sub": "Me"})))
	socket.expect("welcome")
	socket.say(fields{"type": "auth", "token": token(t, nil)})
	socket.expect("ok")
}

// TestTokensAreNeverLogged shows tokens, good and bad, at all the places where they belong and at many where they do
// not. Everything that is logged is caught, at the level debug.
func TestTokensAreNeverLogged(t *testing.T) {
	e := &publisher{t: t}
	e.publishes(signers()...)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	h := newWorld(t).hub(func(c *Config) { c.Auth, c.Vendor = Auth{JWKSURL: server.URL}, &vendor{}; c.CallbackSecret = "x" })
	before := slog.Default()
	slog.SetDefault(h.logged.logger()) // whoever has no logger of ours
	t.Cleanup(func() { slog.SetDefault(before) })

	good, unknown := signers()[2].sign(t, fields{"set": true}), newEd("unknown").sign(t, nil)
	expired := signers()[2].sign(t, fields{"exp": 1})
	tokens := []string{good, unknown, expired, "hush-junk", cutSignature(good) + "hush"}
	for _, token := range tokens {
		for _, w := range ways {
			w.show(h, good, token)
		}
		h.showElsewhere(token)
	}
	h.stop()
	log := h.logged.String()
	require.Contains(t, log, "another origin", "something is logged")
	require.Contains(t, log, "callback", "of each door that has something to say")
	for _, token := range tokens {
		for part := range strings.SplitSeq(token, ".") {
			if part != strings.Split(good, ".")[0] || !strings.Contains(token, ".") {
				require.NotContains(t, log, part)
			}
		}
	}
	require.NotContains(t, log, "bearer.")
}

// showElsewhere shows a token where it does not belong.
func (h *testHub) showElsewhere(token string) {
	escaped := url.QueryEscape(token)
	for _, path := range []string{
		"/v1/ws?token=", "/v1/ws?access_token=", "/v1/events?uids=a&access_token=", "/v1/presence?uids=a&token=", "/v1/presence?uids=",
		"/v1/presence?uids=a&wait=", "/v1/presence/me/", "/no/such?token=", "/readyz?token=", "/",
	} {
		h.ask("GET", path+escaped, "")
	}
	h.ask("PUT", "/v1/presence/me/"+escaped, `{"status":"1"}`, "Authorization", "Bearer "+token)
	h.ask("PUT", "/v1/presence/me/web", `{"token":"`+token+`"}`, "Authorization", "Bearer "+token)
	h.ask("GET", "/v1/presence?uids=a", "", "Authorization", "Basic "+token)
	h.ask("GET", "/v1/presence?uids=a", "", "Authorization", "Bearer "+token, "Origin", "https://evil.example")
	h.ask("POST", CallbackPath, `{"token":"`+token+`"}`, "Authorization", "Bearer "+token)
	_, _ = h.tryDial(func(o *websocket.DialOptions) { o.Subprotocols = []string{"presence.v9", "bearer." + token} })
	for _, message := range []string{`{"type":"auth","token":["%s"]}`, `{"type":"auth","id":"%s"}`, `{"type":"%s"}`, `{"token":"%s"`, `%s`} {
		c := h.dial()
		c.say(fmt.Sprintf(message, token))
		c.hangUp()
	}
	h.sayRaw("GET /v1/ws?token=" + token + " HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer " + token + "\r\nno header " + token + "\r\n\r\n")
	h.sayRaw("GET /" + token + " HTTP/7.7\r\n\r\n")
	h.sayRaw("GET /v1/ws HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Protocol: bearer." + token + "\r\n\r\n")
}

// sayRaw says what no client would, and waits for the hub to hang up.
func (h *testHub) sayRaw(text string) {
	h.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	require.NoError(h.t, err)
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(soon))
	_, err = io.WriteString(c, text)
	require.NoError(h.t, err)
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}
