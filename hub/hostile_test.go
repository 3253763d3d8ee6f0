package hub

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// hostileHub is one with little room, whose refusals are counted.
func hostileHub(t *testing.T, change ...func(*Config)) (*testHub, *prometheus.Registry) {
	t.Helper()
	metrics := prometheus.NewRegistry()
	all := append([]func(*Config){withCallbacks, func(c *Config) {
		c.Auth, c.Registerer = hmacAuth, metrics
		c.AllowedOrigins = []string{"https://app.example.com"}
		c.Limits = Limits{MaxConnections: 8, MaxConnectionsPerSubject: 2, MaxUIDsPerConnection: 3}
	}}, change...)
	return newWorld(t).hub(all...), metrics
}

// bearing is a header line with a good token.
func bearing(t *testing.T, sub string) string {
	return "Authorization: Bearer " + token(t, fields{"sub": sub, "watch": "*"})
}

// request is one in raw bytes.
func request(line, body string, header ...string) string {
	head := append([]string{line + " HTTP/1.1", "Host: hub", "Connection: close", fmt.Sprintf("Content-Length: %d", len(body))}, header...)
	return strings.Join(head, "\r\n") + "\r\n\r\n" + body
}

// TestRefusals has clients that ask for what there is not, or in a way that there is not. Each gets its status, where
// HTTP leaves room for one, and is counted once under the hub's word for it; somebody else goes on.
func TestRefusals(t *testing.T) {
	h, metrics := hostileHub(t, func(c *Config) { c.Limits.MaxMessagesPerSecond = 1000 })
	honest := h.dial(withToken(token(t, fields{"sub": "honest", "watch": "*"})))
	honest.expect("welcome")
	me, many := bearing(t, "me"), strings.Repeat("x", 1<<20)
	ws := func(old, new string) string { return strings.Replace(handshake(me), old, new, 1) }
	for _, c := range []struct {
		name, send string
		status     int
		reason     string
		header     [2]string
	}{
		{name: "HTTP/1.0", send: ws("HTTP/1.1", "HTTP/1.0"), status: 426, reason: "handshake"},
		{name: "an old version", send: ws("Version: 13", "Version: 8"), status: 400, reason: "handshake", header: [2]string{"Sec-WebSocket-Version", "13"}},
		{name: "no version", send: ws("Sec-WebSocket-Version: 13\r\n", ""), status: 400, reason: "handshake"},
		{name: "no key", send: ws("Sec-WebSocket-Key", "X-Key"), status: 400, reason: "handshake"},
		{name: "a short key", send: ws("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: YQ==\r\nX: "), status: 400, reason: "handshake"},
		{name: "two keys", send: ws("Sec-WebSocket-Key", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Key"), status: 400, reason: "handshake"},
		{name: "no upgrade", send: ws("Upgrade: websocket\r\n", ""), status: 426, reason: "handshake", header: [2]string{"Upgrade", "websocket"}},
		{name: "an upgrade to something else", send: ws("Upgrade: websocket", "Upgrade: h2c"), status: 426, reason: "handshake"},
		{name: "no connection", send: ws("Connection: Upgrade\r\n", ""), status: 426, reason: "handshake"},
		{name: "another protocol", send: ws("Host:", "Sec-WebSocket-Protocol: chat\r\nHost:"), status: 400, reason: "subprotocol"},

		{name: "a foreign page", send: ws("Host:", "Origin: http://evil.example\r\nHost:"), status: 403, reason: "origin_not_allowed"},
		{name: "a foreign name for the hub", send: ws("Host: hub", "Origin: http://evil.example\r\nHost: evil.example"), status: 403, reason: "origin_not_allowed"},
		{name: "a page of the sandbox", send: ws("Host:", "Origin: null\r\nHost:"), status: 403, reason: "origin_not_allowed"},
		{name: "a foreign page with the wrong method", send: request("DELETE /v1/presence", "", "Origin: http://evil.example"), status: 403, reason: "origin_not_allowed"},

		{name: "a socket by POST", send: ws("GET", "POST"), status: 405, reason: "request", header: [2]string{"Allow", "OPTIONS, GET"}},
		{name: "the wrong method", send: request("DELETE /v1/presence/me/web", "", me), status: 405, reason: "request", header: [2]string{"Allow", "OPTIONS, PUT"}},
		{name: "a method of somebody's own", send: request("BREW /v1/events", ""), status: 405, reason: "request", header: [2]string{"Allow", "OPTIONS, GET"}},
		{name: "a callback by GET", send: request("GET "+CallbackPath, ""), status: 405, reason: "request", header: [2]string{"Allow", "OPTIONS, POST"}},
		{name: "what is nowhere", send: request("GET /v1/nowhere", ""), status: 404, reason: "request"},
		{name: "what is nowhere, with the wrong method", send: request("DELETE /v1/nowhere", ""), status: 404, reason: "request"},

		{name: "no token", send: request("GET /v1/presence?uids=a", ""), status: 401, reason: "token"},
		{name: "a token like a book", send: request("GET /v1/presence?uids=a", "", "Authorization: Bearer "+many[:20000]), status: 401, reason: "token"},
		{name: "too many users", send: request("GET /v1/presence?uids=a,b,c,d", "", me), status: 400, reason: "too_many_uids"},
		{name: "a body like a book", send: request("PUT /v1/presence/me/web", `{"status":"1","ext":"`+many+`"}`, me), status: 400, reason: "bad_message"},
		{name: "a callback like a book", send: request("POST "+CallbackPath, many), status: 413, reason: "too_large"},
		{name: "a callback by somebody", send: request("POST "+CallbackPath, "{}"), status: 401, reason: "bad_signature"},

		{name: "a header like a book", send: request("GET /healthz", "", "X: "+many), status: 431, reason: "no_request"},
		{name: "10,000 headers", send: request("GET /healthz", "", strings.Repeat("a: b\r\n", 9999)+"a: b"), status: 431, reason: "no_request"},
		{name: "a path like a book", send: request("GET /"+many, ""), status: 431, reason: "no_request"},
		{name: "no Host", send: strings.Replace(request("GET /healthz", ""), "Host: hub\r\n", "", 1), status: 400, reason: "no_request"},
		{name: "two Hosts", send: request("GET /healthz", "", "Host: evil"), status: 400, reason: "no_request"},
		{name: "a Host that is none", send: strings.Replace(request("GET /healthz", ""), "Host: hub", "Host: h ub", 1), status: 400, reason: "no_request"},
		{name: "two lengths", send: request("PUT /v1/presence/me/web", "{}", "Content-Length: 9"), status: 400, reason: "no_request"},
		{name: "a header that goes on", send: request("GET /healthz", "", "a b: c"), status: 400, reason: "no_request"},
		{name: "garbage", send: "\x00\x01\x02\r\n\r\n", status: 400, reason: "no_request"},
		{name: "TLS", send: "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n", status: 400, reason: "no_request"},
		{name: "HTTP/2", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", reason: "request"},
		{name: "HTTP/3 to come", send: "GET / HTTP/3.0\r\n\r\n", reason: "no_request"},
		{name: "who looks whether a port is open", send: "", reason: "no_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := sum(t, metrics, "refused_total", c.reason)
			status, header := h.knock(t, c.send)
			if c.status != 0 {
				require.Equal(t, c.status, status)
			}
			if c.header[0] != "" {
				require.Equal(t, c.header[1], header.Get(c.header[0]))
			}
			require.Eventually(t, func() bool { return sum(t, metrics, "refused_total", c.reason) == before+1 }, soon, often, "counted")
		})
		honest.expectNothing()
	}
	require.Equal(t, 1.0, sum(t, metrics, "callbacks_total", "too_large"))
	require.Equal(t, 1.0, sum(t, metrics, "callbacks_total", "bad_signature"))
	h.until(func() bool { return h.sessions.len() == 1 })
}

// knock sends a request in raw bytes and says what is answered, 0 for nothing.
func (h *testHub) knock(t *testing.T, send string) (status int, header http.Header) {
	w := h.wire()
	w.t = t
	defer w.conn.Close()
	w.send(send)
	if send == "" {
		closeWrite(t, w)
	}
	r, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return 0, nil
	}
	require.NotContains(t, fmt.Sprint(r.Header), "secret")
	return r.StatusCode, r.Header
}

// TestOwnName: what the hub takes for its own page. With nothing said about origins it is one whose name is that by which
// the hub was asked; with something said a name counts for nothing, and an address still does.
func TestOwnName(t *testing.T) {
	for _, c := range []struct {
		allowed []string
		host    string
		origin  string
		let     bool
	}{
		{nil, "hub.example:8080", "http://hub.example:8080", true},
		{nil, "hub.example", "https://HUB.example", true},
		{nil, "hub.example", "https://evil.example", false},
		{[]string{"https://app.example"}, "evil.example", "http://evil.example", false},
		{[]string{"https://app.example"}, "hub.example", "https://hub.example", false},
		{[]string{"https://app.example", "https://hub.example"}, "hub.example", "https://hub.example", true},
		{[]string{"https://app.example"}, "127.0.0.1:8080", "http://127.0.0.1:8080", true},
		{[]string{"https://app.example"}, "[::1]:8080", "http://[::1]:8080", true},
		{[]string{"https://app.example"}, "localhost:8080", "http://localhost:8080", true},
		{[]string{"https://app.example"}, "localhost.evil.example", "http://localhost.evil.example", false},
		{[]string{"https://app.example"}, "127.0.0.1.evil.example", "http://127.0.0.1.evil.example", false},
		{[]string{"https://app.example"}, "127.0.0.1", "http://127.0.0.1:81", false},
	} {
		r := &http.Request{Host: c.host, Header: http.Header{"Origin": {c.origin}}}
		require.Equal(t, c.let, origins(c.allowed).allow(r), "%+v", c)
	}
}

// TestLimitsAreCounted goes over each limit once. Whoever does is told and counted, and somebody else goes on.
func TestLimitsAreCounted(t *testing.T) {
	h, metrics := hostileHub(t)
	honest := h.dial(withToken(token(t, fields{"sub": "honest", "watch": "*"})))
	honest.expect("welcome")
	honest.subscribe("a")
	flood := func(t *testing.T, frame string) { // until the hub has ended it
		w := h.wire()
		w.upgrade(bearing(t, "flood"))
		sent := make(chan struct{})
		go func() { // without a goodbye: the hub might hear it, and answer that, before it has said its own
			defer close(sent)
			w.send(strings.Repeat(frame, 10_000))
		}()
		all := w.hearsUntil("ends")
		require.Contains(t, all, "closes 4429")
		require.Less(t, len(all), 200, "answers: %v", all)
		<-sent
	}
	for _, c := range []struct {
		name   string
		over   func(t *testing.T)
		metric string
		label  string
	}{
		{"pings by the thousand", func(t *testing.T) { flood(t, masked(fin|opPing, "p")) }, "closed_total", closeOverALimit.name},
		{"pongs by the thousand", func(t *testing.T) { flood(t, masked(fin|opPong, "p")) }, "closed_total", closeOverALimit.name},
		{"messages by the thousand", func(t *testing.T) { flood(t, masked(fin|opText, sized(15))) }, "closed_total", closeOverALimit.name},
		{"MAX_MESSAGE_BYTES", func(t *testing.T) {
			h.tryWire(t, wireCase{send: masked(fin|opText, sized(65537))})
		}, "closed_total", closeTooLarge.name},
		{"MAX_UIDS_PER_CONNECTION", func(t *testing.T) {
			c := h.dial(withToken(token(t, fields{"sub": "greedy", "watch": "*"})))
			c.expect("welcome")
			c.say(fields{"type": "subscribe", "uids": names(0, 4)})
			require.Equal(t, "too_many_uids", c.expect("error").Code)
			c.hangUp()
		}, "refused_total", "too_many_uids"},
		{"MAX_CONNECTIONS_PER_SUBJECT", func(t *testing.T) {
			for range 2 {
				c := h.dial(withToken(token(t, fields{"sub": "twice"})))
				c.expect("welcome")
				defer c.hangUp()
			}
			h.dial(withToken(token(t, fields{"sub": "twice"}))).expectClose(closeOverALimit)
		}, "closed_total", closeOverALimit.name},
		{"MAX_CONNECTIONS_PER_SUBJECT of streams", func(t *testing.T) {
			for range 2 {
				c := h.dial(withToken(token(t, fields{"sub": "twice"})))
				c.expect("welcome")
				defer c.hangUp()
			}
			status, _ := h.knock(t, request("GET /v1/events?uids=a", "", bearing(t, "twice")))
			require.Equal(t, http.StatusTooManyRequests, status)
		}, "refused_total", "over_a_limit"},
		{"MAX_CONNECTIONS", func(t *testing.T) {
			for i := range 7 {
				c := h.dial(withToken(token(t, fields{"sub": fmt.Sprint("one-of-", i)})))
				c.expect("welcome")
				defer c.hangUp()
			}
			status, _ := h.knock(t, handshake(bearing(t, "last")))
			require.Equal(t, http.StatusServiceUnavailable, status)
		}, "refused_total", "too_many_connections"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := sum(t, metrics, c.metric, c.label)
			c.over(t)
			require.Eventually(t, func() bool { return sum(t, metrics, c.metric, c.label) == before+1 }, soon, often, "counted")
			h.until(func() bool { return h.sessions.len() == 1 && len(h.subjects) == 1 })
		})
		honest.expectNothing()
	}
}

// TestSilentCrowd: connections that say nothing are as many as the hub has room for, and keep nobody out.
func TestSilentCrowd(t *testing.T) {
	h, metrics := hostileHub(t)
	h.crowdsAt(20)
	honest := h.dial(withToken(token(t, fields{"sub": "honest", "watch": "*"})))
	honest.expect("welcome")
	ended := make(chan bool, 200)
	for range cap(ended) {
		w := h.wire()
		go func() { _, err := w.conn.Read(make([]byte, 1)); ended <- err == io.EOF }()
	}
	for range cap(ended) - 19 { // one of the twenty is the honest client's
		require.True(t, <-ended)
	}
	require.Eventually(t, func() bool { return h.held() == 20 }, soon, often)
	require.Equal(t, 181.0, sum(t, metrics, "refused_total", "crowded"))
	for i := range 50 { // more than there is room for, one after the other
		c := h.dial(withToken(token(t, fields{"sub": fmt.Sprint("new-", i), "watch": "*"})))
		c.expect("welcome")
		c.hangUp()
	}
	honest.expectNothing()
}

// TestCrowdThatHasSpoken: those who have said something are not turned out for newcomers, who are.
func TestCrowdThatHasSpoken(t *testing.T) {
	h, metrics := hostileHub(t)
	h.crowdsAt(5)
	var spoken []*wire
	for range 5 {
		w := h.wire()
		w.send("GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
		require.Equal(t, http.StatusOK, w.answer().StatusCode)
		w.in = bufio.NewReader(w.conn)
		spoken = append(spoken, w)
	}
	for range 10 {
		_, err := h.wire().conn.Read(make([]byte, 1))
		require.Error(t, err)
	}
	require.Equal(t, 10.0, sum(t, metrics, "refused_total", "crowded"))
	for _, w := range spoken {
		w.send("GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
		require.Equal(t, http.StatusOK, w.answer().StatusCode)
	}
	require.Eventually(t, func() bool { return h.held() == 0 }, soon, often)
	h.dial(withToken(token(t, nil))).expect("welcome")
}

// TestHeldAndLetGo: a connection counts once, whatever becomes of it.
func TestHeldAndLetGo(t *testing.T) {
	h, _ := hostileHub(t)
	bearer := "Bearer " + token(t, fields{"watch": "*"})
	for range 3 {
		c, e := h.dial(withToken(bearer[7:])), h.events("uids=a", http.Header{"Authorization": {bearer}})
		c.expect("welcome")
		e.expect("welcome")
		require.Equal(t, http.StatusOK, h.ask("GET", "/healthz", "").status)
		require.Eventually(t, func() bool { return h.held() == 2 }, soon, often)
		c.hangUp()
		e.hangUp()
		require.Eventually(t, func() bool { return h.held() == 0 }, soon, often)
	}
}

// crowdsAt makes so many connections the most.
func (h *testHub) crowdsAt(most int) {
	h.arrivals.mu.Lock()
	defer h.arrivals.mu.Unlock()
	h.arrivals.most = most
}

// held is how many connections the hub holds.
func (h *testHub) held() int {
	h.arrivals.mu.Lock()
	defer h.arrivals.mu.Unlock()
	return h.arrivals.open
}
