package main

import (
	"fmt"
	"io"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/cmd/presence-bridge/doctor"
)

// expectedLoad is what somebody wants to know the doctor's word on before there is a bridge.
type expectedLoad struct {
	Watched *int `variable:"PRESENCE_WATCHED" group:"load" placeholder:"N" help:"Users who would be watched."`
	Clients *int `variable:"PRESENCE_CLIENTS" group:"load" placeholder:"N" help:"Browsers that would be connected."`
}

// reckons says whether this is a calculator.
func (l expectedLoad) reckons() bool { return l.Watched != nil || l.Clients != nil }

func (c *doctorCommand) loadProblems() []error {
	var wrong problems
	wrong.add(c.rateSettings.problems()...)
	wrong.check(c.EasemobRate == 0 || !(c.EasemobRate < easemob.MinRate), // the rest is refused above
		"EASEMOB_RATE is %v: it is calls a second of each kind, %v or more", c.EasemobRate, easemob.MinRate)
	wrong.add(c.pollerSettings.problems(true)...)
	wrong.add(c.checkStatus(), c.limits().Validate(), c.checkZeroes())
	wrong.check(c.NATSReplicas >= 1 && c.NATSReplicas <= 5, "NATS_REPLICAS is %d: want 1 to 5", c.NATSReplicas)
	wrong.check(c.Watched != nil, "PRESENCE_WATCHED (--watched) is not set: how many users would be watched?")
	checkCount(&wrong, "PRESENCE_WATCHED (--watched)", c.Watched)
	checkCount(&wrong, "PRESENCE_CLIENTS (--clients)", c.Clients)
	return wrong.list
}

// mostCounted is more than anybody has, and little enough to reckon with.
const mostCounted = 1_000_000_000

func checkCount(wrong *problems, name string, n *int) {
	wrong.check(n == nil || *n >= 0 && *n <= mostCounted, "%s is %d: want 0 to %d", name, value(n), mostCounted)
}

func value(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// advice is serve's; a calculator needs no vendor.
func (c *doctorCommand) advice() string {
	if c.reckons() {
		return ""
	}
	return c.serveCommand.advice()
}

func (c *doctorCommand) load() doctor.Load {
	return doctor.Load{
		Watched: value(c.Watched), Clients: value(c.Clients),
		Rate: c.EasemobRate, MaxStaleness: c.MaxStaleness, SubscriptionTTL: c.SubscriptionTTL,
		MaxConnections: c.MaxConnections, Replicas: c.NATSReplicas, Operators: len(c.operators()), Online: c.online(),
	}
}

// reckon tells what to expect of a load.
func (c *doctorCommand) reckon(p *process) error {
	found := doctor.Forecast(c.load())
	if !c.JSON {
		if _, err := io.WriteString(p.stdout, "By arithmetic alone: neither the vendor nor NATS was asked.\n\n"); err != nil {
			return err
		}
		for _, f := range found {
			if err := doctor.Print(p.stdout, f); err != nil {
				return fmt.Errorf("printing: %w", err)
			}
		}
	}
	return c.conclude(p, found)
}
