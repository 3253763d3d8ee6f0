package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallbacksAreResentOnce(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []int // 0: none
		posts   []time.Duration
		stats   CallbackStats
	}{
		{"500, then 200", []int{500, 200}, []time.Duration{0, 0}, CallbackStats{Events: 1, Sent: 1, Failed: 1}},
		{"500 twice", []int{500, 500}, []time.Duration{0, 0}, CallbackStats{Events: 1, Lost: 1, Failed: 2}},
		{"another success", []int{204, 201}, []time.Duration{0, 0}, CallbackStats{Events: 1, Lost: 1, Failed: 2}},
		{"redirect", []int{302, 307}, []time.Duration{0, 0}, CallbackStats{Events: 1, Lost: 1, Failed: 2}},
		{"no answer, then 200", []int{0, 200}, []time.Duration{0, time.Minute}, CallbackStats{Events: 1, Sent: 1, Failed: 1}},
		{"no answer twice", []int{0, 0}, []time.Duration{0, time.Minute}, CallbackStats{Events: 1, Lost: 1, Failed: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &receiver{answer: func(n int) (int, string) { return c.answers[n-1], "" }}
			inBubble(t, calling(r), func(t *testing.T, s *Server) {
				start := time.Now()
				s.SetUser("a", on("ios"), "")
				time.Sleep(time.Hour)
				posts := r.got()
				equal(t, len(posts), len(c.posts))
				for i, after := range c.posts {
					equal(t, posts[i].at.Sub(start), after)
					equal(t, posts[i].body, posts[0].body)
				}
				equal(t, s.Stats().Callbacks, c.stats)
				s.ResetStats()
				equal(t, s.Stats().Callbacks, CallbackStats{})
			})
		})
	}
}

// A slow receiver gets many at once, but not without bound, and those behind them in time.
func TestCallbacksGoAtOnce(t *testing.T) {
	r := &receiver{answer: func(int) (int, string) {
		time.Sleep(10 * time.Second)
		return 200, ""
	}}
	inBubble(t, calling(r), func(t *testing.T, s *Server) {
		for _, uid := range names("u", 3*callbacksAtOnce) {
			s.SetUser(uid, on("ios"), "")
		}
		synctest.Wait()
		equal(t, len(r.got()), callbacksAtOnce)
		equal(t, s.Stats().Callbacks, CallbackStats{Events: 3 * callbacksAtOnce, InFlight: callbacksAtOnce, Waiting: 2 * callbacksAtOnce})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		equal(t, s.Stats().Callbacks, CallbackStats{Events: 3 * callbacksAtOnce, Sent: 3 * callbacksAtOnce})
	})
}

// A receiver that never answers costs events, not memory, and does not hold up the population or the end.
func TestCallbacksDoNotBlock(t *testing.T) {
	stuck := &receiver{answer: func(int) (int, string) { return 0, "" }}
	o := Options{ChangesPerS: 1000, Callback: Callback{URL: "http://bridge/", Transport: stuck}}
	inBubble(t, o, func(t *testing.T, s *Server) {
		time.Sleep(50 * time.Second)
		synctest.Wait()
		stats := s.Stats().Callbacks
		equal(t, stats.InFlight, callbacksAtOnce)
		equal(t, stats.Waiting, callbackBacklog)
		check(t, stats.Lost > 0, "%+v", stats)
		equal(t, stats.Events, stats.InFlight+stats.Waiting+stats.Lost)
	})
}

func TestCallbackAddressIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	fails := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("nobody there") })
	o := quiet()
	o.Callback = Callback{URL: "http://bridge/very-secret-path", Transport: fails}
	o.Logger = debugLog(&log)
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, o)
		live(t, s)
		s.SetUser("a", on("ios"), "")
		time.Sleep(time.Minute)
		synctest.Wait()
	})
	check(t, strings.Contains(log.String(), "nobody there"), "%s", &log)
	check(t, !strings.Contains(log.String(), "very-secret-path"), "%s", &log)
}

// Over a real connection, by the transport that a rule has of its own: more posts than go at once, and none is lost.
func TestCallbacksOverRealConnections(t *testing.T) {
	const n = 3 * callbacksAtOnce
	bodies := make(chan event, n)
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e event
		err := json.NewDecoder(r.Body).Decode(&e)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		bodies <- e
	}))
	defer far.Close()
	o := quiet()
	o.Callback = Callback{URL: far.URL + "/v1/callbacks/easemob"}
	s := newServer(t, o)
	live(t, s)
	told := make(map[string]bool)
	for _, uid := range names("u", n) {
		s.SetUser(uid, on("ios"), "")
	}
	for range n {
		told[(<-bodies).User] = true
	}
	equal(t, len(told), n)
}
