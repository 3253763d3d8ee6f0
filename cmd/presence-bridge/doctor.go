package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/presence-bridge/presence-bridge/cmd/presence-bridge/doctor"
)

// doctorCommand looks at everything that serve would need, with serve's settings.
type doctorCommand struct {
	serveCommand
	JSON bool `name:"json" variable:"PRESENCE_JSON" group:"process" help:"The findings for machines, as one JSON object."`
	expectedLoad

	wrong []error // with the settings
}

func (*doctorCommand) examples() string {
	return `
# with the settings that serve has, in the environment or as flags
presence-bridge doctor

# before a deployment, in a script: ✔ is fine, ! works but look at it, ✘ is wrong, – was not checked.
# The exit status is 1 where there is a ✘, and 0 otherwise.
presence-bridge doctor --role poller --json

# of an emulator
presence-bridge doctor --emulator-url http://127.0.0.1:9090

# a calculator: what 50,000 users are like at 40 calls a second. It needs no other setting and asks nobody.
presence-bridge doctor --watched 50000 --rate 40
presence-bridge doctor --watched 20000 --max-staleness 10s --clients 250000 --subscription-ttl 72h
`
}

// problems are serve's, or the calculator's, which reads few of the settings.
func (c *doctorCommand) problems() []error {
	if c.reckons() {
		return c.loadProblems()
	}
	return c.serveCommand.problems()
}

// bear takes what is wrong with the settings as findings among others: whoever asks a doctor wants to know the rest
// as well. A calculator has no rest.
func (c *doctorCommand) bear(wrong []error) bool {
	c.wrong = wrong
	return !c.reckons()
}

func (c *doctorCommand) run(ctx context.Context, p *process) error {
	if c.reckons() {
		return c.reckon(p)
	}
	var found []doctor.Finding
	var failed error
	plan := c.examination()
	plan.Waiting = func(whom string) { _, _ = fmt.Fprintf(p.stderr, "still looking at %s...\n", whom) }
	doctor.Examine(ctx, plan, func(f doctor.Finding) {
		f = c.inOurWords(f)
		found = append(found, f)
		if !c.JSON {
			failed = errors.Join(failed, doctor.Print(p.stdout, f))
		}
	})
	if ctx.Err() != nil {
		return errors.New("interrupted: nothing here says that all is well")
	}
	return errors.Join(failed, c.conclude(p, found))
}

// conclude writes what stands at the end, and says whether all is well.
func (c *doctorCommand) conclude(p *process, found []doctor.Finding) error {
	end := doctor.PrintSum
	if c.JSON {
		end = doctor.PrintJSON
	}
	if err := end(p.stdout, found); err != nil {
		return err
	}
	if n := doctor.Bad(found); n > 0 {
		return fmt.Errorf("%d of %d checks found something wrong", n, len(found))
	}
	return nil
}

// inOurWords names the setting that says where the vendor is: EMULATOR_URL, where that stands in for it.
func (c *doctorCommand) inOurWords(f doctor.Finding) doctor.Finding {
	if c.EmulatorURL != "" && c.EasemobURL == c.EmulatorURL {
		f.Saw = strings.ReplaceAll(f.Saw, "EASEMOB_URL", "EMULATOR_URL")
		f.Todo = strings.ReplaceAll(f.Todo, "EASEMOB_URL", "EMULATOR_URL")
	}
	return f
}

// examination is serve's plan, in the words of the doctor.
func (c *doctorCommand) examination() doctor.Plan {
	p := c.plan(slog.New(slog.DiscardHandler))
	e := doctor.Plan{
		Problems: c.wrong, App: p.app, Vendor: p.vendor, Online: p.online,
		Polls: p.poller != nil, Shows: p.hub != nil, Keeps: p.keeper != nil,
		Operators: c.operators(), Rate: c.EasemobRate, MaxStaleness: c.MaxStaleness,
		NATS: doctor.NATS{URL: p.nats.url, Creds: p.nats.creds, Settings: p.nats.settings,
			Dir: p.nats.server.Dir, Listen: p.nats.server.Listen},
		AdminListen: p.adminListen,
	}
	if p.hub != nil {
		e.Listen, e.Auth, e.Callbacks = p.listen, &p.hub.Auth, p.hub.CallbackSecret != ""
	}
	return e
}
