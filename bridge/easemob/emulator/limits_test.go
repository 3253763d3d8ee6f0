package emulator

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimitIsASlidingSecondOfAcceptedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.LimitPerS = 3
		s := newServer(t, o)
		for range 3 {
			equal(t, get(t, s, fixedToken), 200)
			time.Sleep(100 * time.Millisecond)
		}
		for range 7 { // rejected ones do not keep the window full
			equal(t, get(t, s, fixedToken), 429)
			time.Sleep(time.Second / 10)
		}
		for range 3 {
			equal(t, get(t, s, fixedToken), 200)
			time.Sleep(100 * time.Millisecond)
		}
		equal(t, get(t, s, fixedToken), 429)
	})
}

func TestLimitAnswer(t *testing.T) {
	o := quiet()
	o.LimitPerS = 1
	s := newServer(t, o)
	get(t, s, fixedToken)
	w := ask(t, s, "POST", "/users/op/presence", usernames("a"))
	equal(t, w.Code, 429)
	sameButForTime(t, w.Body.String(), `{"error":"reach_limit","exception":"RateLimitException","timestamp":0,"duration":0,"error_description":"This request has reached api limit"}`)
	equal(t, w.Header().Get("Retry-After"), "") // the vendor sends none
	equal(t, s.FaultsFired().Limit, 0)          // it is the app's own
}

// Each kind has a limit to itself, tokens one of their own; who is not let in uses up nothing.
func TestLimitsAreOfAKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.LimitPerS, o.GroupCount = 1, true
		s := newServer(t, o)
		s.SetUser("known", nil, "")
		equal(t, get(t, s, "nonsense"), 401)
		for _, c := range []struct{ method, path, body string }{
			{"POST", "/users/op/presence", usernames("a")},
			{"POST", "/users/op/presence/60", usernames("a")},
			{"POST", "/users/op/presence/web/1", `{"ext":""}`},
			{"DELETE", "/users/op/presence", bare("a")},
			{"GET", "/users/op/presence/sublist", ""},
			{"POST", "/users/batch/status", usernames("a")},
			{"GET", "/users/known/status", ""},
			{"GET", "/users/known/resources", ""},
		} {
			equal(t, ask(t, s, c.method, c.path, c.body).Code, 200)
			equal(t, ask(t, s, c.method, c.path, c.body).Code, 429)
		}
		for range countsPerS {
			equal(t, ask(t, s, "GET", "/presence/online/1/type/1", "").Code, 200)
		}
		equal(t, ask(t, s, "GET", "/presence/online/1/type/1", "").Code, 429)
		for range tokensPerS {
			mint(t, s, "")
		}
		equal(t, request(t, s, "POST", "/demo/presence/token", "", "").Code, 429)
	})
}

func TestDefaultLimitIsFifty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, quiet())
		for range 50 {
			equal(t, get(t, s, fixedToken), 200)
		}
		equal(t, get(t, s, fixedToken), 429)
	})
}

func TestClientsUseUpTheLimit(t *testing.T) {
	equal(t, limitOf(kindGet, 50, 20), 30)
	equal(t, limitOf(kindGet, 50, 70), 0)
	equal(t, limitOf(kindBatchStatus, 50, 20), 50) // counts REST alone
	equal(t, limitOf(kindStatus, 50, 20), 50)
	equal(t, limitOf(kindGroupCount, 50, 20), countsPerS)
	equal(t, limitOf(kindToken, 50, 20), tokensPerS)
	equal(t, limitOf(kindGet, -1, 20), -1)
}

// The peak is what counting by hand finds: the most arrivals of any half-open second.
func TestPeakIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.LimitPerS = 5
		s := newServer(t, o)
		rng := rand.New(rand.NewPCG(4, 4))
		var arrivals []time.Time
		for range 500 {
			time.Sleep(time.Duration(rng.ExpFloat64() * float64(100*time.Millisecond)))
			arrivals = append(arrivals, time.Now())
			get(t, s, fixedToken)
		}
		most := 0
		for i, from := range arrivals {
			n := 0
			for n = 0; i+n < len(arrivals) && arrivals[i+n].Sub(from) < time.Second; n++ {
			}
			most = max(most, n)
		}
		stats := s.Stats()
		equal(t, stats.PeakPerS, map[string]int{"get": most})
		check(t, stats.Rejected["429"] > 0, "nothing was rejected: arrivals were not told from accepted calls")
	})
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, quiet())
		mint(t, s, "")
		sub(t, s, "svc-1", 60, names("a", 5)...)
		sub(t, s, "svc-2", 60, "x")
		ask(t, s, "POST", "/users/svc-1/presence", usernames(names("a", 100)...))
		ask(t, s, "POST", "/users/svc-1/presence", usernames("a", "b"))
		ask(t, s, "POST", "/users/svc-1/presence", "nonsense")
		ask(t, s, "GET", "/nowhere", "")
		get(t, s, "nonsense")
		const callbacks = `"callbacks":{"events":0,"merged":0,"sent":0,"failed":0,"too_long":0,"lost":0,"banned":0,"bans":0,` +
			`"waiting":0,"in_flight":0}}`
		got, err := json.Marshal(s.Stats())
		noError(t, err)
		equal(t, string(got), `{"calls":{"batch_status":0,"get":4,"group_count":0,"resources":0,"set":0,"status":0,"sublist":0,"subscribe":2,"token":1,"unsubscribe":0},`+
			`"uids":{"get":102,"subscribe":6},"rejected":{"400":1,"401":1,"404":1,"429":0},"peak_per_s":{"get":4,"subscribe":2,"token":1},`+
			`"batches":{"get":{"full":1,"partial":1},"subscribe":{"full":0,"partial":2}},"subscriptions":{"svc-1":5,"svc-2":1},`+
			callbacks)
		s.ResetStats()
		got, err = json.Marshal(s.Stats())
		noError(t, err)
		equal(t, string(got), `{"calls":{"batch_status":0,"get":0,"group_count":0,"resources":0,"set":0,"status":0,"sublist":0,"subscribe":0,"token":0,"unsubscribe":0},`+
			`"uids":{"get":0,"subscribe":0},"rejected":{"401":0,"429":0},"peak_per_s":{},"batches":{"get":{"full":0,"partial":0}},`+
			`"subscriptions":{"svc-1":5,"svc-2":1},`+callbacks)
	})
}

// Other tests go by the names of the vendor's numbers; here is what they are.
func TestTheVendorsNumbers(t *testing.T) {
	o := Options{}.withDefaults()
	for _, n := range []struct {
		name, source string
		got, want    any
	}{
		{"users a call", "SEED", maxBatch, 100},
		{"bytes of a uid", "ED24 limitation", maxUIDBytes, 64},
		{"bytes of ext", "ED24", o.MaxExt, 1024},
		{"the longest subscription", "ED24", maxExpiry, 2_592_000 * time.Second},
		{"calls a second", "ED24, AG", o.LimitPerS, 50},
		{"tokens a second", "limitationapi", tokensPerS, 300},
		{"counts of groups a second", "limitationapi", countsPerS, 100},
		{"subscriptions of an operator", "ED24 limitation", o.MaxSubscriptions, 3000},
		{"subscribers of a user", "ED24 limitation", o.MaxSubscribers, 3000},
		{"users on a page", "SEED, AG, SW", o.MaxPageSize, 500},
		{"devices of a platform", "ED24 limitation", o.DevicesPerPlatform, 4},
		{"the lag of the list", "TEST", o.ListLag, 10 * time.Second},
		{"a token's life", "ED24", o.TokenTTL, 60 * 24 * time.Hour},
		{"until who vanished is found out", "ED+ product_user_presence", o.VanishFor, 5 * time.Minute},
		{"for a callback to be answered", "ED+ callback_login_logout", callbackTimeout, 60 * time.Second},
		{"characters of that answer", "ED+ callback_postsending", callbackMaxChars, 1000},
		{"failures that ban", "ED+ callback_postsending", banFailures, 90},
		{"within", "ED+ callback_postsending", banWindow, 30 * time.Second},
		{"for", "ED+ callback_postsending", banStep, 5 * time.Minute},
		{"and at the most", "ED+ callback_postsending", banSteps * banStep, 25 * time.Minute},
	} {
		check(t, n.got == n.want, "%s: %v, but %v it is (%s)", n.name, n.got, n.want, n.source)
	}
}
