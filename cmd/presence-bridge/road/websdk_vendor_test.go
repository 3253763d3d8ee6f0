package road

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// sdkVendor is an emulator that notes down what it is asked.
type sdkVendor struct {
	t       testing.TB
	truth   *emulator.Server
	url     string
	numbers bool
	second  int64 // in the unit of its times
	login   sdkLogin

	mu   sync.Mutex
	seen seenCall
}

// seenCall is the last call that has been seen, and how it was answered.
type seenCall struct {
	request string // method, path and body
	headers string // scheme of the token, and content type
	answer  string // status and content type; empty when it was cut
}

func newSDKVendor(t testing.TB, o emulator.Options) *sdkVendor {
	t.Helper()
	o.Org, o.App, o.Users, o.Paused, o.ListLag, o.LimitPerS = "org1", "app1", -1, true, -1, -1
	faults := o.Faults
	o.Faults = emulator.Faults{}
	server, err := emulator.New(o)
	require.NoError(t, err)
	v := &sdkVendor{t: t, truth: server, numbers: o.Numbers, second: 1}
	if o.Milliseconds {
		v.second = 1000
	}
	listening := httptest.NewServer(v)
	t.Cleanup(listening.Close)
	v.url = listening.URL
	v.login = sdkLogin{Token: v.mint(3600), Org: "org1", App: "app1", User: "wzy", Resource: "webim_dev1"}
	require.NoError(t, server.SetFaults(faults)) // none of which hits the login
	return v
}

// ServeHTTP answers as the emulator does, and notes the call down.
func (v *sdkVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	noted := &notedAnswer{ResponseWriter: w, v: v}
	v.note(func(s *seenCall) {
		*s = seenCall{request: strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(body)),
			headers: scheme + " " + r.Header.Get("Content-Type")}
	})
	v.truth.ServeHTTP(noted, r)
}

type notedAnswer struct {
	http.ResponseWriter
	v *sdkVendor
}

func (n *notedAnswer) WriteHeader(status int) {
	n.v.note(func(s *seenCall) { s.answer = fmt.Sprintf("%d %s", status, n.Header().Get("Content-Type")) })
	n.ResponseWriter.WriteHeader(status)
}

func (n *notedAnswer) Unwrap() http.ResponseWriter { return n.ResponseWriter }

func (v *sdkVendor) note(f func(*seenCall)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(&v.seen)
}

func (v *sdkVendor) last() (seen seenCall) {
	v.note(func(s *seenCall) { seen = *s })
	return seen
}

// take is the last call, which is forgotten.
func (v *sdkVendor) take() (seen seenCall) {
	v.note(func(s *seenCall) { seen, *s = *s, seenCall{} })
	return seen
}

// mint fetches a token that lives so many seconds.
func (v *sdkVendor) mint(ttl int) string {
	body := fmt.Sprintf(`{"grant_type":"client_credentials","client_id":"id","client_secret":"secret","ttl":%d}`, ttl)
	response, err := http.Post(v.url+"/org1/app1/token", "application/json", strings.NewReader(body))
	require.NoError(v.t, err)
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(v.t, json.NewDecoder(response.Body).Decode(&answer))
	require.NotEmpty(v.t, answer.Token)
	v.take()
	return answer.Token
}

// refuses says whether the vendor takes a token no more.
func (v *sdkVendor) refuses(token string) bool {
	request, err := http.NewRequest(http.MethodGet, v.url+sdkPresence+"/sublist", nil)
	require.NoError(v.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(v.t, err)
	require.NoError(v.t, response.Body.Close())
	v.take()
	return response.StatusCode == http.StatusUnauthorized
}
