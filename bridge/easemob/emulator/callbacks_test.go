package emulator

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// receiver is the far end of a callback.
type receiver struct {
	answer func(n int) (status int, body string) // of the n-th post, from 1; nil: 200; status 0: no answer

	mu    sync.Mutex
	posts []post
}

type post struct {
	at   time.Time
	body string
	event
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	p := post{at: time.Now(), body: string(b)}
	if err := json.Unmarshal(b, &p.event); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.posts = append(r.posts, p)
	n := len(r.posts)
	r.mu.Unlock()
	status, body := 200, "ok"
	if r.answer != nil {
		status, body = r.answer(n)
	}
	if status == 0 {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {"http://bridge/elsewhere"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func (r *receiver) got() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posts)
}

// told are what came, device by device.
func (r *receiver) told() (lines []string) {
	for _, p := range r.got() {
		_, device, _ := strings.Cut(p.User, "/")
		lines = append(lines, device+" "+string(p.Reason))
	}
	slices.Sort(lines)
	return lines
}

// calling are options under which nothing happens by itself.
func calling(r *receiver) Options {
	o := quiet()
	o.Callback = Callback{URL: "http://bridge/v1/callbacks/easemob", Secret: "s3cret", Transport: r}
	return o
}

// inBubble runs a server in fake time.
func inBubble(t *testing.T, o Options, test func(t *testing.T, s *Server)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, o)
		live(t, s)
		test(t, s)
	})
}

func on(devices ...string) map[string]string {
	status := make(map[string]string)
	for _, device := range devices {
		status[device] = "1"
	}
	return status
}

var callID = regexp.MustCompile(`^demo#presence_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func TestCallbacksAreAsSampled(t *testing.T) {
	r := new(receiver)
	inBubble(t, calling(r), func(t *testing.T, s *Server) {
		s.SetUser("A_b", on("ios_1"), "")
		s.SetUser("a_b", map[string]string{"ios_1": "100"}, "hi") // neither login nor logout
		s.SetUser("a_b", on("ios_2"), "hi")
		s.SetUser("a_b", nil, "hi")
		synctest.Wait()
		equal(t, r.told(), []string{"ios_1 login", "ios_1 replaced", "ios_2 login", "ios_2 logout"})
		ids := make(map[string]bool)
		for _, p := range r.got() {
			var got, want map[string]any
			noError(t, json.Unmarshal([]byte(p.body), &got))
			noError(t, json.Unmarshal([]byte(sample(t, "callback_"+string(p.Reason)+".json")), &want))
			equal(t, len(got), len(want))
			for key := range want {
				check(t, fmt.Sprintf("%T", got[key]) == fmt.Sprintf("%T", want[key]), "%s is %v", key, got[key])
			}
			for _, key := range []string{"reason", "status", "os", "version"} {
				equal(t, got[key], want[key])
			}
			check(t, strings.HasPrefix(p.User, "demo#presence_a_b@easemob.com/ios_"), "user %s", p.User)
			check(t, callID.MatchString(p.CallID) && !ids[p.CallID], "callId %s", p.CallID)
			ids[p.CallID] = true
			equal(t, p.Timestamp, time.Now().UnixMilli())
			equal(t, p.Security, fmt.Sprintf("%x", md5.Sum(fmt.Appendf(nil, "%ss3cret%d", p.CallID, p.Timestamp))))
		}
	})
}

// Whoever leaves because another device came is told apart from whoever leaves.
func TestReplacedIsOfOnePlatform(t *testing.T) {
	r := new(receiver)
	inBubble(t, calling(r), func(t *testing.T, s *Server) {
		s.SetUser("a", on("ios", "win_1"), "")
		s.SetUser("a", on("ios_2"), "")
		synctest.Wait()
		equal(t, r.told(), []string{"ios login", "ios replaced", "ios_2 login", "win_1 login", "win_1 logout"})
	})
}

// A status that is set through the API is no client that connects.
func TestSetIsNoLogin(t *testing.T) {
	r := new(receiver)
	inBubble(t, calling(r), func(t *testing.T, s *Server) {
		ask(t, s, "POST", "/users/a/presence/web_1/1", `{"ext":""}`)
		equal(t, s.Users("a")["a"].Status, on("web_1"))
		time.Sleep(time.Hour)
		equal(t, len(r.got()), 0)
	})
}

func TestCallbacksOfADeviceAreMerged(t *testing.T) {
	r := new(receiver)
	o := calling(r)
	o.Callback.Merge = time.Second
	inBubble(t, o, func(t *testing.T, s *Server) {
		start := time.Now()
		s.SetUser("a", on("ios_1"), "")
		time.Sleep(500 * time.Millisecond)
		s.SetUser("a", on("ios_2"), "")
		time.Sleep(499 * time.Millisecond)
		s.SetUser("a", on("ios_1", "ios_2"), "")
		synctest.Wait()
		equal(t, len(r.got()), 0)
		equal(t, s.Users("a")["a"].Status, on("ios_1", "ios_2")) // the API does not wait
		time.Sleep(time.Millisecond)
		synctest.Wait()
		equal(t, r.told(), []string{"ios_1 login"})
		equal(t, r.got()[0].Timestamp, start.Add(999*time.Millisecond).UnixMilli())
		equal(t, s.Stats().Callbacks, CallbackStats{Events: 4, Merged: 2, Sent: 1, Waiting: 1})
		time.Sleep(500 * time.Millisecond)
		s.SetUser("a", on("ios_2"), "") // after its second: told by itself
		time.Sleep(time.Minute)
		equal(t, r.told(), []string{"ios_1 login", "ios_1 logout", "ios_2 login"})
	})
}

// That a user's flapping is merged is known of what is pushed to SDKs alone (ED24).
func TestNoCallbackIsMergedUnasked(t *testing.T) {
	r := new(receiver)
	inBubble(t, calling(r), func(t *testing.T, s *Server) {
		for range 3 {
			s.SetUser("a", on("ios"), "")
			s.SetUser("a", nil, "")
		}
		synctest.Wait()
		equal(t, r.told(), []string{"ios login", "ios login", "ios login", "ios logout", "ios logout", "ios logout"})
		equal(t, s.Stats().Callbacks, CallbackStats{Events: 6, Sent: 6})
	})
}

func TestEveryCallbackIsAccountedFor(t *testing.T) {
	r := &receiver{answer: func(n int) (int, string) {
		if n%1000 > 900 { // enough in a row for a ban
			return 503, ""
		}
		return 200, strings.Repeat("x", 1000+n%20/19)
	}}
	o := Options{ChangesPerS: 20, VanishRate: 0.3, Callback: Callback{URL: "http://bridge/", Merge: time.Second, Transport: r}, Faults: Faults{
		CallbackLostRate: 0.1, CallbackLateRate: 0.2, CallbackLateMS: 3000, CallbackRepeatRate: 0.1, CallbackSwapRate: 0.3}}
	inBubble(t, o, func(t *testing.T, s *Server) {
		time.Sleep(20 * time.Minute)
		noError(t, s.SetPopulation(Population{Users: 200, Paused: true}))
		time.Sleep(time.Minute)
		synctest.Wait()
		c, f := s.Stats().Callbacks, s.FaultsFired()
		t.Logf("%+v %+v", c, f)
		equal(t, c.Waiting+c.InFlight, 0)
		equal(t, c.Sent+c.Merged+c.Lost+c.Banned+f.CallbackLost, c.Events+f.CallbackRepeat)
		equal(t, len(r.got()), c.Sent+c.Failed)
		for what, n := range map[string]int{"sent": c.Sent, "merged": c.Merged, "lost": c.Lost, "banned": c.Banned, "bans": c.Bans, "too long": c.TooLong,
			"late": f.CallbackLate, "repeat": f.CallbackRepeat, "swap": f.CallbackSwap} {
			check(t, n > 0, "nothing is %s: %+v %+v", what, c, f)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
