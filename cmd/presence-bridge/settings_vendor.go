package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/hub/keeper"
	"github.com/presence-bridge/presence-bridge/poller"
)

// vendorSettings say where the vendor is, which app is meant, and who we are there.
type vendorSettings struct {
	EasemobURL          string `name:"easemob-url" variable:"EASEMOB_URL" group:"vendor" placeholder:"URL" help:"Scheme and host of the REST API, like https://a1.easemob.com. A hub without it is a read-only edge hub: no keeper, no set."`
	EasemobOrg          string `variable:"EASEMOB_ORG" group:"vendor" placeholder:"ORG" help:"The org of the app key org#app."`
	EasemobApp          string `variable:"EASEMOB_APP" group:"vendor" placeholder:"APP" help:"The app of the app key org#app."`
	EasemobAppID        string `name:"easemob-app-id" variable:"EASEMOB_APP_ID" group:"vendor" placeholder:"ID" help:"The app id, instead of org and app."`
	EasemobToken        string `variable:"EASEMOB_TOKEN" group:"vendor" placeholder:"TOKEN" help:"A fixed app token. Prefer the variable: others on the machine see flags."`
	EasemobClientID     string `name:"easemob-client-id" variable:"EASEMOB_CLIENT_ID" group:"vendor" placeholder:"ID" help:"With the secret, instead of a fixed token: tokens are minted and refreshed."`
	EasemobClientSecret string `variable:"EASEMOB_CLIENT_SECRET" group:"vendor" placeholder:"SECRET" help:"Of the client id. Prefer the variable: others on the machine see flags."`
	EasemobStatus       string `variable:"EASEMOB_STATUS" group:"vendor" default:"presence" help:"presence asks the presence calls, which an app has to buy. online asks POST /users/batch/status instead: online or offline only, status and ext stay empty, operators are not needed, nobody is subscribed, and nobody can be set. It has to be the same in every process of a bridge."`
	EmulatorURL         string `name:"emulator-url" variable:"EMULATOR_URL" group:"vendor" placeholder:"URL" help:"Where a \"presence-bridge emulator\" with its default settings plays the vendor for as long as no EASEMOB setting names a real one. To serve it means AUTH=none as well, unless another AUTH setting is there."`
}

// vendorRate is what the vendor documents: calls a second of each kind, for an app.
const vendorRate = 50

// maxRate is far beyond what any app is granted, and still a rate.
const maxRate = 10_000

// rateSettings is the budget of calls.
type rateSettings struct {
	EasemobRate float64 `variable:"EASEMOB_RATE" aliases:"rate" group:"vendor" default:"40" help:"Calls a second of each kind (get, subscribe, ...). The vendor counts each kind by itself, 50 a second for the whole app, its own clients included."`
}

// config is how the client is made.
func (s vendorSettings) config(rate float64, logger *slog.Logger) easemob.Config {
	return easemob.Config{
		URL: s.EasemobURL, Org: s.EasemobOrg, App: s.EasemobApp, AppID: s.EasemobAppID,
		Token: s.EasemobToken, ClientID: s.EasemobClientID, ClientSecret: s.EasemobClientSecret,
		Rate: rate, Logger: logger,
	}
}

// online says whether the vendor is asked who is online, and no more.
// problems names the setting that says where the vendor is: EMULATOR_URL, where that stands in for it.
func (s vendorSettings) problems(rate float64) []error {
	var wrong problems
	wrong.add(s.config(rate, nil).Validate())
	for i, err := range wrong.list {
		if s.EmulatorURL != "" && s.EasemobURL == s.EmulatorURL {
			wrong.list[i] = errors.New(strings.NewReplacer("EASEMOB_URL", "EMULATOR_URL", "https://a1.easemob.com", "http://127.0.0.1:9090").Replace(err.Error()))
		}
	}
	return wrong.list
}

func (s vendorSettings) online() bool { return s.EasemobStatus == "online" }

func (s vendorSettings) checkStatus() error {
	if s.EasemobStatus == "presence" || s.online() {
		return nil
	}
	return fmt.Errorf("EASEMOB_STATUS is %q: want presence or online", s.EasemobStatus)
}

// app is the app's place among the subjects.
func (s vendorSettings) app() bridge.App { return appOf(s.EasemobOrg, s.EasemobApp, s.EasemobAppID) }

func appOf(org, app, id string) bridge.App {
	if id != "" {
		return bridge.App{Org: "app-id", Name: id}
	}
	return bridge.App{Org: org, Name: app}
}

// checkApp tells what is wrong with the names of an app alone, as who only reads the stream needs them.
func checkApp(org, app, id string) error {
	// The client knows what an app can be called; the rest of this never leaves the function.
	return easemob.Config{URL: "https://unused.invalid", Token: "unused", Org: org, App: app, AppID: id}.Validate()
}

// standIn fills in the emulator where it is offered and nothing at all is said about a real vendor. Half a
// vendor is a mistake that has to come out, not a reason to show invented people.
func (s *vendorSettings) standIn() bool {
	if s.EmulatorURL == "" || s.namesVendor() {
		return false
	}
	s.EasemobURL, s.EasemobOrg, s.EasemobApp = s.EmulatorURL, emulatedApp.Org, emulatedApp.Name
	s.EasemobClientID, s.EasemobClientSecret = emulatedClientID, emulatedClientSecret
	return true
}

// namesVendor says whether anything is said about a real vendor.
func (s vendorSettings) namesVendor() bool {
	return s.EasemobURL+s.EasemobOrg+s.EasemobApp+s.EasemobAppID+s.EasemobToken+s.EasemobClientID+s.EasemobClientSecret != ""
}

// pollerSettings are what the poller and the keeper need beside the vendor.
type pollerSettings struct {
	EasemobOperators []string      `variable:"EASEMOB_OPERATORS" group:"poller" placeholder:"UID" help:"Registered users of the app, separated by commas, in whose name calls are made; each carries at most 3,000 subscriptions."`
	MaxStaleness     time.Duration `variable:"MAX_STALENESS" group:"poller" default:"30s" help:"Every watched user is asked at least this often, or the feed says that it is degraded."`
	SubscriptionTTL  time.Duration `name:"subscription-ttl" variable:"SUBSCRIPTION_TTL" group:"poller" default:"24h" help:"Lifetime of a subscription at the vendor, at most 720h; renewed between half and two thirds of it."`
}

func (s pollerSettings) operators() []string { return list(s.EasemobOperators) }

// problems are those of a poller that asks in the name of operators, or in nobody's.
func (s pollerSettings) problems(nameless bool) []error {
	var wrong problems
	// The parts know what they take. What they are not asked about here is given as they like it.
	wrong.add(poller.Config{Operators: s.operators(), Nameless: nameless, MaxStaleness: s.MaxStaleness, ID: "unused"}.Validate())
	wrong.add(keeper.Config{Operators: []string{"unused"}, TTL: s.SubscriptionTTL, ID: "unused"}.Validate())
	wrong.check(s.MaxStaleness != 0, "MAX_STALENESS is 0s: nobody can be asked that often")
	wrong.check(s.SubscriptionTTL != 0, "SUBSCRIPTION_TTL is 0s: want 1s to %v", easemob.MaxTTL)
	return wrong.list
}

func (s rateSettings) problems() []error {
	var wrong problems
	wrong.check(s.EasemobRate <= maxRate, "EASEMOB_RATE is %v: want %v calls a second at most", s.EasemobRate, maxRate)
	wrong.check(s.EasemobRate != 0, "EASEMOB_RATE is 0: that is no call at all") // the client refuses the rest
	return wrong.list
}
