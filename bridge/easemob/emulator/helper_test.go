package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
)

// The three ways in which a test fails, at once.

func check(t testing.TB, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Fatalf(format, args...)
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	check(t, err == nil, "unexpected error: %v", err)
}

func equal[T any](t testing.TB, got, want T) {
	t.Helper()
	check(t, reflect.DeepEqual(got, want), "got  %v\nwant %v", got, want)
}

const fixedToken = "a-fixed-token"

// quiet are options under which nothing happens by itself.
func quiet() Options { return Options{Users: -1, Paused: true, Token: fixedToken} }

func newServer(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := New(o)
	noError(t, err)
	return s
}

// ask sends one vendor call with the fixed token, beneath /demo/presence.
func ask(t testing.TB, s *Server, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, s, method, "/demo/presence"+path, body, "Bearer "+fixedToken)
}

func request(t testing.TB, s *Server, method, target, body, authorization string) *httptest.ResponseRecorder {
	t.Helper()
	return serve(s, newRequest(t, method, target, body, authorization))
}

func newRequest(t testing.TB, method, target, body, authorization string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func serve(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// asked is ask for calls that have to succeed; it returns what is in result.
func asked[T any](t testing.TB, s *Server, method, path, body string) T {
	t.Helper()
	w := ask(t, s, method, path, body)
	check(t, w.Code == http.StatusOK, "%s %s answered %d %s", method, path, w.Code, w.Body)
	var out struct{ Result T }
	noError(t, json.Unmarshal(w.Body.Bytes(), &out))
	return out.Result
}

// The shapes that a client sees, written down a second time: types shared with the server would agree with
// their own misspellings.
type gotEntry struct {
	UID      string          `json:"uid"`
	LastTime string          `json:"last_time"`
	Expiry   string          `json:"expiry"`
	Ext      string          `json:"ext"`
	Status   json.RawMessage `json:"status"`
}

type gotList struct {
	TotalNum string `json:"totalnum"`
	SubList  []struct {
		UID    string `json:"uid"`
		Expiry string `json:"expiry"`
	} `json:"sublist"`
}

func (l gotList) uids() []string {
	uids := []string{}
	for _, sub := range l.SubList {
		uids = append(uids, sub.UID)
	}
	return uids
}

func usernames(uids ...string) string {
	b, _ := json.Marshal(map[string][]string{"usernames": uids})
	return string(b)
}

func bare(uids ...string) string {
	b, _ := json.Marshal(uids)
	return string(b)
}

// names are n user ids that nobody has.
func names(prefix string, n int) []string {
	uids := make([]string, n)
	for i := range uids {
		uids[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return uids
}

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	noError(t, err)
	return strings.TrimSpace(string(b))
}

// debugLog logs everything to w.
func debugLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
