package road

import (
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
)

const (
	rawUsers     = "/demo/presence/users/"
	rawGet       = rawUsers + "probe/presence"
	rawSubscribe = rawUsers + "probe/presence/60"
)

// dimensions are the questions that the sources leave open and the emulator can play.
var dimensions = []dimension{
	// Numbers, where the samples have strings (tables of ED24 and ED+, TS5).
	{{name: "numbers", vendor: func(o *emulator.Options) { o.Numbers = true },
		shows: answers("POST", rawSubscribe, `{"usernames":["user-0001"]}`, `"last_time":\d`)}},
	// Times in milliseconds (TS5's comments).
	{{name: "milliseconds", vendor: func(o *emulator.Options) { o.Milliseconds = true },
		shows: answers("POST", rawSubscribe, `{"usernames":["user-0001"]}`, `"last_time":"?\d{13}\b`)}},
	// last_time moves on login and logout alone (SEED).
	{{name: "last_time on login alone", vendor: func(o *emulator.Options) { o.LastTimeOnLogin = true }, shows: lastTimeRested}},
	// A get answers for subscriptions alone, or leaves out who does not exist (ED24, ED+; TS5 says otherwise).
	{{name: "get needs a subscription", vendor: func(o *emulator.Options) { o.NeedSubscription = true },
		shows: answers("POST", rawGet, `{"usernames":["user-0002"]}`, `^200 {"result":\[\]}`)}},
	{{name: "nobody is left out", vendor: func(o *emulator.Options) { o.OmitUnknown = true },
		shows: answers("POST", rawGet, `{"usernames":["nobody-1"]}`, `^200 {"result":\[\]}`)}},
	// Names: two users or one (ED+ overview, ED24 limitation), twice or once, in order or not.
	{{name: "names in capitals are others", vendor: func(o *emulator.Options) { o.KeepCase = true },
		shows: answers("POST", rawSubscribe, `{"usernames":["USER-0001"]}`, `"status":\[\]`)}},
	{{name: "in any order", vendor: func(o *emulator.Options) { o.AnyOrder = true }, shows: disordered}},
	{{name: "operators have to exist", vendor: func(o *emulator.Options) { o.UsersMustExist = true },
		shows: answers("POST", rawUsers+"never-there/presence/60", `{"usernames":["user-0001"]}`, `^404 `)}},
	// The samples have a key twice in a status, and a uid that is empty (SEED), which no other source speaks of.
	{{name: "keys twice, uids empty", vendor: func(o *emulator.Options) { o.Faults.DuplicateKeyRate, o.Faults.EmptyUIDRate = 0.5, 0.05 },
		shows: func(w *played) bool { return w.fired.DuplicateKey > 0 && w.fired.EmptyUID > 0 }}},
	{{name: "twice named, twice told", vendor: func(o *emulator.Options) { o.KeepDuplicates = true },
		shows: answers("POST", rawSubscribe, `{"usernames":["user-0001","user-0001"]}`, `"user-0001".*"user-0001"`)}},
	// Errors of one shape, whatever they are of. A call now and then is refused, so that there are some.
	{
		{name: "errors of the platform's shape", vendor: func(o *emulator.Options) { o.ErrorShape, o.Faults.TooManyQueriesRate = "platform", 0.1 },
			shows: answers("POST", rawSubscribe, `{"usernames":["probe"]}`, `^400 .*"error_description":"you can't sub yourself`)},
		{name: "errors of the bare shape", vendor: func(o *emulator.Options) { o.ErrorShape, o.Faults.TooManyQueriesRate = "bare", 0.1 },
			shows: answers("POST", rawGet, `{"usernames":[]}`, `^400 {"result":"usernames is empty"}`)},
	},
	// Subscribing more than five at once may be answered with nobody, and done later (ED24, for two days).
	{{name: "subscribes late above 5", vendor: func(o *emulator.Options) { o.AsyncAbove = 5 },
		shows: answers("POST", rawSubscribe, `{"usernames":["a","b","c","d","e","f"]}`, `^200 {"result":\[\]}`)}},
	// More than 30 days (API.md §10).
	{{name: "30 days, more is 30 days", vendor: func(o *emulator.Options) { o.ExpiryOver = "clamp" },
		bridge: func(r *road) { r.ttl = easemob.MaxTTL },
		shows:  answers("POST", rawUsers+"probe/presence/2592001", `{"usernames":["a"]}`, `^200 `)},
		{name: "30 days, more is refused", vendor: func(o *emulator.Options) { o.ExpiryOver = "refuse" },
			bridge: func(r *road) { r.ttl = easemob.MaxTTL },
			shows:  answers("POST", rawUsers+"probe/presence/2592001", `{"usernames":["a"]}`, `^400 `)}},
	// Pages of the list: 500 (SEED, AG, SW) or 100 (ED+), and what becomes of a larger one. The keeper finds on all of
	// them whom an earlier bridge has left behind.
	{
		{name: "pages of 100, larger ones clamped", vendor: paged(100, "clamp"), bridge: tidy, before: leftBehind, shows: tidied(`^200 `)},
		{name: "pages of 100, larger ones refused", vendor: paged(100, "refuse"), bridge: tidy, before: leftBehind, shows: tidied(`^400 `)},
		{name: "pages of 500, larger ones refused", vendor: paged(500, "refuse"), bridge: tidy, before: leftBehind, shows: tidied(`^400 `)},
	},
	// The ext takes 1024 bytes, or 64 as it did before July of 2024 (ED24). One that is longer is refused, and changes
	// nothing.
	{{name: "ext of 64 bytes", vendor: func(o *emulator.Options) { o.MaxExt = 64 }, midway: longExtIsRefused}},
	// Who has too many subscribers or subscriptions loses some without a word, from either end.
	{{name: "one subscriber a user", vendor: func(o *emulator.Options) { o.MaxSubscribers = 1 },
		shows: func(w *played) bool {
			return answers("POST", rawSubscribe, `{"usernames":["user-0003"]}`, `^200 `)(w) && len(unsubscribed(w.road, []string{"user-0003"})) == 1
		}}},
	// The path (SW, newest AG).
	{{name: "by app id", vendor: func(o *emulator.Options) { o.AppID = "0a1b2c" }, bridge: func(r *road) { r.appID = "0a1b2c" },
		shows: answers("POST", "/app-id/0a1b2c/users/probe/presence/60", `{"usernames":["a"]}`, `^200 `)}},
	// 50 calls a second (ED24, AG, SW) or 100 (ED+), and what is said beyond it (429; 400 in ED23 and AG).
	{
		{name: "100 calls a second", vendor: func(o *emulator.Options) { o.LimitPerS = 100 }, bridge: func(r *road) { r.rate = 90 },
			shows: func(w *played) bool { return manyCalls(w, 80) }},
		{name: "50 calls a second, clients take 47", vendor: func(o *emulator.Options) { o.Faults.ClientCallsPerS = 47 },
			shows: func(w *played) bool { return w.stats.Rejected["429"] > 0 && w.fired.Limit > 0 && !manyCalls(w, 80) }},
		{name: "too many queries, clients take all but 2", vendor: func(o *emulator.Options) { o.TooManyQueries, o.Faults.ClientCallsPerS = true, 48 },
			shows: func(w *played) bool { return w.stats.Rejected["400"] > 0 && w.stats.Rejected["429"] == 0 }},
	},
	// Callbacks: an app has bought them, or not; and of what a device does in quick succession each is told, or the last
	// alone (ED24, of what is pushed to SDKs). Sent are those that the hub took.
	{
		{name: "callbacks", vendor: callsBack, shows: func(w *played) bool { return w.stats.Callbacks.Sent > 0 && w.stats.Callbacks.Merged == 0 }},
		{name: "callbacks, merged", vendor: callsBackMerged, midway: flaps,
			shows: func(w *played) bool { return w.stats.Callbacks.Sent > 0 && w.stats.Callbacks.Merged > 0 }},
	},
	// A token's life in seconds, or in milliseconds (VIP 5), and one that ends before its time.
	{
		{name: "tokens live a second", vendor: func(o *emulator.Options) { o.TokenTTL = time.Second },
			shows: func(w *played) bool { return w.stats.Calls["token"] > 3 }},
		{name: "tokens live milliseconds", vendor: func(o *emulator.Options) { o.TokenTTL, o.TokenTTLMillis = time.Second, true },
			shows: answers("POST", "/demo/presence/token", `{"grant_type":"client_credentials","client_id":"id","client_secret":"secret","ttl":1500}`, `"expires_in":2\b`)},
		{name: "tokens are revoked", midway: func(w *played) { w.emulator.RevokeTokens() },
			shows: func(w *played) bool { return w.stats.Rejected["401"] > 0 }},
		{name: "banned for 8 tokens a minute", vendor: func(o *emulator.Options) { o.TokenBan = 8 },
			midway: func(w *played) { w.emulator.RevokeTokens() },
			shows:  func(w *played) bool { return w.stats.Rejected["401"] > 0 && w.stats.Calls["token"] < 8 }},
	},
}

// onlineWorlds are of an app that has not bought presence. No call of presence is answered there, so that nothing of
// the above is to be seen.
var onlineWorlds = []world{
	onlineAlone,
	combined("online alone, with more", onlineAlone, named("by app id"), named("callbacks"), named("tokens live a second")),
}

var onlineAlone = world{name: "online alone", vendor: func(o *emulator.Options) { o.NotActivated = true }, bridge: func(r *road) { r.online = true },
	shows: answers("POST", "/demo/presence/users/probe/presence", `{"usernames":["user-0001"]}`, `^400 .*the app not open presence`)}

// named is the world of that name, but for what shows it.
func named(name string) world {
	for _, d := range dimensions {
		for _, w := range d {
			if w.name == name {
				w.shows = nil
				return w
			}
		}
	}
	panic("no world has the name " + name)
}

// kept are listeners of hubs that are still to come, by address: one that was given back might be somebody else's by then.
var kept sync.Map

// callsBack makes the vendor call where a hub will listen.
func callsBack(o *emulator.Options) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	kept.Store(l.Addr().String(), l)
	o.Callback = emulator.Callback{URL: "http://" + l.Addr().String() + hub.CallbackPath, Secret: "secret-of-the-rule"}
}

func callsBackMerged(o *emulator.Options) {
	callsBack(o)
	o.Callback.Merge = 300 * time.Millisecond
}

// flaps has a device of somebody's come and go within a moment.
func flaps(w *played) {
	for _, value := range []string{"1", "0", "1", "0"} {
		w.emulator.SetUser("user-0005", map[string]string{"ios_flapping": value}, "in a tunnel")
	}
}

// answers says that the vendor answers a call so.
func answers(method, path, body, pattern string) func(*played) bool {
	return func(w *played) bool {
		got := w.raw(method, path, body)
		if regexp.MustCompile(pattern).MatchString(got) {
			return true
		}
		w.t.Errorf("%s %s %s is answered with %s, not %s", method, path, body, got, pattern)
		return false
	}
}

// manyCalls makes so many calls at once, and says whether none of them was too many.
func manyCalls(w *played, n int) bool {
	before := w.emulator.Stats().Rejected["429"]
	var all sync.WaitGroup
	for range n {
		all.Go(func() { w.ask("GET", rawGet+"/sublist", "") })
	}
	all.Wait()
	return w.emulator.Stats().Rejected["429"] == before
}

// lastTimeRested says that somebody's ext changed in a later second, and last_time did not.
func lastTimeRested(w *played) bool {
	for _, uid := range w.uids {
		history := w.emulator.History(uid)
		for i := 1; i < len(history); i++ {
			if a, b := history[i-1], history[i]; a.User.Ext != b.User.Ext && a.User.LastTime == b.User.LastTime && b.At.Unix() > b.User.LastTime {
				return true
			}
		}
	}
	return false
}

// disordered says that an answer names people in another order than they were asked for.
func disordered(w *played) bool {
	const asked = `{"usernames":["user-0001","user-0002","user-0003","user-0004","user-0005"]}`
	for range 20 {
		var named []string
		for _, m := range regexp.MustCompile(`"uid":"([^"]*)"`).FindAllStringSubmatch(w.raw("POST", rawSubscribe, asked), -1) {
			named = append(named, m[1])
		}
		if !slices.IsSorted(named) {
			return true
		}
	}
	return false
}

func paged(size int, over string) func(*emulator.Options) {
	return func(o *emulator.Options) { o.MaxPageSize, o.PageSizeOver, o.ListLag = size, over, -1 }
}

// tidy looks at the list early and again, for there may be entries that name nobody, and releases soon.
func tidy(r *road) {
	r.keeper.Settle, r.keeper.Linger, r.keeper.Reconcile = 200*time.Millisecond, 200*time.Millisecond, 3*time.Second
}

// leftBehind are users whom an earlier bridge has subscribed, and nobody watches any more.
func leftBehind(w *played) {
	for page := range 3 {
		var uids []string
		for i := range 80 {
			uids = append(uids, fmt.Sprintf(`"left-%d-%d"`, page, i))
		}
		w.raw("POST", rawUsers+operators[page%2]+"/presence/3600", `{"usernames":[`+strings.Join(uids, ",")+`]}`)
	}
	eventually(w.t, 5*time.Second, "they are subscribed", func() bool { return w.leftBehind() == 3*80 })
}

// leftBehind counts them in the vendor's own books.
func (w *played) leftBehind() (n int) {
	for _, operator := range operators {
		for uid := range w.emulator.Subscriptions(operator) {
			if strings.HasPrefix(uid, "left-") {
				n++
			}
		}
	}
	return n
}

// tidied says that in the end none of those is subscribed, and what becomes of a page that is too large.
func tidied(over string) func(*played) bool {
	return func(w *played) bool {
		eventually(w.t, 10*time.Second, "who was left behind is released", func() bool { return w.leftBehind() == 0 })
		return answers("GET", rawUsers+"probe/presence/sublist?pageNum=1&pageSize=501", "", over)(w)
	}
}

func longExtIsRefused(w *played) {
	w.t.Helper()
	eventually(w.t, 5*time.Second, "a long ext is refused", func() bool {
		return w.put("user-0008", `{"status":"1","ext":"`+strings.Repeat("x", 65)+`"}`) == http.StatusBadRequest
	})
}
