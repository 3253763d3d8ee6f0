package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
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

	tokenSettings
	peopleSettings
	rulesSettings
	worldSettings
	faultSettings
	callbackFaultSettings
	callbackSettings
	logSettings
}

// tokenSettings are what else is known of POST /token.
type tokenSettings struct {
	TokenTTLMillis bool   `name:"token-ttl-millis" variable:"EMULATOR_TOKEN_TTL_MILLIS" group:"vendor" help:"The ttl of a request for a token is in milliseconds, as on one of the vendor's clusters."`
	TokenBan       int    `variable:"EMULATOR_TOKEN_BAN" group:"vendor" default:"0" help:"So many requests for a token within a minute ban the account for ten; 0: never."`
	AgoraToken     string `variable:"EMULATOR_AGORA_TOKEN" group:"vendor" placeholder:"TOKEN" help:"What POST /token exchanges for an app token, Agora's way."`
}

func (c *emulatorCommand) problems() []error {
	var wrong problems
	wrong.add(checkListen("EMULATOR_LISTEN", c.Listen))
	wrong.add(c.logSettings.problems()...)
	wrong.check(c.TokenTTL != 0, "EMULATOR_TOKEN_TTL is 0s: want 1s or more")
	wrong.add(c.rulesSettings.problems()...)
	wrong.add(c.worldSettings.problems()...)
	wrong.add(c.peopleSettings.problems()...)
	wrong.add(c.callbackFaultSettings.problems()...)
	wrong.add(emulatorProblems(c.options(nil))...)
	return wrong.list
}

// emulatorProblems is what the emulator says of its options, in the words of its settings: users is EMULATOR_USERS here.
func emulatorProblems(o emulator.Options) []error {
	var wrong problems
	wrong.add(o.Validate())
	for i, err := range wrong.list {
		name, rest, _ := strings.Cut(err.Error(), " ")
		wrong.list[i] = fmt.Errorf("EMULATOR_%s %s", strings.ToUpper(name), rest)
	}
	return wrong.list
}

func (c *emulatorCommand) options(log *slog.Logger) emulator.Options {
	o := emulator.Options{
		Org: c.Org, App: c.App, AppID: c.AppID,
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, Token: c.Token, TokenTTL: c.TokenTTL,
		TokenTTLMillis: c.TokenTTLMillis, TokenBan: c.TokenBan, AgoraToken: c.AgoraToken,
		Faults: c.faults(), Logger: log,
	}
	c.peopleSettings.into(&o)
	c.callbackSettings.into(&o)
	c.callbackFaultSettings.into(&o.Faults)
	c.rulesSettings.into(&o)
	c.worldSettings.into(&o)
	return o
}

func (c *emulatorCommand) run(ctx context.Context, p *process) error {
	log := c.logger(p.stderr)
	running := newParts(log)
	defer running.stop()
	var l net.Listener
	at := place{"--listen", "EMULATOR_LISTEN", c.Listen, "127.0.0.1:0", &l, nil}
	if err := running.bind(ctx, "emulator", at); err != nil {
		return err
	}
	if err := running.emulate(l, c.options(log)); err != nil {
		return err
	}
	if err := c.welcome(p.stdout, l.Addr()); err != nil {
		return err
	}
	return running.wait(ctx)
}

// welcome says where everything is, what to come with, and what to try.
func (c *emulatorCommand) welcome(w io.Writer, at net.Addr) error {
	url := "http://" + at.String()
	_, err := fmt.Fprintf(w, `The vendor of %s#%s is played at %s

  calls   %s/%s/%s%s
  token   POST .../token with client_id %s and client_secret %s%s
  people  %d, %v changes a second
  admin   %s/_emulator/ without a token: users, stats, faults, population, tokens

Try from another shell:
  curl '%s/_emulator/users?uids=user-0001'
  curl -H 'Content-Type: application/json' %s/%s/%s/token -d '%s'
`, c.Org, c.App, url, url, c.Org, c.App, either(c.AppID, "/app-id/"), c.ClientID, c.ClientSecret, either(c.Token, "Bearer "),
		c.Users, c.ChangesPerS, url, url, url, c.Org, c.App, c.tokenRequest())
	return err
}

// either is another way, where there is one.
func either(what, prefix string) string {
	if what == "" {
		return ""
	}
	return ", or " + prefix + what
}

// tokenRequest is the body that mints a token, for between a shell's single quotes.
func (c *emulatorCommand) tokenRequest() string {
	b, _ := json.Marshal(map[string]string{"grant_type": "client_credentials", "client_id": c.ClientID, "client_secret": c.ClientSecret}) // strings cannot fail
	return strings.ReplaceAll(string(b), "'", `'\''`)
}

// emulate plays the vendor on a listener.
func (p *parts) emulate(l net.Listener, o emulator.Options) error {
	server, err := emulator.New(o)
	if err != nil {
		return err
	}
	server.SetUser(emulatedOperator, nil, "") // who acts is one of the app's users, as at the vendor
	p.start("emulator", server.Run)
	p.serveHTTP("emulator's listener", l, server)
	return nil
}
