package hub

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func TestVerify(t *testing.T) {
	hour := time.Now().Add(time.Hour).Unix()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	confused := []byte("-----BEGIN PUBLIC KEY-----\nthe secret taken for a key\n-----END PUBLIC KEY-----")
	for _, c := range []struct {
		name, token string
		auth        Auth
		says        string // empty: it is good
	}{
		{"good", token(t, nil), hmacAuth, ""},
		{"sub may be missing", token(t, fields{"sub": nil}), hmacAuth, ""},
		{"nobody checks without authentication", "rubbish", Auth{None: true}, ""},
		{"other claims are others'", token(t, fields{"aud": "x", "role": 7}), hmacAuth, ""},

		{"none at all", "", hmacAuth, "there is none"},
		{"rubbish", "rubbish", hmacAuth, "no JWT"},
		{"expired", token(t, fields{"exp": time.Now().Unix() - 1}), hmacAuth, "expired"},
		{"no exp", token(t, fields{"exp": nil}), hmacAuth, "no exp"},
		{"exp in quotes", token(t, fields{"exp": "1790000000"}), hmacAuth, "its exp is of the wrong type"},
		{"exp is words", token(t, fields{"exp": "tomorrow"}), hmacAuth, "its exp"},
		{"exp beyond all time", token(t, fields{"exp": 1e300}), hmacAuth, "its exp"},
		{"not valid yet", token(t, fields{"nbf": hour}), hmacAuth, "not valid yet"},
		{"foreign secret", signed(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 40)), nil), hmacAuth, "not ours"},
		{"longer hash", signed(t, jwt.SigningMethodHS512, []byte(testSecret), nil), hmacAuth, "its alg"},
		{"alg none", signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), hmacAuth, "its alg"},
		{"RS256 by somebody", signed(t, jwt.SigningMethodRS256, rsaKey, nil), hmacAuth, "its alg"},
		{"RS256 said, signed with the secret", renamed(signed(t, jwt.SigningMethodHS256, confused, nil), "RS256"), Auth{HMACSecret: confused}, "its alg"},
		{"signature cut off", cutSignature(token(t, nil)), hmacAuth, "not ours"},
		{"sub is a number", token(t, fields{"sub": 7}), hmacAuth, "its sub"},
		{"sub is no uid", token(t, fields{"sub": "not a uid"}), hmacAuth, "its sub"},
		{"watch is a number", token(t, fields{"watch": 7}), hmacAuth, "its watch"},
		{"watch lists numbers", token(t, fields{"watch": []int{7}}), hmacAuth, "its watch"},
		{"set is text", token(t, fields{"set": "true"}), hmacAuth, "its set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.auth.verify(c.token)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, errToken)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), testSecret)
		})
	}
}

// renamed is a token whose header names another algorithm.
func renamed(token, alg string) string {
	_, rest, _ := strings.Cut(token, ".")
	return encodePart(`{"alg":"`+alg+`","typ":"JWT"}`) + "." + rest
}

func encodePart(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func cutSignature(token string) string { return token[:strings.LastIndex(token, ".")+1] }

func TestMayWatch(t *testing.T) {
	for _, c := range []struct {
		watch any
		yes   []bridge.UID
		no    []bridge.UID
	}{
		{"*", []bridge.UID{"a", "z.z"}, nil},
		{"team-*", []bridge.UID{"team-", "team-7"}, []bridge.UID{"team", "a-team-7"}},
		{[]string{"Alice", "b*"}, []bridge.UID{"alice", "b", "bob"}, []bridge.UID{"alice2", "a", "carol"}},
		{"a*b*", nil, []bridge.UID{"ab", "a"}},
		{"", nil, []bridge.UID{"a"}},
		{nil, nil, []bridge.UID{"a", "me"}},
		{[]string{}, nil, []bridge.UID{"a"}},
	} {
		g, err := hmacAuth.verify(token(t, fields{"watch": c.watch}))
		require.NoError(t, err)
		for _, uid := range c.yes {
			require.True(t, g.mayWatch(uid), "%v: %s", c.watch, uid)
		}
		for _, uid := range c.no {
			require.False(t, g.mayWatch(uid), "%v: %s", c.watch, uid)
		}
	}
}

func TestMaySet(t *testing.T) {
	for _, c := range []struct {
		claims fields
		uid    bridge.UID
		may    bool
	}{
		{fields{"set": true}, "me", true},
		{fields{"set": true, "sub": "ME"}, "me", true},
		{fields{"set": true}, "you", false},
		{fields{"set": true, "sub": nil}, "you", false},
		{fields{"set": true, "sub": nil}, "", false},
		{fields{"set": false}, "me", false},
		{fields{}, "me", false},
	} {
		g, err := hmacAuth.verify(token(t, c.claims))
		require.NoError(t, err)
		require.Equal(t, c.may, g.maySet(c.uid), "%v sets %s", c.claims, c.uid)
	}
}

func TestAuthValidate(t *testing.T) {
	require.NoError(t, hmacAuth.Validate())
	require.NoError(t, Auth{None: true}.Validate())
	require.ErrorContains(t, Auth{}.Validate(), "nobody could come in")
	require.ErrorContains(t, Auth{None: true, HMACSecret: []byte(testSecret)}.Validate(), "contradict")
	require.ErrorContains(t, Auth{HMACSecret: []byte("short")}.Validate(), "at least 32")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", hmacAuth, hmacAuth, hmacAuth, hmacAuth), testSecret)
}

// TestWhereTheTokenIs tries the three places, and that nothing else is let in.
func TestWhereTheTokenIs(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Auth = hmacAuth })
	good, bad := token(t, nil), token(t, fields{"exp": 1})
	for _, c := range []*client{h.dial(withToken(good)), h.dial(inProtocol(good))} {
		require.Equal(t, bridge.UID("me"), c.expect("welcome").UID)
		require.Equal(t, Subprotocol, c.conn.Subprotocol())
	}
	c := h.dial()
	c.say(fields{"type": "auth", "token": good})
	require.Equal(t, bridge.UID("me"), c.expect("welcome").UID)

	require.Contains(t, h.dial(withToken(bad)).expectClose(closeToken), "expired")
	h.dial(inProtocol(bad)).expectClose(closeToken)
	c = h.dial()
	c.say(fields{"type": "auth", "token": bad})
	c.expectClose(closeToken)

	for _, path := range []string{"/v1/events?uids=a", "/v1/presence?uids=a"} {
		require.Equal(t, http.StatusUnauthorized, h.ask("GET", path, "").status)
		require.Equal(t, "token", h.ask("GET", path, "", "Authorization", "Bearer "+bad).code(t))
		for _, name := range []string{"token", "access_token", "bearer"} {
			require.Equal(t, "token", h.ask("GET", path+"&"+name+"="+good, "").code(t), "addresses are logged everywhere")
		}
	}
	require.Equal(t, http.StatusOK, h.ask("GET", "/v1/presence?uids=a", "", "Authorization", "bearer "+good).status)
	require.Equal(t, http.StatusUnauthorized, h.ask("PUT", "/v1/presence/me/web", `{"status":"1"}`).status)

	h.stop()
	for _, secret := range []string{testSecret, good, bad, good[strings.LastIndex(good, "."):]} {
		require.NotContains(t, h.logged.String(), secret)
	}
}

// TestForeignSubprotocol: who does not speak ours is told before the upgrade.
func TestForeignSubprotocol(t *testing.T) {
	h := newWorld(t).hub()
	_, err := h.tryDial(func(o *websocket.DialOptions) { o.Subprotocols = []string{"presence.v9"} })
	require.ErrorContains(t, err, "400")
	c := h.dial(func(o *websocket.DialOptions) { o.Subprotocols = nil })
	c.expect("welcome")
}

func TestNoTokenInTime(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth = hmacAuth }, func(t *testing.T, h *bubbleHub) {
		begun := time.Now()
		c := h.dial()
		require.Contains(t, c.expectClose(closeToken), "in time")
		require.Equal(t, authWithin, time.Since(begun))
	})
}

// TestTheFirstMessageIsAuth: whoever asks for anything before has the socket closed, without an answer.
func TestTheFirstMessageIsAuth(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth = hmacAuth }, func(t *testing.T, h *bubbleHub) {
		for _, says := range []fields{
			{"type": "ping"}, {"type": "subscribe", "uids": []string{"a"}}, {"type": "unsubscribe", "uids": []string{"a"}},
			{"type": "set", "resource": "web", "status": "1"},
		} {
			c := h.dial()
			c.say(says)
			<-c.ended
			require.Equal(t, closeToken.code, websocket.CloseStatus(c.err), says)
			require.Empty(t, c.frames, says)
		}
	})
}

// TestATokenAtTheLastMoment: the end of the token before may have begun to be told.
func TestATokenAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := quietHub(t, func(c *Config) { c.Auth = hmacAuth })
		s := greeted(t, h, grant{})
		until := func(d time.Duration) *time.Timer {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.expireAt(s, time.Now().Add(d))
			return s.expiry
		}
		before := until(time.Second)
		until(time.Minute)
		require.False(t, before.Stop(), "it is stopped")
		h.expire(s)
		require.False(t, h.ending(s))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.True(t, h.ending(s))
		last := until(time.Minute)
		h.exit(s)
		require.False(t, last.Stop(), "it is stopped, and holds nothing")
	})
}

// TestATokenIsNeverRenewed: a socket ends with the token that opened it, wherever that was shown.
func TestATokenIsNeverRenewed(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth = hmacAuth }, func(t *testing.T, h *bubbleHub) {
		for _, inHeader := range []bool{true, false} {
			begun := time.Now()
			mine := token(t, fields{"exp": begun.Add(time.Minute).Unix()})
			var c *client
			if inHeader {
				c = h.dial(withToken(mine))
			} else {
				c = h.dial()
				c.say(fields{"type": "auth", "token": mine})
			}
			c.expect("welcome")
			select {
			case <-c.ended:
			case <-time.After(time.Hour):
				require.Fail(t, "it outlives its token")
			}
			require.Equal(t, closeToken.code, websocket.CloseStatus(c.err))
			require.Equal(t, time.Minute, time.Since(begun))
		}
	})
}

func TestTokenExpires(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth = hmacAuth }, func(t *testing.T, h *bubbleHub) {
		begun := time.Now()
		c := h.dial(withToken(token(t, fields{"exp": begun.Add(time.Minute).Unix()})))
		c.expect("welcome")
		c.subscribe("a")
		time.Sleep(30 * time.Second)
		c.say(fields{"type": "auth", "id": "r", "token": token(t, fields{"exp": begun.Add(2 * time.Minute).Unix()})})
		require.Equal(t, "r", c.expect("ok").ID)
		time.Sleep(time.Minute) // past the first token's end
		c.expectNothing()
		for f := range c.frames { // silence, until the second token's end
			require.Fail(t, "unexpected", "%+v", f)
		}
		require.Equal(t, closeToken.code, websocket.CloseStatus(c.err))
		require.Equal(t, 2*time.Minute, time.Since(begun))
	})
}

// TestStreamTokenExpires: an event stream ends with its token too.
func TestStreamTokenExpires(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth = hmacAuth }, func(t *testing.T, h *bubbleHub) {
		begun := time.Now()
		r, _ := http.NewRequest(http.MethodGet, "http://hub/v1/events?uids=a", nil)
		r.Header.Set("Authorization", "Bearer "+token(t, fields{"exp": begun.Add(20 * time.Second).Unix()}))
		response, err := h.http().Do(r)
		require.NoError(t, err)
		_, err = readAll(response)
		require.NoError(t, err)
		_ = response.Body.Close()
		require.Equal(t, 20*time.Second, time.Since(begun))
		synctest.Wait()
		require.Zero(t, h.sessions.len())
	})
}

func TestRenew(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	h := w.hub(func(c *Config) { c.Auth = hmacAuth })
	h.hears(bridge.FeedLive)
	w.look.see("a", online("1"))
	w.look.see("b", online("1"))
	h.follows(w.look)
	c := h.dial(withToken(token(t, nil)))
	c.expect("welcome")
	c.subscribe("a", "b")

	// Fewer rights: what is lost is told, and dropped.
	c.say(fields{"type": "auth", "id": "r", "token": token(t, fields{"watch": []string{"a"}})})
	lost := c.expect("subscribed")
	require.Equal(t, []bridge.UID{"b"}, lost.Denied)
	require.Empty(t, lost.Presences)
	require.Equal(t, "r", c.expect("ok").ID)
	w.look.see("b", online("2"))
	w.look.see("a", online("2"))
	require.Equal(t, map[bridge.UID]string{"a": "2"}, c.expect("changes").exts())
	require.Equal(t, []bridge.UID{"b"}, c.subscribe("b").Denied)

	// More rights: they count from now on.
	c.say(fields{"type": "auth", "token": token(t, nil)})
	c.expect("ok")
	require.Equal(t, map[bridge.UID]string{"b": "2"}, c.subscribe("b").exts())

	c.say(fields{"type": "auth", "token": token(t, fields{"sub": "you"})})
	c.expectClose(closeNotAllowed)

	// A bad token is no renewal.
	c = h.dial(withToken(token(t, nil)))
	c.expect("welcome")
	c.say(fields{"type": "auth", "token": token(t, fields{"exp": 1})})
	c.expectClose(closeToken)
}
