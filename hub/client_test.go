package hub

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/hub/contract/contracttest"
)

// client is a WebSocket client that reads whatever comes.
type client struct {
	t      testing.TB
	conn   *websocket.Conn
	frames chan frame
	err    error // why frames was closed
	ended  chan struct{}
	quit   context.CancelFunc
}

func (h *testHub) dial(options ...func(*websocket.DialOptions)) *client {
	h.t.Helper()
	c, err := h.tryDial(options...)
	require.NoError(h.t, err)
	return c
}

func (h *testHub) tryDial(options ...func(*websocket.DialOptions)) (*client, error) {
	conn, err := h.dialConn(options...)
	if err != nil {
		return nil, err
	}
	return newClient(h.t, conn), nil
}

func newClient(t testing.TB, conn *websocket.Conn) *client {
	ctx, cancel := context.WithCancel(context.Background())
	c := &client{t: t, conn: conn, frames: make(chan frame, 1024), ended: make(chan struct{}), quit: cancel}
	go c.read(ctx)
	t.Cleanup(c.hangUp)
	return c
}

// dialConn is for clients that do not read.
func (h *testHub) dialConn(options ...func(*websocket.DialOptions)) (*websocket.Conn, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	o := &websocket.DialOptions{Subprotocols: []string{Subprotocol}, HTTPHeader: http.Header{}, HTTPClient: &http.Client{Transport: transport}}
	for _, f := range options {
		f(o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(h.url, "http")+"/v1/ws", o)
	if err != nil {
		if response != nil {
			_ = response.Body.Close()
		}
		return nil, err
	}
	conn.SetReadLimit(-1)
	return conn, nil
}

func withToken(token string) func(*websocket.DialOptions) {
	return func(o *websocket.DialOptions) { o.HTTPHeader.Set("Authorization", "Bearer "+token) }
}

func (c *client) read(ctx context.Context) {
	defer close(c.ended)
	defer close(c.frames)
	for {
		_, data, err := c.conn.Read(ctx)
		if err != nil {
			c.err = err
			return
		}
		conforms(c.t, spoken().FromHub(data))
		var f frame
		if err := json.Unmarshal(data, &f); err != nil {
			c.err = err
			return
		}
		select {
		case c.frames <- f:
		case <-ctx.Done():
			return
		}
	}
}

func (c *client) hangUp() {
	c.quit()
	_ = c.conn.CloseNow()
	<-c.ended
}

// say sends anything: a string as it stands, else JSON.
func (c *client) say(v any) {
	c.t.Helper()
	text, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		require.NoError(c.t, err)
		text = string(data)
	}
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	_ = c.conn.Write(ctx, websocket.MessageText, []byte(text)) // the hub may have closed, which the answer tells
}

type fields map[string]any

func (c *client) subscribe(uids ...string) frame { return c.resume("", uids...) }

func (c *client) resume(since string, uids ...string) frame {
	c.t.Helper()
	c.say(fields{"type": "subscribe", "id": "s", "uids": uids, "since": since})
	return c.expect("subscribed")
}

// next is the next message that is not of the feed.
func (c *client) next() frame {
	c.t.Helper()
	for {
		if f := c.any(); f.Type != "feed" {
			return f
		}
	}
}

func (c *client) any() frame {
	c.t.Helper()
	select {
	case f, ok := <-c.frames:
		if !ok {
			require.NoError(c.t, c.err, "the hub closed")
		}
		return f
	case <-time.After(soon):
		require.Fail(c.t, "no message came")
		return frame{}
	}
}

func (c *client) expect(kind string) frame {
	c.t.Helper()
	f := c.next()
	require.Equal(c.t, kind, f.Type, "%+v", f)
	return f
}

// expectFeed waits for a message of the feed.
func (c *client) expectFeed(state bridge.FeedState) frame {
	c.t.Helper()
	f := c.any()
	require.Equal(c.t, "feed", f.Type, "%+v", f)
	require.Equal(c.t, state, f.State)
	return f
}

// expectNothing holds that the hub had nothing to say before it answers a ping.
func (c *client) expectNothing() {
	c.t.Helper()
	c.say(fields{"type": "ping", "id": "nothing"})
	require.Equal(c.t, "nothing", c.expect("pong").ID)
}

// expectClose passes over messages until the hub has closed, and returns the reason it gave.
func (c *client) expectClose(why closeCode) string {
	c.t.Helper()
	deadline := time.After(soon)
	for {
		select {
		case _, ok := <-c.frames:
			if ok {
				continue
			}
			var e websocket.CloseError
			require.ErrorAs(c.t, c.err, &e)
			require.Equal(c.t, why.code, e.Code, e.Reason)
			return e.Reason
		case <-deadline:
			require.Fail(c.t, "the hub did not close")
		}
	}
}

// event is one server-sent event, or a comment.
type event struct {
	name, id, data, comment string
}

// events is a client of server-sent events.
type events struct {
	t      testing.TB
	events chan event
	quit   context.CancelFunc
	ended  chan struct{}
}

func (h *testHub) events(query string, header http.Header) *events {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/v1/events?"+query, nil)
	require.NoError(h.t, err)
	for k, v := range header {
		r.Header[k] = v
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(h.t, err)
	require.Equal(h.t, http.StatusOK, response.StatusCode)
	require.Equal(h.t, "text/event-stream", response.Header.Get("Content-Type"))
	return newEvents(h.t, response, cancel)
}

func newEvents(t testing.TB, response *http.Response, cancel context.CancelFunc) *events {
	e := &events{t: t, events: make(chan event, 1024), quit: cancel, ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		defer close(e.events)
		defer func() { _ = response.Body.Close() }()
		e.read(bufio.NewScanner(response.Body))
	}()
	t.Cleanup(e.hangUp)
	return e
}

func (e *events) read(lines *bufio.Scanner) {
	lines.Buffer(nil, 1<<22)
	var now event
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case lines.Text() == "":
			if now.data != "" {
				conforms(e.t, spoken().FromHub([]byte(now.data)))
			}
			e.events <- now
			now = event{}
		case key == "":
			now.comment = value
		case key == "event":
			now.name = value
		case key == "id":
			now.id = value
		case key == "data":
			now.data = value
		}
	}
}

func (e *events) hangUp() {
	e.quit()
	<-e.ended
}

// expect is the next event, which is not of the feed.
func (e *events) expect(name string) (event, frame) {
	e.t.Helper()
	for {
		select {
		case got, ok := <-e.events:
			require.True(e.t, ok, "the hub ended the stream")
			if got.name == "feed" && name != "feed" {
				continue
			}
			require.Equal(e.t, name, got.name, "%+v", got)
			return got, decodeFrame(e.t, []byte(got.data))
		case <-time.After(soon):
			require.Fail(e.t, "no event came")
		}
	}
}

func (e *events) expectEnd() {
	e.t.Helper()
	select {
	case got, ok := <-e.events:
		require.False(e.t, ok, "%+v", got)
	case <-time.After(soon):
		require.Fail(e.t, "the stream did not end")
	}
}

// answer is an HTTP response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (h *testHub) ask(method, path, body string, header ...string) answer {
	h.t.Helper()
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	require.NoError(h.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 40 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	require.NoError(h.t, err)
	defer func() { _ = response.Body.Close() }()
	a := answer{status: response.StatusCode, header: response.Header}
	a.body, err = readAll(response)
	require.NoError(h.t, err)
	where, _, _ := strings.Cut(path, "?")
	conforms(h.t, spoken().Exchange(contracttest.Exchange{
		Method: method, Path: where, Asked: []byte(body), Status: a.status, Header: a.header, Said: a.body,
	}))
	return a
}

func readAll(r *http.Response) ([]byte, error) {
	var b strings.Builder
	_, err := bufio.NewReader(r.Body).WriteTo(&b)
	return []byte(b.String()), err
}

// code is the refusal's code.
func (a answer) code(t testing.TB) string {
	t.Helper()
	var r refusal
	require.NoError(t, json.Unmarshal(a.body, &r), "%s", a.body)
	require.NotEmpty(t, r.Message)
	return r.Code
}
