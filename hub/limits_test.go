package hub

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func names(from, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("u%05d", from+i)
	}
	return list
}

func TestTooManyUIDs(t *testing.T) {
	h := newWorld(t).hub()
	c := h.dial()
	require.Equal(t, 1000, c.expect("welcome").Limits.MaxUIDs)
	refused := func(uids []string) {
		t.Helper()
		c.say(fields{"type": "subscribe", "id": "7", "uids": uids})
		e := c.expect("error")
		require.Equal(t, "too_many_uids", e.Code)
		require.Equal(t, "7", e.ID)
	}
	refused(names(0, 1001))
	refused(slices.Repeat(names(0, 1), 1001)) // before they are looked at
	require.False(t, h.watches("u00000"))
	c.subscribe(names(0, 600)...)
	refused(names(600, 401))
	require.False(t, h.watches("u00600"))
	c.subscribe(names(200, 800)...) // 1,000 altogether
	c.say(fields{"type": "unsubscribe", "uids": names(0, 1)})
	c.expect("ok")
	c.subscribe(names(1000, 1)...)
	require.Equal(t, "too_many_uids", h.ask("GET", "/v1/presence?uids="+strings.Join(names(0, 1001), ","), "").code(t))
}

func TestLimitsPerSubject(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) {
		c.Auth = hmacAuth
		c.Limits = Limits{MaxConnectionsPerSubject: 2, MaxUIDsPerSubject: 10}
	})
	mine, other := token(t, nil), token(t, fields{"sub": "other"})
	a, b := h.dial(withToken(mine)), h.dial(withToken(mine))
	a.expect("welcome")
	b.expect("welcome")
	h.dial(withToken(mine)).expectClose(closeOverALimit)
	got := h.ask("GET", "/v1/events?uids=a", "", "Authorization", "Bearer "+mine)
	require.Equal(t, http.StatusTooManyRequests, got.status)
	require.Equal(t, "over_a_limit", got.code(t))

	// All connections of a subject count together, and so does what single requests have asked for.
	a.subscribe(names(0, 6)...)
	b.say(fields{"type": "subscribe", "uids": names(10, 5)})
	require.Equal(t, "too_many_uids", b.expect("error").Code)
	b.subscribe(names(10, 2)...)
	bearer := "Bearer " + mine
	require.Equal(t, http.StatusOK, h.ask("GET", "/v1/presence?uids=x,y", "", "Authorization", bearer).status)
	require.Equal(t, http.StatusOK, h.ask("GET", "/v1/presence?uids=x,y", "", "Authorization", bearer).status)
	require.Equal(t, "too_many_uids", h.ask("GET", "/v1/presence?uids=z", "", "Authorization", bearer).code(t))
	a.say(fields{"type": "subscribe", "uids": []string{"z"}})
	require.Equal(t, "too_many_uids", a.expect("error").Code)

	// Others are not concerned, and room is made by whoever goes.
	c := h.dial(withToken(other))
	c.expect("welcome")
	c.subscribe(names(0, 10)...)
	a.hangUp()
	h.until(func() bool { return h.subjects["me"].connections == 1 && h.subjects["me"].uids == 2 })
	b.subscribe(names(20, 6)...)
	d := h.dial(withToken(mine))
	d.expect("welcome")
	b.hangUp()
	c.hangUp()
	d.hangUp()
	h.until(func() bool { return h.subjects["other"] == nil && h.subjects["me"].connections == 0 })
	require.Equal(t, 0, h.subjects["me"].uids)
}

func TestMessagesPerSecond(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Limits.MaxMessagesPerSecond = 5 })
	c := h.dial()
	c.expect("welcome")
	for range 20 {
		c.say(fields{"type": "ping"})
	}
	c.expectClose(closeOverALimit)
}

// TestTooLarge: the close code arrives, whatever of the message is still on its way.
func TestTooLarge(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Limits.MaxMessageBytes = 1000 })
	for _, size := range []int{1001, 5000, 100_000, 4_000_000} {
		for range 5 {
			c := h.dial()
			c.expect("welcome")
			c.say(`{"type":"ping"` + strings.Repeat(" ", size-15) + `}`)
			c.expectClose(closeTooLarge)
		}
	}
	c := h.dial()
	c.expect("welcome")
	c.say(`{"type":"ping"` + strings.Repeat(" ", 1000-15) + `}`)
	c.expect("pong")
}

// TestTooLargeFromOneWhoReadsLater: a connection that is closed with unread data beneath it is reset, and a
// reset takes the close frame along. So the hub reads on until the peer has answered.
func TestTooLargeFromOneWhoReadsLater(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Limits.MaxMessageBytes = 1000 })
	conn, err := h.dialConn()
	require.NoError(t, err)
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	require.NoError(t, conn.Write(ctx, websocket.MessageText, make([]byte, 4_000_000)))
	for err == nil {
		_, _, err = conn.Read(ctx)
	}
	require.Equal(t, closeTooLarge.code, websocket.CloseStatus(err), "%v", err)
}

func TestMaxConnections(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Limits.MaxConnections = 2 })
	c := h.dial()
	c.expect("welcome")
	e := h.events("uids=a", nil)
	e.expect("welcome")
	_, err := h.tryDial()
	require.ErrorContains(t, err, "503")
	require.Equal(t, "too_many_connections", h.ask("GET", "/v1/events?uids=a", "").code(t))
	c.hangUp()
	h.until(func() bool { return h.sessions.len() == 1 })
	h.dial().expect("welcome")
}

func TestBadMessages(t *testing.T) {
	h := newWorld(t).hub()
	for _, m := range []struct {
		text, code, id string
	}{
		{`{"type":"subscribe","id":"1","uids":["ok",""]}`, "bad_uid", "1"},
		{`{"type":"subscribe","id":"1","uids":["ok","` + strings.Repeat("x", bridge.MaxUIDBytes+1) + `"]}`, "bad_uid", "1"},
		{`{"type":"subscribe","id":"1","uids":["ok","a b"]}`, "bad_uid", "1"},
		{`{"type":"subscribe","id":"1","uids":["ok","a*"]}`, "bad_uid", "1"},
		{`{"type":"subscribe","id":"1","uids":["ok","ü"]}`, "bad_uid", "1"},
		{`{"type":"subscribe","id":"1","uids":[]}`, "bad_message", "1"},
		{`{"type":"subscribe","id":"1"}`, "bad_message", "1"},
		{`{"type":"subscribe","id":"1","uids":"ok"}`, "bad_message", "1"},
		{`{"type":"subscribe","uids":[7],"id":"1"}`, "bad_message", "1"},
		{`{"type":"subscribe","id":7,"uids":["ok"]}`, "bad_message", ""},
		{`{"type":"subscribe","id":"` + strings.Repeat("x", 65) + `","uids":["ok"]}`, "bad_message", ""},
		{`{"type":7,"id":"1"}`, "bad_message", "1"},
		{`{"type":"set","id":"1","resource":"web"}`, "bad_message", "1"},
		{`{"type":"set","id":"1","status":"1"}`, "bad_message", "1"},
		{`{"type":"set","id":"1","resource":"web","status":1}`, "bad_message", "1"},
		{`{"type":"auth","id":"1"}`, "bad_message", "1"},
		{`{"type":"dance","id":"1"}`, "unknown_type", "1"},
		{`{"id":"1"}`, "unknown_type", "1"},
		{`{}`, "unknown_type", ""},
	} {
		c := h.dial()
		c.expect("welcome")
		c.say(m.text)
		e := c.expect("error")
		require.Equal(t, m.code, e.Code, m.text)
		require.Equal(t, m.id, e.ID, m.text)
		require.NotEmpty(t, e.Message)
		c.expectNothing()
		c.hangUp()
	}
	require.False(t, h.watches("ok"))

	for _, text := range []string{``, `rubbish`, `{"type":"ping"`, `{"type":"ping"} {}`, "{\"type\":\"p\xffng\"}"} {
		c := h.dial()
		c.expect("welcome")
		c.say(text)
		c.expectClose(closeProtocol)
	}
	c := h.dial()
	c.expect("welcome")
	require.NoError(t, c.conn.Write(context.Background(), websocket.MessageBinary, []byte(`{"type":"ping"}`)))
	c.expectClose(closeProtocol)
}

func TestLimitsValidate(t *testing.T) {
	require.NoError(t, Limits{}.Validate())
	err := Limits{MaxConnections: -1, MaxConnectionsPerSubject: -1, MaxUIDsPerConnection: -1, MaxUIDsPerSubject: -1,
		MaxMessagesPerSecond: -1, MaxMessageBytes: 255}.Validate()
	for _, name := range []string{"MAX_CONNECTIONS ", "MAX_CONNECTIONS_PER_SUBJECT", "MAX_UIDS_PER_CONNECTION",
		"MAX_UIDS_PER_SUBJECT", "MAX_MESSAGES_PER_SECOND", "MAX_MESSAGE_BYTES"} {
		require.ErrorContains(t, err, name)
	}
}
