package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// setCommand sets one device of one user at the vendor. The bridge need not run.
type setCommand struct {
	UID      string `arg:"" optional:"" name:"uid" help:"Whose presence."`
	Resource string `variable:"PRESENCE_RESOURCE" placeholder:"R" help:"The device, like web_1 or android_123."`
	Status   string `variable:"PRESENCE_STATUS" default:"1" help:"0 is offline, 1 online; other digits are what the app means by them."`
	Ext      string `variable:"PRESENCE_EXT" placeholder:"TEXT" help:"The text that all devices of the user share; left out, it is emptied."`
	vendorSettings
	logSettings
}

func (*setCommand) examples() string {
	return `
presence-bridge set alice --resource web_1 --status 1 --ext "in a meeting"

# at an emulator, as "presence-bridge demo" runs one
presence-bridge set user-0001 --resource web_1 --ext hello --emulator-url http://127.0.0.1:9090
`
}

var statusDigits = regexp.MustCompile(`^[0-9]{1,10}$`)

func (c *setCommand) problems() []error {
	c.standIn()
	var wrong problems
	if c.UID == "" {
		wrong.add(errors.New("no user is named: presence-bridge set UID --resource R"))
	} else if _, err := bridge.ParseUID(c.UID); err != nil {
		wrong.add(err)
	}
	wrong.check(c.Resource != "", "PRESENCE_RESOURCE (--resource) is not set: name the device, like web_1")
	wrong.check(statusDigits.MatchString(c.Status), "PRESENCE_STATUS (--status) is %q: want 1 to 10 decimal digits", c.Status)
	wrong.check(len(c.Ext) <= easemob.MaxExt, "PRESENCE_EXT (--ext) has %d bytes: %d is the most", len(c.Ext), easemob.MaxExt)
	wrong.add(c.logSettings.problems()...)
	wrong.add(c.checkStatus())
	wrong.check(!c.online(), "EASEMOB_STATUS is online, for an app that has not bought presence, and to set is a call of presence: buy it in the vendor's console and leave EASEMOB_STATUS out")
	wrong.add(c.vendorSettings.problems(0)...)
	return wrong.list
}

func (c *setCommand) run(ctx context.Context, p *process) error {
	client, err := easemob.New(c.vendorSettings.config(0, c.logger(p.stderr)))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.SetPresence(ctx, c.UID, c.Resource, c.Status, c.Ext); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s  %s=%s  %q\n", c.UID, c.Resource, c.Status, c.Ext)
	return err
}
