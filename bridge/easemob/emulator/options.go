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
	maxExtBytes   = 1024                // was 64 until 2024-07-10 (ED24)
	maxExpiry     = 30 * 24 * time.Hour // 2,592,000 s (ED24)
	maxDevices    = 100                 // device keys a user (ED24 limitation.md)
	tokensPerS    = 300                 // POST /token of an app key (limitationapi)
	maxVendorBody = 64 << 10            // a full batch of escaped ids fits in 40 KiB
	maxAdminBody  = 1 << 20
	maxUsers      = 1_000_000
	maxRate       = 100_000.0
)

// Options says what the emulated app is like. The zero value of each field is the default in its comment.
type Options struct {
	Org, App string // "demo", "presence": served under /{org}/{app}
	AppID    string // served under /app-id/{AppID} as well, when set

	ClientID, ClientSecret string        // "id", "secret": what POST /token takes
	Token                  string        // a fixed app token that is accepted as well; none when empty
	TokenTTL               time.Duration // lifetime of a token whose request names none: 60 days

	Users       int     // people who live here, user-0001 and so on: 200; negative: nobody
	ChangesPerS float64 // observable changes a second over the whole population, in the mean: 5
	Paused      bool    // nobody changes by themselves
	Seed        uint64  // of the population and of the dice that throw faults

	LimitPerS        int           // calls a second of each kind: 50; negative: no limit
	MaxSubscriptions int           // of an operator: 3000
	Numbers          bool          // JSON numbers where the vendor's samples have strings
	NeedSubscription bool          // batch get answers only for users whom its caller subscribes to
	ListLag          time.Duration // sublist shows what was so long ago: 10 s; negative: no lag
	MaxPageSize      int           // of sublist; more is clamped: 500
	NotActivated     bool          // presence was never switched on for the app

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
	Transport http.RoundTripper // one of its own
}

// Validate returns everything that is wrong with the options, joined.
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
	check(o.AppID == "" || isSegment(o.AppID), "app id %q cannot be a path segment", o.AppID)
	check(o.TokenTTL >= time.Second, "token lifetime %v is less than a second", o.TokenTTL)
	check(o.MaxSubscriptions > 0, "%d subscriptions an operator: at least 1", o.MaxSubscriptions)
	check(o.MaxPageSize > 0, "page size %d: at least 1", o.MaxPageSize)
	check(o.KeepHistory >= 0, "history of %d states: 0 or more", o.KeepHistory)
	wrong = append(wrong, o.Callback.validate(), o.population().Validate(), o.Faults.Validate())
	return errors.Join(wrong...)
}

func (c Callback) validate() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("callback address %q is not an http(s) URL", c.URL)
	}
	return nil
}

func isSegment(s string) bool { return s != "" && !strings.ContainsAny(s, "/?#%") }

func (o Options) withDefaults() Options {
	setDefault(&o.Org, "demo")
	setDefault(&o.App, "presence")
	setDefault(&o.ClientID, "id")
	setDefault(&o.ClientSecret, "secret")
	setDefault(&o.TokenTTL, 60*24*time.Hour)
	setDefault(&o.Users, 200)
	setDefault(&o.ChangesPerS, 5)
	setDefault(&o.LimitPerS, 50)
	setDefault(&o.MaxSubscriptions, 3000)
	setDefault(&o.ListLag, 10*time.Second)
	setDefault(&o.MaxPageSize, 500)
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
