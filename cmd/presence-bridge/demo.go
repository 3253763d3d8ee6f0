package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
	"github.com/presence-bridge/presence-bridge/hub/keeper"
	"github.com/presence-bridge/presence-bridge/poller"
)

// demoCommand is the whole bridge and a vendor, on one machine.
type demoCommand struct {
	Users          int     `variable:"EMULATOR_USERS" default:"200" help:"People who live there: user-0001, user-0002 and so on."`
	ChangesPerS    float64 `variable:"EMULATOR_CHANGES_PER_S" default:"5" help:"Changes a second, all people together."`
	NATSListen     string  `name:"nats-listen" variable:"NATS_LISTEN" default:"127.0.0.1:4222" help:"NATS, for backends."`
	EmulatorListen string  `variable:"EMULATOR_LISTEN" default:"127.0.0.1:9090" help:"The emulated vendor."`
	publicSettings
	adminSettings
	logSettings
}

func (*demoCommand) examples() string {
	return `
presence-bridge demo

# 5,000 people, 100 changes a second, and another port
presence-bridge demo --users 5000 --changes-per-s 100 --listen :8088

# where the usual ports are taken
presence-bridge demo --listen :0 --admin-listen 127.0.0.1:0 --nats-listen 127.0.0.1:0 --emulator-listen 127.0.0.1:0
`
}

func (c *demoCommand) problems() []error {
	var wrong problems
	wrong.add(checkListen("NATS_LISTEN", c.NATSListen), checkListen("EMULATOR_LISTEN", c.EmulatorListen))
	wrong.add(c.publicSettings.problems()...)
	wrong.add(c.adminSettings.problems()...)
	wrong.add(c.logSettings.problems()...)
	wrong.check(c.Users > 0, "EMULATOR_USERS is %d: want 1 or more", c.Users)
	wrong.add(emulatorProblems(c.options(nil))...)
	return wrong.list
}

func (c *demoCommand) options(log *slog.Logger) emulator.Options {
	return emulator.Options{Users: c.Users, ChangesPerS: c.ChangesPerS, Paused: c.ChangesPerS == 0, Logger: log}
}

func (c *demoCommand) run(ctx context.Context, p *process) error {
	log := c.logger(p.stderr)
	plan := c.plan(log)
	plan.handed = p.env
	return runStack(ctx, plan, log, func(ctx context.Context, s *stack) error {
		if err := s.waitReady(ctx); err != nil {
			return err
		}
		return c.welcome(p.stdout, s)
	})
}

func (c *demoCommand) plan(log *slog.Logger) plan {
	people := c.options(log)
	operators := []string{emulatedOperator}
	shown, _ := expandUIDs("PAGE_UIDS", []string{emulatedPeople(min(c.Users, maxListedUIDs))})
	return plan{
		command:  "demo",
		app:      emulatedApp,
		emulator: &people,
		vendor: &easemob.Config{Org: emulatedApp.Org, App: emulatedApp.Name,
			ClientID: emulatedClientID, ClientSecret: emulatedClientSecret, Logger: log},
		poller: &poller.Config{Operators: operators},
		keeper: &keeper.Config{Operators: operators},
		hub: &hub.Config{Auth: hub.Auth{None: true}, AllowedOrigins: c.origins(), PageUIDs: shown, WatchUIDs: watchedUIDs(shown),
			Limits: hub.Limits{MaxUIDsPerConnection: max(len(shown), 1000)}}, // all of them on one page
		nats: natsPlan{
			server:   bridge.ServerOptions{Listen: c.NATSListen, Logger: log},
			settings: bridge.Settings{InMemory: true},
		},
		listen: c.Listen, adminListen: c.AdminListen, emulatorListen: c.EmulatorListen,
	}
}

// readyWithin is how long the parts of a demo have to find each other.
const readyWithin = 20 * time.Second

// waitReady returns when the hub has something to show.
func (s *stack) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.ready()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-s.failed:
			return err
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// welcome says where everything is, and what to try.
func (c *demoCommand) welcome(w io.Writer, s *stack) error {
	page := pageURL(s.public)
	watch := self() + " watch user-0001"
	if !strings.HasSuffix(page, ":8080") {
		watch += " --url " + page
	}
	_, err := fmt.Fprintf(w, `%d people come and go at an emulated vendor; the bridge shows them.

  page      %s
  admin     http://%s/metrics
  NATS      %s   %s
  emulator  http://%s/_emulator/stats

Try from another shell:
  %s
  curl -X PUT %s/v1/presence/user-0001/web_1 -d '{"status":"1","ext":"hello"}'

%sCtrl-C ends it and leaves nothing behind.
`, c.Users, page, s.admin.Addr(), s.natsURL(), s.app.Subjects(), s.played.Addr(), watch, page, exposure(s.public.Addr()))
	return err
}

// exposure is a line that says who else can come in, where the listener is open to other machines.
func exposure(public net.Addr) string {
	host, port, err := net.SplitHostPort(public.String())
	if ip := net.ParseIP(host); err != nil || ip != nil && ip.IsLoopback() {
		return ""
	}
	return fmt.Sprintf("Whoever reaches port %s can watch and set everybody; --listen 127.0.0.1:%s keeps it to this machine.\n", port, port)
}

// self is how the reader's shell calls this program again.
func self() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/presence-bridge"
	}
	return "presence-bridge"
}
