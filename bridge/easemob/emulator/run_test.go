package emulator

import (
	"context"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// live runs s until the test ends, and waits for it.
func live(t *testing.T, s *Server) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		noError(t, <-ended)
	})
}

func TestOneRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		live(t, s)
		synctest.Wait()
		check(t, s.Run(t.Context()) != nil, "two of them run")
	})
}

func TestNewStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{ChangesPerS: 1000})
		before := s.Users()
		equal(t, len(before), 200)
		time.Sleep(time.Hour)
		equal(t, s.Users(), before)
	})
}

// The sequence of states is the seed's, whatever the rate at which it is played.
func TestRateDoesNotChangeTheScript(t *testing.T) {
	script := func(rate float64) (lines map[string][]string) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, Options{Users: 5, Seed: 3, ChangesPerS: rate, KeepHistory: 1000})
			live(t, s)
			time.Sleep(time.Duration(600 / rate * float64(time.Second)))
			synctest.Wait()
			lines = make(map[string][]string)
			for uid := range s.Users() {
				for _, m := range s.History(uid) {
					lines[uid] = append(lines[uid], fmt.Sprint(m.User.Status, m.User.Ext))
				}
			}
		})
		return lines
	}
	slow, fast := script(1), script(50)
	equal(t, len(slow), 5)
	for uid, states := range slow {
		n := min(len(states), len(fast[uid]))
		check(t, n > 20, "%s has lived through %d states only", uid, n)
		equal(t, states[:n], fast[uid][:n])
	}
}

// Under everything at once, no client is told of a state that was never there, and last_time does not go
// back for anybody who looks twice.
func TestNoClientSeesWhatWasNotThere(t *testing.T) {
	s := newServer(t, Options{Users: 20, ChangesPerS: 5000, Token: fixedToken, LimitPerS: -1, KeepHistory: 1 << 20,
		MaxSubscriptions: 15, Faults: Faults{DropEntryRate: 0.1, DuplicateKeyRate: 0.1}})
	live(t, s)
	all := make([]string, 20)
	for i := range all {
		all[i] = fmt.Sprintf("user-%04d", i+1)
	}
	type sight struct{ uid, status, ext, last string }
	var mu sync.Mutex
	sights := make(map[sight]bool) // guarded by mu
	client := func(t *testing.T, op int) {
		last := make(map[string]string)
		for i := range 200 {
			path := fmt.Sprintf("/users/op-%d/presence", op)
			if i%5 == 0 {
				path += "/60"
			}
			for _, e := range asked[[]gotEntry](t, s, "POST", path, usernames(all...)) {
				var status map[string]string
				noError(t, json.Unmarshal(e.Status, &withoutDevices{&status}))
				mu.Lock()
				sights[sight{e.UID, fmt.Sprint(status), e.Ext, e.LastTime}] = true
				mu.Unlock()
				check(t, e.LastTime >= last[e.UID], "last_time of %s went back", e.UID)
				last[e.UID] = e.LastTime
			}
			ask(t, s, "POST", fmt.Sprintf("/users/%s/presence/web_%d/%d", all[i%20], op, i%3), `{"ext":"set"}`)
			ask(t, s, "DELETE", fmt.Sprintf("/users/op-%d/presence", op), bare(all[:3]...))
			ask(t, s, "GET", fmt.Sprintf("/users/op-%d/presence/sublist?pageSize=9", op), "")
			s.Stats()
		}
	}
	t.Run("clients", func(t *testing.T) {
		for op := range 4 {
			t.Run(fmt.Sprint(op), func(t *testing.T) {
				t.Parallel()
				client(t, op)
			})
		}
	})
	noError(t, s.SetPopulation(Population{Paused: true}))
	was := make(map[sight]bool)
	for _, uid := range all {
		for _, m := range s.History(uid) {
			was[sight{uid, fmt.Sprint(m.User.Status), m.User.Ext, fmt.Sprint(m.User.LastTime)}] = true
		}
	}
	check(t, len(sights) > 100, "only %d states were seen", len(sights))
	for sight := range sights {
		check(t, was[sight], "never there: %v", sight)
	}
}

// withoutDevices reads a status, [] for none.
type withoutDevices struct{ into *map[string]string }

func (w *withoutDevices) UnmarshalJSON(b []byte) error {
	if string(b) == "[]" {
		*w.into = map[string]string{}
		return nil
	}
	return json.Unmarshal(b, w.into)
}

// receiver is the far end of a callback.
type receiver struct {
	mu     sync.Mutex
	bodies []string
	fail   int // so many first posts
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := io.ReadAll(req.Body)
	if r.bodies = append(r.bodies, string(b)); len(r.bodies) <= r.fail {
		return nil, errors.New("no answer")
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("ok")), Request: req}, err
}

func (r *receiver) events(t *testing.T) (events []event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, body := range r.bodies {
		var e event
		noError(t, json.Unmarshal([]byte(body), &e))
		events = append(events, e)
	}
	return events
}

func TestCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{fail: 1}
		o := quiet()
		o.Callback = Callback{URL: "http://bridge/v1/callbacks/easemob", Secret: "s3cret", Transport: r}
		s := newServer(t, o)
		live(t, s)
		s.SetUser("a_b", map[string]string{"ios_1": "1"}, "")     // login, posted twice: the first got no answer
		s.SetUser("a_b", map[string]string{"ios_1": "100"}, "hi") // neither login nor logout
		s.SetUser("a_b", map[string]string{"ios_1": "0", "web_2": "0"}, "hi")
		synctest.Wait()
		events := r.events(t)
		equal(t, len(events), 3)
		equal(t, events[0], events[1])
		for i, want := range []event{{Reason: "login", Status: "online"}, {Reason: "logout", Status: "offline"}} {
			got := events[i+1]
			equal(t, got.Reason+got.Status, want.Reason+want.Status)
			equal(t, got.User, "demo#presence_a_b@easemob.com/ios_1")
			equal(t, got.Timestamp, time.Now().UnixMilli())
			equal(t, got.Security, fmt.Sprintf("%x", md5.Sum(fmt.Appendf(nil, "%ss3cret%d", got.CallID, got.Timestamp))))
		}
		var want map[string]any
		noError(t, json.Unmarshal([]byte(sample(t, "callback_login.json")), &want))
		var got map[string]any
		noError(t, json.Unmarshal([]byte(r.bodies[2]), &got))
		equal(t, len(got), len(want))
		for key := range want {
			check(t, fmt.Sprintf("%T", got[key]) == fmt.Sprintf("%T", want[key]), "%s is %v", key, got[key])
		}
	})
}

func TestPopulationCallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(receiver)
		s := newServer(t, Options{Callback: Callback{URL: "http://bridge/", Transport: r}})
		live(t, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		check(t, len(r.events(t)) > 100, "only %d callbacks came", len(r.events(t)))
	})
}

// A receiver that never answers costs events, not memory, and does not hold up the population or the end.
func TestCallbacksDoNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := roundTripper(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		s := newServer(t, Options{ChangesPerS: 100, Callback: Callback{URL: "http://bridge/", Transport: stuck}})
		live(t, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, len(s.callbacks.queue), callbackBacklog)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
