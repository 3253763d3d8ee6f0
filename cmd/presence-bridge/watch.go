package main

import (
	"context"
	"errors"
	"net/url"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const defaultHub = "http://localhost:8080"

// watchCommand prints changes, from a hub or from NATS.
type watchCommand struct {
	UIDs []string `arg:"" optional:"" name:"uid" help:"Whom to watch."`
	JSON bool     `name:"json" variable:"PRESENCE_JSON" help:"JSON lines: presences from a hub, whole changes from NATS."`

	URL   string `name:"url" variable:"PRESENCE_URL" group:"from" placeholder:"URL" help:"Of a hub; http://localhost:8080 unless NATS_URL says otherwise. Lost connections are taken up where they ended."`
	Token string `variable:"PRESENCE_TOKEN" group:"from" placeholder:"JWT" help:"What the hub lets us in with, see \"presence-bridge token\"."`

	NATSURL   string `name:"nats-url" variable:"NATS_URL" group:"from" placeholder:"URL" help:"Of NATS instead. Reading there makes nobody be looked at: it shows whom others watch."`
	NATSCreds string `name:"nats-creds" variable:"NATS_CREDS" group:"from" placeholder:"FILE" help:"Credentials file for NATS_URL."`
	Org       string `variable:"EASEMOB_ORG" group:"from" placeholder:"ORG" help:"With NATS: the org of the app."`
	App       string `variable:"EASEMOB_APP" group:"from" placeholder:"APP" help:"With NATS: the app."`
	AppID     string `name:"app-id" variable:"EASEMOB_APP_ID" group:"from" placeholder:"ID" help:"With NATS: the app id, instead of org and app."`
	logSettings
}

func (*watchCommand) examples() string {
	return `
presence-bridge watch user-0001 user-0002

# JSON lines, of a hub that asks for a token
PRESENCE_TOKEN=... presence-bridge watch alice --url https://presence.example.com --json

# the log itself, as a backend sees it
presence-bridge watch user-0001 --nats-url nats://127.0.0.1:4222 --org demo --app presence
`
}

// fromNATS says where to look: a hub that is named wins over a NATS that is merely in the environment.
func (c *watchCommand) fromNATS() bool { return c.NATSURL != "" && c.URL == "" }

func (c *watchCommand) problems() []error {
	var wrong problems
	if len(c.UIDs) == 0 {
		wrong.add(errors.New("no user is named: give uids, as in presence-bridge watch alice bob"))
	}
	_, err := bridge.ParseUIDs(list(c.UIDs))
	wrong.add(err)
	wrong.add(c.logSettings.problems()...)
	if c.fromNATS() {
		wrong.add(checkNATSURL(c.NATSURL), checkFile("NATS_CREDS", c.NATSCreds), checkApp(c.Org, c.App, c.AppID))
		return wrong.list
	}
	u, err := url.Parse(firstOf(c.URL, defaultHub))
	wrong.check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "",
		"PRESENCE_URL (--url) has to be like %s", defaultHub)
	return wrong.list
}

func (c *watchCommand) run(ctx context.Context, p *process) error {
	uids, err := bridge.ParseUIDs(list(c.UIDs))
	if err != nil {
		return err
	}
	out := newPrinter(p.stdout, uids, c.JSON)
	if c.fromNATS() {
		return c.watchNATS(ctx, uids, out, p.stderr)
	}
	w := &hubWatch{url: firstOf(c.URL, defaultHub), token: c.Token, asks: askFor(uids), out: out, notes: p.stderr}
	return w.run(ctx)
}
