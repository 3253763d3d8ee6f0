package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// emulatorCommand is the emulator alone. Where 0 means a default to the emulator, it means nothing here.
type emulatorCommand struct {
	Listen       string        `variable:"EMULATOR_LISTEN" group:"vendor" default:"127.0.0.1:9090" help:"Where it listens."`
	Org          string        `variable:"EMULATOR_ORG" group:"vendor" default:"demo" help:"Served under /{org}/{app}."`
	App          string        `variable:"EMULATOR_APP" group:"vendor" default:"presence" help:"Served under /{org}/{app}."`
	AppID        string        `name:"app-id" variable:"EMULATOR_APP_ID" group:"vendor" placeholder:"ID" help:"Served under /app-id/{id} as well."`
	ClientID     string        `name:"client-id" variable:"EMULATOR_CLIENT_ID" group:"vendor" default:"id" help:"What POST /token takes."`
	ClientSecret string        `variable:"EMULATOR_CLIENT_SECRET" group:"vendor" default:"secret" help:"What POST /token takes."`
	Token        string        `variable:"EMULATOR_TOKEN" group:"vendor" placeholder:"TOKEN" help:"A fixed app token that is accepted as well."`
	TokenTTL     time.Duration `name:"token-ttl" variable:"EMULATOR_TOKEN_TTL" group:"vendor" default:"1440h" help:"Lifetime of a minted token."`

	peopleSettings
	strictSettings
	faultSettings
	callbackSettings
	logSettings
}

type peopleSettings struct {
	Users       int     `variable:"EMULATOR_USERS" group:"people" default:"200" help:"People who live here: user-0001, user-0002, ..."`
	ChangesPerS float64 `variable:"EMULATOR_CHANGES_PER_S" group:"people" default:"5" help:"Observable changes a second, all people together, in the mean."`
	Paused      bool    `variable:"EMULATOR_PAUSED" group:"people" help:"Nobody changes by themselves."`
	Seed        uint64  `variable:"EMULATOR_SEED" group:"people" default:"0" help:"Of the population and of the dice that throw faults."`
}

type strictSettings struct {
	LimitPerS        int           `variable:"EMULATOR_LIMIT_PER_S" group:"strict" default:"50" help:"Calls a second of each kind before 429; 0: no limit."`
	MaxSubscriptions int           `variable:"EMULATOR_MAX_SUBSCRIPTIONS" group:"strict" default:"3000" help:"Of an operator; more silently evict those that end soonest."`
	Numbers          bool          `variable:"EMULATOR_NUMBERS" group:"strict" help:"JSON numbers where the vendor's samples have strings."`
	NeedSubscription bool          `variable:"EMULATOR_NEED_SUBSCRIPTION" group:"strict" help:"Batch get answers only for users whom its caller subscribes to."`
	ListLag          time.Duration `variable:"EMULATOR_LIST_LAG" group:"strict" default:"10s" help:"The list of subscriptions shows what was so long ago; 0s: no lag."`
	MaxPageSize      int           `variable:"EMULATOR_MAX_PAGE_SIZE" group:"strict" default:"500" help:"Of the list of subscriptions; more is clamped."`
	NotActivated     bool          `variable:"EMULATOR_NOT_ACTIVATED" group:"strict" help:"Presence was never switched on for the app."`
}

type faultSettings struct {
	LatencyMS        int     `name:"latency-ms" variable:"EMULATOR_LATENCY_MS" group:"faults" default:"0" help:"An answer waits so long, in milliseconds."`
	ErrorRate        float64 `variable:"EMULATOR_ERROR_RATE" group:"faults" default:"0" help:"A call is answered with the error status and does nothing."`
	ErrorStatus      int     `variable:"EMULATOR_ERROR_STATUS" group:"faults" default:"503" help:"The status of --error-rate."`
	ResetRate        float64 `variable:"EMULATOR_RESET_RATE" group:"faults" default:"0" help:"A call does its work, and the connection is reset."`
	MalformedRate    float64 `variable:"EMULATOR_MALFORMED_RATE" group:"faults" default:"0" help:"An answer is cut short or garbled on its way."`
	DropEntryRate    float64 `variable:"EMULATOR_DROP_ENTRY_RATE" group:"faults" default:"0" help:"A user is left out of an answer."`
	DuplicateKeyRate float64 `variable:"EMULATOR_DUPLICATE_KEY_RATE" group:"faults" default:"0" help:"A device is in a status twice."`
	EmptyUIDRate     float64 `name:"empty-uid-rate" variable:"EMULATOR_EMPTY_UID_RATE" group:"faults" default:"0" help:"A user's uid is empty."`
	Outage           bool    `variable:"EMULATOR_OUTAGE" group:"faults" help:"Calls are reset or answered with 503, in turns."`
	ClientCallsPerS  int     `variable:"EMULATOR_CLIENT_CALLS_PER_S" group:"faults" default:"0" help:"What the app's own clients take of the limit of calls."`
}

type callbackSettings struct {
	CallbackURL    string `name:"callback-url" variable:"EMULATOR_CALLBACK_URL" group:"callback" placeholder:"URL" help:"Where every login and logout of a device is posted to."`
	CallbackSecret string `variable:"EMULATOR_CALLBACK_SECRET" group:"callback" placeholder:"SECRET" help:"Of the rule; signs what is posted."`
}

func (*emulatorCommand) examples() string {
	return `
presence-bridge emulator --users 1000 --changes-per-s 20

# a vendor on a bad day
presence-bridge emulator --latency-ms 300 --error-rate 0.05 --drop-entry-rate 0.01

# what is true, what was asked, and a fault while it runs
curl http://127.0.0.1:9090/_emulator/users?uids=user-0001
curl http://127.0.0.1:9090/_emulator/stats
curl -X PUT http://127.0.0.1:9090/_emulator/faults -d '{"outage":true}'
`
}

func (c *emulatorCommand) problems() []error {
	var wrong problems
	wrong.add(checkListen("EMULATOR_LISTEN", c.Listen))
	wrong.add(c.logSettings.problems()...)
	wrong.check(c.TokenTTL != 0, "EMULATOR_TOKEN_TTL is 0s: want 1s or more")
	wrong.check(c.MaxSubscriptions != 0, "EMULATOR_MAX_SUBSCRIPTIONS is 0: want 1 or more")
	wrong.check(c.MaxPageSize != 0, "EMULATOR_MAX_PAGE_SIZE is 0: want 1 or more")
	wrong.add(c.options(nil).Validate())
	return wrong.list
}

func (c *emulatorCommand) options(log *slog.Logger) emulator.Options {
	return emulator.Options{
		Org: c.Org, App: c.App, AppID: c.AppID,
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, Token: c.Token, TokenTTL: c.TokenTTL,
		Users: zeroIsNone(c.Users), ChangesPerS: c.ChangesPerS, Paused: c.Paused || c.ChangesPerS == 0, Seed: c.Seed,
		LimitPerS: zeroIsNone(c.LimitPerS), MaxSubscriptions: c.MaxSubscriptions, Numbers: c.Numbers,
		NeedSubscription: c.NeedSubscription, ListLag: zeroIsNone(c.ListLag), MaxPageSize: c.MaxPageSize,
		NotActivated: c.NotActivated,
		Faults:       c.faults(),
		Callback:     emulator.Callback{URL: c.CallbackURL, Secret: c.CallbackSecret},
		Logger:       log,
	}
}

// zeroIsNone turns what a person means by 0 into what the emulator takes for none.
func zeroIsNone[T int | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

func (s faultSettings) faults() emulator.Faults {
	return emulator.Faults{
		LatencyMS: s.LatencyMS, ErrorRate: s.ErrorRate, ErrorStatus: s.ErrorStatus, ResetRate: s.ResetRate,
		MalformedRate: s.MalformedRate, DropEntryRate: s.DropEntryRate, DuplicateKeyRate: s.DuplicateKeyRate,
		EmptyUIDRate: s.EmptyUIDRate, Outage: s.Outage, ClientCallsPerS: s.ClientCallsPerS,
	}
}

func (c *emulatorCommand) run(ctx context.Context, p *process) error {
	log := c.logger(p.stderr)
	running := newParts(log)
	defer running.stop()
	var l net.Listener
	at := place{"--listen", "EMULATOR_LISTEN", c.Listen, "127.0.0.1:0", &l}
	if err := running.bind(ctx, "emulator", at); err != nil {
		return err
	}
	if err := running.emulate(l, c.options(log)); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "The vendor of %s#%s is played at http://%s\n", c.Org, c.App, l.Addr())
	return running.wait(ctx)
}

// emulate plays the vendor on a listener.
func (p *parts) emulate(l net.Listener, o emulator.Options) error {
	server, err := emulator.New(o)
	if err != nil {
		return err
	}
	p.start("emulator", server.Run)
	p.serveHTTP("emulator's listener", l, server)
	return nil
}
