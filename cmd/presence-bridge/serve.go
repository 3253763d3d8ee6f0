package main

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"slices"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/hub"
	"github.com/presence-bridge/presence-bridge/hub/keeper"
	"github.com/presence-bridge/presence-bridge/poller"
)

// serveCommand runs the bridge.
type serveCommand struct {
	Role string `variable:"ROLE" group:"process" default:"all" help:"all, poller or hub. Any number of each can run: one poller and one keeper per app are active, the others stand by."`
	vendorSettings
	rateSettings
	pollerSettings
	natsSettings
	hubSettings
	adminSettings
	logSettings
}

func (*serveCommand) examples() string {
	return `
# everything in one process, NATS included, stored under ./data
EASEMOB_URL=https://a1.easemob.com EASEMOB_ORG=acme EASEMOB_APP=chat EASEMOB_OPERATORS=svc-1 \
EASEMOB_CLIENT_ID=... EASEMOB_CLIENT_SECRET=... AUTH_HMAC_SECRET=... presence-bridge serve

# the same in parts, around a NATS cluster: pollers, hubs
NATS_URL=nats://nats-1,nats://nats-2 NATS_REPLICAS=3 presence-bridge serve --role poller
NATS_URL=nats://nats-1,nats://nats-2 NATS_REPLICAS=3 presence-bridge serve --role hub

# a hub at the edge that has no credentials of the vendor
NATS_URL=nats://nats-1 EASEMOB_ORG=acme EASEMOB_APP=chat AUTH_HMAC_SECRET=... presence-bridge serve --role hub

# for an app that has not bought presence: online or offline only, and no operators
EASEMOB_STATUS=online EASEMOB_URL=https://a1.easemob.com EASEMOB_ORG=acme EASEMOB_APP=chat \
EASEMOB_CLIENT_ID=... EASEMOB_CLIENT_SECRET=... AUTH_HMAC_SECRET=... presence-bridge serve

# against an emulator, to see how it works
presence-bridge serve --emulator-url http://127.0.0.1:9090
`
}

func (c *serveCommand) polls() bool { return c.Role != "hub" }
func (c *serveCommand) shows() bool { return c.Role != "poller" }

// readOnly says whether this is an edge hub: it shows the stream that others fill.
func (c *serveCommand) readOnly() bool { return c.Role == "hub" && c.EasemobURL == "" }

func (c *serveCommand) problems() []error {
	c.fillIn()
	var wrong problems
	wrong.check(slices.Contains([]string{"all", "poller", "hub"}, c.Role), "ROLE is %q: want all, poller or hub", c.Role)
	wrong.add(c.logSettings.problems()...)
	wrong.add(c.vendorProblems()...)
	wrong.add(c.natsSettings.problems()...)
	wrong.check(c.NATSURL != "" || c.polls() && c.shows(), "NATS_URL is not set: a poller and a hub in processes of their own need a NATS server that both reach")
	wrong.add(c.adminSettings.problems()...)
	wrong.add(c.checkStatus())
	if c.shows() {
		wrong.add(c.hubSettings.problems()...)
	}
	return wrong.list
}

// vendorProblems asks of an edge hub nothing but whose stream it shows.
func (c *serveCommand) vendorProblems() []error {
	if c.readOnly() {
		return []error{checkApp(c.EasemobOrg, c.EasemobApp, c.EasemobAppID)}
	}
	errs := append(c.rateSettings.problems(), c.vendorSettings.problems(c.EasemobRate)...)
	return append(errs, c.pollerSettings.problems(c.online())...)
}

// fillIn makes an emulator that stands in for the vendor all there is to say: the people are invented, so
// everybody may watch them.
func (c *serveCommand) fillIn() {
	if !c.standIn() {
		return
	}
	if len(c.operators()) == 0 {
		c.EasemobOperators = []string{emulatedOperator}
	}
	if c.Auth == "" && c.AuthHMACSecret == "" && c.AuthJWKSURL == "" {
		c.Auth = "none"
	}
	if len(list(c.PageUIDs)) == 0 && len(list(c.WatchUIDs)) == 0 {
		c.PageUIDs = []string{emulatedPeople(defaultPeople)}
		c.WatchUIDs = c.PageUIDs
	}
}

// advice is for whoever tries it out.
func (c *serveCommand) advice() string {
	if c.namesVendor() || c.EmulatorURL != "" {
		return ""
	}
	return "No vendor yet? presence-bridge emulator, then presence-bridge serve --emulator-url http://127.0.0.1:9090"
}

func (c *serveCommand) run(ctx context.Context, p *process) error {
	log := c.logger(p.stderr)
	plan := c.plan(log)
	plan.handed = p.env
	return runStack(ctx, plan, log, func(_ context.Context, s *stack) error {
		c.announce(s)
		return nil
	})
}

// called is how this command is called by somebody who wants the same of it.
func (c *serveCommand) called() string {
	if c.Role == "all" {
		return "serve"
	}
	return "serve --role " + c.Role
}

func (c *serveCommand) plan(log *slog.Logger) plan {
	p := plan{command: c.called(), app: c.app(), listen: c.Listen, adminListen: c.AdminListen, nats: c.natsPlan(log)}
	if !c.readOnly() {
		vendor := c.vendorSettings.config(c.EasemobRate, log)
		p.vendor, p.online = &vendor, c.online()
	}
	if c.polls() {
		p.poller = &poller.Config{Operators: c.operators(), Nameless: c.online(), MaxStaleness: c.MaxStaleness, Rate: c.EasemobRate}
	}
	if c.shows() {
		p.hub = c.hubPlan()
	}
	if c.shows() && !c.readOnly() && !c.online() { // nobody is subscribed for a batch status
		p.keeper = &keeper.Config{Operators: c.operators(), TTL: c.SubscriptionTTL}
	}
	return p
}

func (c *serveCommand) hubPlan() *hub.Config {
	page, _ := expandUIDs("PAGE_UIDS", list(c.PageUIDs))
	return &hub.Config{Auth: c.auth(), AllowedOrigins: c.origins(), Limits: c.limits(), CallbackSecret: c.CallbackSecret,
		OfflineGrace: c.OfflineGrace, DrainTimeout: c.DrainTimeout, PageUIDs: page, WatchUIDs: watchedUIDs(list(c.WatchUIDs))}
}

func (s natsSettings) natsPlan(log *slog.Logger) natsPlan {
	return natsPlan{
		url: s.NATSURL, creds: s.NATSCreds,
		server:   bridge.ServerOptions{Dir: s.DataDir, Listen: s.NATSListen, Logger: log},
		settings: bridge.Settings{Replicas: s.NATSReplicas},
	}
}

// announce says where everything is, and what an operator should not find out by surprise.
func (c *serveCommand) announce(s *stack) {
	about := []any{"role", c.Role, "id", s.id, "app", s.app.String(), "nats", s.natsURL(), "admin", s.admin.Addr().String()}
	if s.public != nil {
		about = append(about, "listen", s.public.Addr().String(), "page", pageURL(s.public))
	}
	s.log.Info("the bridge is up", about...)
	if s.hub != nil && s.hub.Auth.None {
		s.log.Warn("AUTH=none: whoever reaches the public listener may watch everybody and set everybody")
	}
	if s.hub != nil && s.hub.CallbackSecret != "" {
		s.log.Info("the vendor's callbacks are taken", "path", hub.CallbackPath)
	}
	if s.vendor != nil && s.vendor.Rate > vendorRate {
		s.log.Warn("EASEMOB_RATE is more than the 50 calls a second that the vendor documents for an app", "rate", s.vendor.Rate)
	}
	if s.online {
		s.log.Info("EASEMOB_STATUS=online: the vendor is asked who is online, and no more; nobody is subscribed, and nobody can be set")
	}
	if s.hub != nil && s.vendor == nil {
		s.log.Info("this hub has no EASEMOB_URL: it shows what others put into the stream, and sets nothing")
	}
}

// natsURL is where backends find NATS, without what is secret of it.
func (s *stack) natsURL() string {
	if s.nats != nil {
		return s.nats.URL()
	}
	if u, err := url.Parse(s.conn.ConnectedUrl()); err == nil {
		return u.Redacted()
	}
	return ""
}

// pageURL is the address to type into a browser on this machine.
func pageURL(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
