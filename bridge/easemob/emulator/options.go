package emulator

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxBatch      = 100                 // users a call (SEED, all)
	maxUIDBytes   = 64                  // ED24 limitation
	maxExtBytes   = 1024                // ED24; 64 until 2024-07-10
	maxExpiry     = 30 * 24 * time.Hour // 2,592,000 s (ED24)
	maxDevices    = 100                 // device keys a user; that there is a limit is INF
	tokensPerS    = 300                 // POST /token of an app key (limitationapi)
	countsPerS    = 100                 // counts of groups (limitationapi)
	maxVendorBody = 64 << 10            // a full batch of escaped ids fits in 40 KiB
	maxAdminBody  = 1 << 20
	bodyWithin    = 10 * time.Second // for a body to arrive
	maxUsers      = 1_000_000
	maxPeople     = 2_000_000 // those who live here, and those whom somebody has set: a set makes who is not there

	maxSubscriptions = 1_000_000 // of everybody: some 300 MB
	maxRate          = 100_000.0
	maxVanish        = 24 * time.Hour
	maxMerge         = time.Hour
	maxLag           = time.Hour // of the list and of late subscriptions: what is under way is kept until then
)

// Options says what the emulated app is like. The zero value of each field is the default in its comment.
type Options struct {
	Org, App string // "demo", "presence": served under /{org}/{app}
	AppID    string // served under /app-id/{AppID} as well, when set

	ClientID, ClientSecret string        // "id", "secret": what POST /token takes
	Token                  string        // a fixed app token that is accepted as well; none when empty
	TokenTTL               time.Duration // lifetime of a token whose request names none: 60 days
	TokenTTLMillis         bool          // the ttl of a request is in milliseconds, as on the VIP 5 cluster (ED24)
	TokenBan               int           // requests for a token within a minute, and the account is banned for ten: 0, never
	AgoraToken             string        // what POST /token exchanges for an app token, Agora's way; nothing when empty

	Users       int     // people who live here, user-0001 and so on: 200; negative: nobody
	ChangesPerS float64 // observable changes a second over the whole population, in the mean: 5
	Paused      bool    // nobody changes by themselves
	Seed        uint64  // of the population and of the dice that throw faults

	DevicesPerPlatform int           // logged in at once; with one more the first is replaced: 4
	VanishRate         float64       // share of people's logouts that are vanishings: the network goes without a word
	VanishFor          time.Duration // the longest that a vanished device is shown online: 5 min

	// The vendor's limits, and what the app has bought.

	LimitPerS        int           // calls a second of each kind: 50; negative: no limit
	MaxSubscriptions int           // of an operator; one more, and the one with the least time left goes: 3000
	MaxSubscribers   int           // of a user, in the same way: 3000
	ListLag          time.Duration // sublist shows what was so long ago: 10 s; negative: no lag
	MaxExt           int           // bytes of ext: 1024; 64 before 2024-07-10
	NotActivated     bool          // presence was never switched on for the app
	GroupCount       bool          // the count of a group's users who are there was

	// Where the vendor's sources contradict each other, or leave a gap.

	Numbers          bool          // last_time, expiry and totalnum are JSON numbers (ED24 tables, TS5), not strings as in the samples
	Milliseconds     bool          // last_time and expiry in milliseconds (a comment in TS5), not in seconds
	LastTimeOnLogin  bool          // last_time moves on login and logout alone (SEED), not on every change, and on no set
	NeedSubscription bool          // batch get answers only for users whom its caller subscribes to (ED24, ED+)
	OmitUnknown      bool          // it leaves out who does not exist (a reading of ED24, ED+), instead of an entry with status []
	UsersMustExist   bool          // who acts without being there gets a 404 (JAVA), or nobody; otherwise a set makes them
	KeepCase         bool          // "Aa" and "aa" are two users, as URLs and bodies are case-sensitive (ED+ overview)
	KeepDuplicates   bool          // who is named twice is answered twice
	AnyOrder         bool          // users are answered in any order
	MaxPageSize      int           // of sublist: 500 (SEED, AG, SW); ED+ says 100
	PageSizeOver     string        // what becomes of a larger page: "clamp" makes it MaxPageSize; "refuse" is a 400
	ExpiryOver       string        // what becomes of more than 30 days: "refuse" is a 400; "clamp" makes it 30 days
	AsyncAbove       int           // subscribing more users than this is answered with nobody, and done later: 0, never
	AsyncDelay       time.Duration // so much later: 2 s; negative: at once
	TooManyQueries   bool          // beyond LimitPerS 400 "too many queries" (ED23, AG), not 429
	ErrorShape       string        // of presence's 400s: "seen", each as it was; all {"error":...}, "platform"; or {"result":...}, "bare"

	KeepHistory int    // states kept of each user for [Server.History]: 0, none
	Faults      Faults // what goes wrong from the start: nothing

	Callback Callback     // where logins and logouts are posted to: nowhere
	Logger   *slog.Logger // discards
}

// Callback is the vendor's "userStatus" rule: a POST for every login and logout of a device, sent by
// [Server.Run].
type Callback struct {
	URL       string            // none when empty
	Secret    string            // of the rule; signs as MD5(callId + secret + timestamp)
	Merge     time.Duration     // of what a device does within it the last is told, when it is over: 0, each is told at once
	Transport http.RoundTripper // one of its own
}

// Validate returns everything that is wrong with the options, joined. Each message begins with the option's name in snake
// case.
func (o Options) Validate() error {
	o = o.withDefaults()
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	check(isSegment(o.Org) && o.Org != "app-id" && o.Org != "_emulator", "org %q cannot be a path segment here", o.Org)
	check(isSegment(o.App), "app %q cannot be a path segment", o.App)
	check(o.AppID == "" || isSegment(o.AppID), "app_id %q cannot be a path segment", o.AppID)
	check(o.TokenTTL >= time.Second, "token_ttl is %v: want 1s or more", o.TokenTTL)
	check(o.MaxSubscriptions > 0, "max_subscriptions is %d: want 1 or more", o.MaxSubscriptions)
	check(o.MaxSubscribers > 0, "max_subscribers is %d: want 1 or more", o.MaxSubscribers)
	check(o.AsyncAbove >= 0, "async_above is %d: want 0 or more", o.AsyncAbove)
	check(o.ListLag <= maxLag, "list_lag is %v: want %v at most", o.ListLag, maxLag)
	check(o.AsyncDelay <= maxLag, "async_delay is %v: want %v at most", o.AsyncDelay, maxLag)
	check(o.MaxPageSize > 0, "max_page_size is %d: want 1 or more", o.MaxPageSize)
	check(o.MaxExt > 0, "max_ext is %d: want 1 byte or more", o.MaxExt)
	check(o.TokenBan >= 0, "token_ban is %d: want 0 or more", o.TokenBan)
	check(isExcess(o.PageSizeOver), "page_size_over is %q: want clamp or refuse", o.PageSizeOver)
	check(isExcess(o.ExpiryOver), "expiry_over is %q: want clamp or refuse", o.ExpiryOver)
	check(o.ErrorShape == shapeSeen || o.ErrorShape == shapePlatform || o.ErrorShape == shapeBare,
		"error_shape is %q: want seen, platform or bare", o.ErrorShape)
	check(o.DevicesPerPlatform > 0, "devices_per_platform is %d: want 1 or more", o.DevicesPerPlatform)
	check(o.VanishRate >= 0 && o.VanishRate <= 1, "vanish_rate is %v: want 0 to 1", o.VanishRate)
	check(o.VanishFor > 0 && o.VanishFor <= maxVanish, "vanish_for is %v: want more than 0s, and %v at most", o.VanishFor, maxVanish)
	check(o.KeepHistory >= 0, "keep_history is %d: want 0 or more", o.KeepHistory)
	wrong = append(wrong, o.Callback.validate(), o.population().Validate(), o.Faults.Validate())
	return errors.Join(wrong...)
}

func (c Callback) validate() error {
	var wrong []error
	u, err := url.Parse(c.URL)
	if c.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		wrong = append(wrong, fmt.Errorf("callback_url is %q: want an http(s) URL", c.URL))
	}
	if c.Merge < 0 || c.Merge > maxMerge {
		wrong = append(wrong, fmt.Errorf("callback_merge is %v: want 0s to %v", c.Merge, maxMerge))
	}
	return errors.Join(wrong...)
}

// What becomes of a number that is too large. The documents do not say.
const (
	clamp  = "clamp"
	refuse = "refuse"
)

// The shapes that Options.ErrorShape knows.
const (
	shapeSeen     = "seen"
	shapePlatform = "platform"
	shapeBare     = "bare"
)

func isExcess(s string) bool { return s == clamp || s == refuse }

func isSegment(s string) bool { return s != "" && !strings.ContainsAny(s, "/?#%") }

func (o Options) withDefaults() Options {
	setDefault(&o.Org, "demo")
	setDefault(&o.App, "presence")
	setDefault(&o.ClientID, "id")
	setDefault(&o.ClientSecret, "secret")
	setDefault(&o.TokenTTL, 60*24*time.Hour)
	setDefault(&o.Users, 200)
	setDefault(&o.ChangesPerS, 5)
	setDefault(&o.DevicesPerPlatform, 4) // ED24 limitation
	setDefault(&o.VanishFor, 5*time.Minute)
	setDefault(&o.LimitPerS, 50)
	setDefault(&o.MaxSubscriptions, 3000)
	setDefault(&o.ListLag, 10*time.Second)
	setDefault(&o.MaxSubscribers, 3000)
	setDefault(&o.AsyncDelay, 2*time.Second)
	setDefault(&o.MaxPageSize, 500)
	setDefault(&o.PageSizeOver, clamp)
	setDefault(&o.ExpiryOver, refuse)
	setDefault(&o.MaxExt, maxExtBytes)
	setDefault(&o.ErrorShape, shapeSeen)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// population is how the population starts.
func (o Options) population() Population {
	return Population{Users: max(o.Users, 0), ChangesPerS: o.ChangesPerS, Paused: o.Paused}
}
