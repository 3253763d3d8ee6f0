package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// An outcome is what a client saw of one call.
type outcome struct {
	status int
	body   []byte
	err    error // of sending, or of reading to the end
}

func (o outcome) entries() ([]gotEntry, error) {
	var out struct{ Result []gotEntry }
	err := json.Unmarshal(o.body, &out)
	return out.Result, err
}

// send makes one vendor call over a real connection.
func send(t *testing.T, client *http.Client, base, method, path, body string) outcome {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+"/demo/presence"+path, strings.NewReader(body))
	noError(t, err)
	req.Header.Set("Authorization", "Bearer "+fixedToken)
	resp, err := client.Do(req)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return outcome{resp.StatusCode, b, err}
}

// Every fault, alone and for certain: a client sees it, and it is counted.
func TestFaults(t *testing.T) {
	ill := func(o outcome) bool { return o.err == nil && o.status == 200 && !json.Valid(o.body) }
	type counted func(Fired) int
	for _, c := range []struct {
		name   string
		faults Faults
		fired  counted
		seen   func(o outcome) bool
	}{
		{"error", Faults{ErrorRate: 1}, func(f Fired) int { return f.Error }, func(o outcome) bool { return o.status == 503 }},
		{"500", Faults{ErrorRate: 1, ErrorStatus: 500}, func(f Fired) int { return f.Error }, func(o outcome) bool { return o.status == 500 }},
		{"page", Faults{ErrorRate: 1, ErrorStatus: 502}, func(f Fired) int { return f.Error }, func(o outcome) bool { return o.status == 502 && !json.Valid(o.body) }},
		{"error body", Faults{ErrorRate: 1, ErrorStatus: 502}, func(f Fired) int { return f.Error }, func(o outcome) bool { return o.status == 502 && json.Valid(o.body) }},
		{"429", Faults{ErrorRate: 1, ErrorStatus: 429}, func(f Fired) int { return f.Error }, func(o outcome) bool { return strings.Contains(string(o.body), `"reach_limit"`) }},
		{"401", Faults{ErrorRate: 1, ErrorStatus: 401}, func(f Fired) int { return f.Error }, func(o outcome) bool { return strings.Contains(string(o.body), `"unauthorized"`) }},
		{"400", Faults{ErrorRate: 1, ErrorStatus: 400}, func(f Fired) int { return f.Error }, func(o outcome) bool { return string(o.body) == `{"result":"too many queries"}` }},
		{"403", Faults{ErrorRate: 1, ErrorStatus: 403}, func(f Fired) int { return f.Error }, func(o outcome) bool {
			return o.status == 403 && strings.Contains(string(o.body), `"forbidden_service_operation"`)
		}},
		{"408", Faults{ErrorRate: 1, ErrorStatus: 408}, func(f Fired) int { return f.Error }, func(o outcome) bool { return o.status == 408 && strings.Contains(string(o.body), `"web_application"`) }},
		{"not the caller's 500", Faults{ErrorRate: 1, ErrorStatus: 500}, func(f Fired) int { return f.Error }, func(o outcome) bool { return strings.Contains(string(o.body), `"internal_error"`) }},
		{"plan", Faults{ResourceLimitedRate: 1}, func(f Fired) int { return f.ResourceLimited }, func(o outcome) bool {
			return o.status == 429 && strings.Contains(string(o.body), `"resource_limited"`) && strings.Contains(string(o.body), "exceeded the limit of the")
		}},
		{"too many queries", Faults{TooManyQueriesRate: 1}, func(f Fired) int { return f.TooManyQueries }, func(o outcome) bool { return o.status == 400 && string(o.body) == `{"result":"too many queries"}` }},
		{"corrupt token", Faults{CorruptTokenRate: 1}, func(f Fired) int { return f.CorruptToken }, func(o outcome) bool {
			return o.status == 401 && strings.Contains(string(o.body), `"auth_bad_access_token"`)
		}},
		{"reset", Faults{ResetRate: 1}, func(f Fired) int { return f.Reset }, func(o outcome) bool { return errors.Is(o.err, syscall.ECONNRESET) }},
		{"truncated or garbled", Faults{MalformedRate: 1}, func(f Fired) int { return f.Malformed }, ill},
		{"broken off", Faults{MalformedRate: 1}, func(f Fired) int { return f.Malformed }, func(o outcome) bool { return errors.Is(o.err, io.ErrUnexpectedEOF) }},
		{"dropped", Faults{DropEntryRate: 1}, func(f Fired) int { return f.DropEntry }, func(o outcome) bool { return string(o.body) == `{"result":[]}` }},
		{"doubled", Faults{DuplicateKeyRate: 1}, func(f Fired) int { return f.DuplicateKey }, func(o outcome) bool { return strings.Contains(string(o.body), `"status":{"ios":"1","ios":"1"}`) }},
		{"nameless", Faults{EmptyUIDRate: 1}, func(f Fired) int { return f.EmptyUID }, func(o outcome) bool { return strings.Contains(string(o.body), `"uid":""`) }},
		{"outage 503", Faults{Outage: true}, func(f Fired) int { return f.Outage }, func(o outcome) bool { return o.status == 503 }},
		{"outage reset", Faults{Outage: true}, func(f Fired) int { return f.Outage }, func(o outcome) bool { return o.err != nil }},
		{"limit", Faults{LimitPerS: 1}, func(f Fired) int { return f.Limit }, func(o outcome) bool { return o.status == 429 }},
		{"clients", Faults{ClientCallsPerS: 50}, func(f Fired) int { return f.Limit }, func(o outcome) bool { return o.status == 429 }},
		{"latency", Faults{LatencyMS: 1}, func(f Fired) int { return f.Latency }, func(o outcome) bool { return o.status == 200 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := quiet()
			o.Faults = c.faults
			s := newServer(t, o)
			s.SetUser("a", map[string]string{"ios": "1"}, "")
			server := httptest.NewServer(s)
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			var last outcome
			for range 45 { // some faults have variants, and dice choose
				last = send(t, client, server.URL, "POST", "/users/op/presence", usernames("a"))
				if c.seen(last) {
					break
				}
			}
			check(t, c.seen(last), "not seen; the last call: %d %s %v", last.status, last.body, last.err)
			check(t, c.fired(s.FaultsFired()) > 0, "not counted: %+v", s.FaultsFired())

			noError(t, s.SetFaults(Faults{}))
			before := s.FaultsFired()
			s.limits.accepted = make(map[kind]*window)
			calm := send(t, client, server.URL, "POST", "/users/op/presence", usernames("a"))
			entries, err := calm.entries()
			check(t, err == nil && len(entries) == 1 && entries[0].UID == "a", "still there: %d %s %v", calm.status, calm.body, calm.err)
			equal(t, s.FaultsFired(), before)
		})
	}
}

// A call that is answered with an error has done nothing; one whose answer is lost has done its work.
func TestErrorsDoNothingAndResetsComeTooLate(t *testing.T) {
	o := quiet()
	o.Faults = Faults{ErrorRate: 1}
	s := newServer(t, o)
	set := func() { ask(t, s, "POST", "/users/bob/presence/web/1", `{"ext":"x"}`) }
	set()
	equal(t, len(s.Users()), 0)
	noError(t, s.SetFaults(Faults{ResetRate: 1}))
	func() {
		defer func() { equal(t, recover(), any(http.ErrAbortHandler)) }() // a recorder cannot be hijacked
		set()
	}()
	equal(t, s.Users("bob")["bob"].Ext, "x")
	equal(t, s.Stats().Calls["set"], 1) // the reset one was not answered
	equal(t, s.Stats().PeakPerS["set"], 2)
}

// A 200 that is a refusal (SEED: "ok, or the reason"): of set and unsubscribe alone, and nothing was done.
func TestNotOK(t *testing.T) {
	o := quiet()
	o.Faults = Faults{NotOKRate: 1}
	s := newServer(t, o)
	const want = `{"result":"set presence failed"}`
	equal(t, ask(t, s, "POST", "/users/bob/presence/web/1", `{"ext":""}`).Body.String(), want)
	equal(t, len(s.Users()), 0)
	sub(t, s, "op", 60, "a")
	w := ask(t, s, "DELETE", "/users/op/presence", bare("a"))
	equal(t, w.Code, 200)
	equal(t, w.Body.String(), want)
	equal(t, len(s.Subscriptions("op")), 1)
	equal(t, s.FaultsFired().NotOK, 2)
}

// What the vendor holds against a call is said before any work is done, and never of POST /token.
func TestQuarrelsDoNothing(t *testing.T) {
	for want, faults := range map[int]Faults{429: {ResourceLimitedRate: 1}, 400: {TooManyQueriesRate: 1}, 401: {CorruptTokenRate: 1}} {
		o := quiet()
		o.Faults = faults
		s := newServer(t, o)
		equal(t, ask(t, s, "POST", "/users/bob/presence/web/1", `{"ext":""}`).Code, want)
		equal(t, len(s.Users()), 0)
		mint(t, s, "")
		fired := s.FaultsFired()
		equal(t, fired.ResourceLimited+fired.TooManyQueries+fired.CorruptToken, 1)
	}
	o := quiet()
	o.Faults, o.ErrorShape = Faults{TooManyQueriesRate: 1}, shapePlatform
	w := ask(t, newServer(t, o), "POST", "/users/op/presence", usernames("a"))
	check(t, strings.Contains(w.Body.String(), `"error_description":"too many queries"`), "%s", w.Body)
	o.Faults = Faults{TooManyQueriesRate: 1}
	equal(t, ask(t, newServer(t, o), "POST", "/users/batch/status", usernames("a")).Code, 200) // is presence's own
}

func TestFaultsReachTokenAndListButNotAdmin(t *testing.T) {
	s := newServer(t, quiet())
	sub(t, s, "op", 60, "a", "b")
	noError(t, s.SetFaults(Faults{ErrorRate: 1}))
	equal(t, request(t, s, "POST", "/demo/presence/token", "", "").Code, 503)
	equal(t, request(t, s, "GET", "/_emulator/faults", "", "").Code, 200)
	noError(t, s.SetFaults(Faults{DropEntryRate: 1}))
	s.subs.lag = -1
	equal(t, list(t, s, "op", 1, 5).uids(), []string{})
	noError(t, s.SetFaults(Faults{EmptyUIDRate: 1}))
	equal(t, list(t, s, "op", 1, 5).uids(), []string{"", ""})
}

// Rates are rates: of many entries about as many are hit as the rate says.
func TestRatesHoldInTheMean(t *testing.T) {
	d := newDice(1, Faults{DropEntryRate: 0.2, EmptyUIDRate: 0.5})
	const n = 10_000
	kept := d.spoil(make([]entry, n))
	near := func(got int, mean, deviation float64) {
		t.Helper()
		check(t, math.Abs(float64(got)-mean) < 4*deviation, "%d, where %v are the mean", got, mean)
	}
	near(n-len(kept), 0.2*n, math.Sqrt(n*0.2*0.8))
	near(d.fired.EmptyUID, 0.5*0.8*n, math.Sqrt(n*0.4*0.6))
}

func TestInvalidFaultsChangeNothing(t *testing.T) {
	s := newServer(t, quiet())
	noError(t, s.SetFaults(Faults{ErrorRate: 0.5}))
	err := s.SetFaults(Faults{ErrorRate: 2, ResetRate: math.NaN(), LatencyMS: -1, ErrorStatus: 200, LimitPerS: -1,
		NotOKRate: -1, ResourceLimitedRate: 2, TooManyQueriesRate: 2, CorruptTokenRate: 2})
	for _, part := range []string{"not_ok_rate", "resource_limited_rate", "too_many_queries_rate", "corrupt_token_rate", "error_rate", "reset_rate", "latency_ms", "error_status", "limit_per_s"} {
		check(t, err != nil && strings.Contains(err.Error(), part), "%v does not tell of %s", err, part)
	}
	f, _ := s.dice.get()
	equal(t, f, Faults{ErrorRate: 0.5})
}

// pipes is a listener whose connections are net.Pipes, for bubbles, in which real ones do not block durably.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

// overPipes serves s to the client that it returns until the test ends.
func overPipes(t *testing.T, s *Server) *http.Client {
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: s}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(p) }()
	transport := &http.Transport{DialContext: p.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		noError(t, server.Close())
		equal(t, <-ended, http.ErrServerClosed)
	})
	return &http.Client{Transport: transport}
}

// A body that does not arrive is not waited for long; an answer that is held back much longer is not cut short by
// that.
func TestBodiesThatStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.Faults = Faults{LatencyMS: 60_000}
		client := overPipes(t, newServer(t, o))
		dial := client.Transport.(*http.Transport).DialContext
		for _, call := range []string{"POST /demo/presence/users/op/presence", "PUT /_emulator/population"} {
			conn, err := dial(t.Context(), "", "")
			noError(t, err)
			start := time.Now()
			_, err = io.WriteString(conn, call+" HTTP/1.1\r\nHost: pipe\r\nContent-Length: 99\r\n\r\n{")
			noError(t, err)
			noError(t, conn.SetReadDeadline(start.Add(time.Hour)))
			answered, err := io.ReadAll(conn)
			noError(t, err)
			check(t, time.Since(start) <= bodyWithin+time.Minute, "%s held its connection for %v", call, time.Since(start))
			check(t, strings.HasPrefix(call, "POST") || strings.HasPrefix(string(answered), "HTTP/1.1 400 "), "%s: %s", call, answered)
			noError(t, conn.Close())
		}
		got := send(t, client, "http://pipe", "GET", "/users/op/presence/sublist", "")
		equal(t, string(got.body), `{"result":{"totalnum":"0","sublist":[]}}`)
	})
}

func TestLatencyDelaysTheAnswerNotTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.Faults = Faults{LatencyMS: 1500}
		s := newServer(t, o)
		client := overPipes(t, s)
		s.SetUser("a", nil, "before")
		start, got := time.Now(), make(chan outcome)
		go func() { got <- send(t, client, "http://pipe", "POST", "/users/op/presence", usernames("a")) }()
		synctest.Wait()
		s.SetUser("a", nil, "after")
		answer := <-got
		equal(t, time.Since(start), 1500*time.Millisecond)
		entries, err := answer.entries()
		noError(t, err)
		equal(t, entries[0].Ext, "before")
	})
}

func TestLatencyHearsTheCallerLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.Faults = Faults{LatencyMS: int(maxLatency.Milliseconds())}
		s := newServer(t, o)
		client := overPipes(t, s)
		client.Timeout = time.Second
		start := time.Now()
		out := send(t, client, "http://pipe", "POST", "/users/op/presence", usernames("a"))
		check(t, out.err != nil, "an answer came: %s", out.body)
		synctest.Wait() // the handler has returned: nothing but the listener is left to wait for
		equal(t, time.Since(start), time.Second)
		equal(t, s.Stats().Calls["get"], 0)
		equal(t, s.FaultsFired().Latency, 1)
	})
}

func TestResetOverAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.Faults = Faults{ResetRate: 1}
		out := send(t, overPipes(t, newServer(t, o)), "http://pipe", "POST", "/users/op/presence", usernames("a"))
		check(t, out.err != nil, "an answer came: %s", out.body)
	})
}

func TestEveryManglingIsSeen(t *testing.T) {
	body := string(done.body)
	for m := intact + 1; m < endMangling; m++ {
		for n := 2; n < len(body); n++ { // whatever the length
			w := httptest.NewRecorder()
			answer{200, "application/json", []byte(`"` + strings.Repeat("x", n) + `"`)}.writeMangled(w, m)
			check(t, !json.Valid(w.Body.Bytes()), "mangling %d of %d bytes leaves %q", m, n, w.Body)
		}
	}
	equal(t, string(done.body), body) // what is shared stays whole
}
