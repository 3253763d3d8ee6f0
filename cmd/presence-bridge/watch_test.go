package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// scripted is a hub that plays one script a connection; the last one is played again and again.
func scripted(t *testing.T, scripts ...func(*websocket.Conn, *http.Request)) string {
	t.Helper()
	connections := make(chan int, 100)
	for i := range cap(connections) {
		connections <- min(i, len(scripts)-1)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{watchProtocol}})
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.CloseNow() }()
		scripts[<-connections](conn, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func say(t *testing.T, conn *websocket.Conn, frames ...string) {
	for _, f := range frames {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(f)); err != nil {
			t.Error(err)
		}
	}
}

// hear reads a subscribe message.
func hear(t *testing.T, conn *websocket.Conn) (id, since string, uids int) {
	var m struct {
		ID, Since string
		UIDs      []string
	}
	_, data, err := conn.Read(t.Context())
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		t.Error(err)
	}
	return m.ID, m.Since, len(m.UIDs)
}

const welcomeFrame = `{"type":"welcome","feed":{"state":"live"}}`

func presences(uid, ext string) string {
	return fmt.Sprintf(`"presences":[{"uid":%q,"online":true,"status":{"web\u001b[31m":"1"},"ext":%q,"observed_at":1}]`, uid, ext)
}

// TestWatchResumes has two subscribe messages of which a lost connection leaves one unanswered: that one has to
// begin anew, and the other at its cursor.
func TestWatchResumes(t *testing.T) {
	since := make(chan string, 10)
	url := scripted(t,
		func(conn *websocket.Conn, r *http.Request) {
			if got := r.Header.Get("Authorization"); got != "Bearer jot" {
				t.Errorf("Authorization: %q", got)
			}
			say(t, conn, welcomeFrame)
			_, _, first := hear(t, conn)
			_, _, second := hear(t, conn)
			if first != uidsPerAsk || second != 1 {
				t.Errorf("asks for %d and %d users", first, second)
			}
			say(t, conn, `{"type":"subscribed","id":"0","cursor":"A","pending":["u9"],`+presences("u1", "one")+`}`,
				`{"type":"changes","cursor":"B",`+presences("u1", "two")+`}`,
				`{"type":"feed","state":"degraded","reason":"429"}`,
				`{"type":"bye","reason":"draining","reconnect_after_ms":1}`)
			_ = conn.Close(websocket.StatusServiceRestart, "")
		},
		func(conn *websocket.Conn, _ *http.Request) {
			say(t, conn, welcomeFrame)
			for range 2 {
				id, s, _ := hear(t, conn)
				since <- id + "=" + s
			}
			say(t, conn, `{"type":"subscribed","id":"0","cursor":"C",`+presences("u1", "three")+`}`)
			_, _, _ = conn.Read(t.Context()) // until the other side goes
		})
	args := []string{"watch", "--url", url, "--token", "jot"}
	for i := range uidsPerAsk + 1 {
		args = append(args, fmt.Sprintf("u%d", i))
	}
	w := start(t, nil, args...)
	w.stdout.wait(t, `u1 +online +web\?\[31m=1 +"three"$`)
	if one, two := <-since, <-since; one != "0=B" || two != "1=" {
		t.Errorf("resumes at %s and %s", one, two)
	}
	w.stop()
	if got := w.stdout.String(); strings.Count(got, "\n") != 3 || !strings.Contains(got, `"one"`) || !strings.Contains(got, `"two"`) {
		t.Errorf("printed:\n%s", got)
	}
	for _, want := range []string{"nothing is known yet of u9", "the feed is degraded: 429", "the feed is live",
		"connection lost, coming back: the hub at " + url + " closes with code 1012\nback\n"} {
		if !strings.Contains(w.stderr.String(), want) {
			t.Errorf("no note %q:\n%s", want, &w.stderr)
		}
	}
}

// TestWatchGivesUp holds what no reconnect can mend, on the first connection and on a later one.
func TestWatchGivesUp(t *testing.T) {
	closing := func(code websocket.StatusCode) func(*websocket.Conn, *http.Request) {
		return func(conn *websocket.Conn, _ *http.Request) {
			say(t, conn, welcomeFrame)
			_ = conn.Close(code, "because")
		}
	}
	refusing := func(conn *websocket.Conn, _ *http.Request) {
		say(t, conn, welcomeFrame, `{"type":"error","id":"0","code":"too_many_uids","message":"at most 1"}`)
		_, _, _ = conn.Read(t.Context())
	}
	status := func(code int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	for _, test := range []struct{ url, want string }{
		{scripted(t, closing(4401)), "the hub at URL wants a token: set PRESENCE_TOKEN (presence-bridge token --sub me --watch a mints one)"},
		{scripted(t, closing(4403)), "the hub at URL closes: because"},
		{scripted(t, closing(1008)), "the hub at URL closes: because"},
		{scripted(t, refusing), "the hub at URL refuses: at most 1"},
		{scripted(t, closing(1012), closing(1008)), "the hub at URL closes: because"},
		{"http://127.0.0.1:1", "no hub answers at URL: connection refused (presence-bridge demo starts one; --url names another)"},
		{status(404, "<html>"), "no hub answers at URL: 404 Not Found (--url names another)"},
		{status(503, `{"code":"draining","message":"this hub is stopping"}`), "the hub at URL refuses: this hub is stopping"},
	} {
		code, _, stderr := once(t, nil, "watch", "a", "--url", test.url)
		last := stderr[strings.LastIndex(strings.TrimSpace(stderr), "\n")+1:]
		if want := "presence-bridge watch: " + strings.ReplaceAll(test.want, "URL", test.url) + "\n"; code != exitFailed || last != want {
			t.Errorf("exit status %d, %q, want %q", code, stderr, want)
		}
	}
}

// TestWatchSaysOnceThatItIsAlone has a hub that is away for several attempts.
func TestWatchSaysOnceThatItIsAlone(t *testing.T) {
	leave := func(conn *websocket.Conn, _ *http.Request) { _ = conn.CloseNow() }
	url := scripted(t,
		func(conn *websocket.Conn, _ *http.Request) { say(t, conn, welcomeFrame) },
		leave, leave,
		func(conn *websocket.Conn, _ *http.Request) {
			say(t, conn, welcomeFrame)
			for err := error(nil); err == nil; { // until the other side goes
				_, _, err = conn.Read(t.Context())
			}
		})
	w := start(t, nil, "watch", "a", "--url", url)
	w.stderr.wait(t, `^back$`)
	w.stop()
	lines := strings.Split(w.stderr.String(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "connection lost, coming back: the connection to "+url+" broke: ") || lines[1] != "back" {
		t.Errorf("said:\n%s", &w.stderr)
	}
}

func TestPrinter(t *testing.T) {
	var out strings.Builder
	p := newPrinter(&out, []bridge.UID{"a", "longer"}, false)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local).UnixMilli()
	change := &bridge.Change{UID: "a", State: bridge.StateOf(map[string]string{"web_1": "0", "ios": "101"}, "a \"b\"\n", 0), ObservedAt: at}
	if err := p.change(change); err != nil {
		t.Fatal(err)
	}
	change.Changed = []string{bridge.ChangedUnwatched}
	change.Ext = ""
	if err := p.change(change); err != nil {
		t.Fatal(err)
	}
	want := "03:04:05  a       online     ios=101 web_1=0           \"a \\\"b\\\"\\n\"\n" +
		"03:04:05  a       unwatched  ios=101 web_1=0\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}
