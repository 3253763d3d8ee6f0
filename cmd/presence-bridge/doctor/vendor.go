package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// vendor asks the vendor as serve would: is it there, does it know the app and us, does it tell presence.
func (p Plan) vendor(ctx context.Context, f *findings) {
	if p.Vendor == nil {
		f.skip("vendor", "not needed: this is a read-only edge hub")
		return
	}
	c := &consultation{Plan: p, findings: f, dates: &dates{}}
	if !c.reach(ctx) {
		f.skipAll("the vendor has to be reached first", "app", "token", "presence", "operators", "vendor clock")
		return
	}
	if c.Vendor.Validate() != nil {
		c.incomplete()
	} else {
		c.consult(ctx)
	}
	c.tellClock("vendor clock", "the vendor's", c.dates.offset())
}

// consultation is what the vendor says, call by call.
type consultation struct {
	Plan
	*findings
	dates   *dates
	noApp   bool // the vendor does not know the app
	expires time.Time
	minting error
	getting error
	took    time.Duration
}

func (c *consultation) incomplete() {
	if c.noApp {
		c.tellNoApp()
	} else {
		c.skip("app", "not checked: the vendor's settings have to be complete first")
	}
	c.skipAll("the vendor's settings have to be complete first", "token", "presence", "operators")
}

func (c *consultation) tellNoApp() {
	which, variables := c.App.String(), "EASEMOB_ORG and EASEMOB_APP"
	if c.Vendor.AppID != "" {
		which, variables = "app id "+c.Vendor.AppID, "EASEMOB_APP_ID"
	}
	c.fail("app", "take "+variables+" from the vendor's console, and EASEMOB_URL from there as well: another cluster does not know the app",
		"the vendor knows no %s at this address", which)
}

// consult makes the calls first and then speaks: what the last one says can be about what the first is for.
func (c *consultation) consult(ctx context.Context) {
	client, err := easemob.New(c.config())
	if err != nil {
		c.fail("app", "", "%v", err)
		return
	}
	defer client.Close()
	c.expires, c.minting = client.TokenExpiry(ctx)
	if c.minting == nil {
		began := time.Now()
		c.getting = c.look(ctx, client)
		c.took = time.Since(began)
	}
	c.noApp = c.noApp || knowsNoApp(c.minting) || knowsNoApp(c.getting)
	if c.noApp {
		c.tellNoApp()
		c.skipAll("the app has to be found first", "token", "presence", "operators")
		return
	}
	c.tellApp()
	if !c.tellToken() {
		c.skipAll("the token has to be accepted first", "presence", "operators")
		return
	}
	if !c.tellPresence() {
		c.skip("operators", "not checked: presence has to be answered first")
		return
	}
	c.operators(ctx, client)
}

// config is serve's, with a patience of ours and an ear for dates.
func (c *consultation) config() easemob.Config {
	config := *c.Vendor
	config.Timeout = c.patience()
	config.HTTPClient = &http.Client{Transport: c.transport()}
	return config
}

// look is the call that everything depends on: an operator asks about itself.
func (c *consultation) look(ctx context.Context, client *easemob.Client) error {
	if c.Online {
		online := client.Online()
		if err := online.Wait(ctx, easemob.KindGet); err != nil {
			return err
		}
		_, err := online.GetNow(ctx, "", []string{c.asker()})
		return err
	}
	_, err := client.Get(ctx, c.asker(), []string{c.asker()})
	return err
}

// asker is in whose name we ask: an operator, or where none is named somebody who need not exist.
func (c *consultation) asker() string {
	if len(c.Operators) > 0 {
		return c.Operators[0]
	}
	return "presence-doctor"
}

func knowsNoApp(err error) bool { return hasCode(err, noSuchApp) }

func knowsNoUser(err error) bool { return hasCode(err, "service_resource_not_found") }

func hasCode(err error, code string) bool {
	e, ok := errors.AsType[*easemob.Error](err)
	return ok && e.Code == code
}

func (c *consultation) tellApp() {
	minted := c.Vendor.Token == "" && c.minting == nil
	err := firstError(c.minting, c.getting)
	if minted || err == nil || refusal(err) {
		c.fine("app", "the vendor knows %s", c.App)
		return
	}
	c.skip("app", "not told: no call got an answer that says it")
}

// refusal says whether the vendor has heard us and said no, which it does only in an app that it knows.
func refusal(err error) bool {
	e, ok := errors.AsType[*easemob.Error](err)
	known := ok && e.Code != "" || easemob.IsNotActivated(err) || easemob.IsThrottled(err) // a page of some proxy is none
	return known && e.Status >= 400 && e.Status < 500
}

// tellPresence says whether the vendor tells who is online.
func (c *consultation) tellPresence() bool {
	err := c.getting
	switch {
	case err == nil && c.Online:
		c.fine("presence", "EASEMOB_STATUS=online: the vendor tells who is online, and no more; a look took %s", inWords(c.took))
	case err == nil:
		c.fine("presence", "switched on: a look took %s", inWords(c.took))
	case easemob.IsNotActivated(err):
		c.fail("presence", "buy it and switch it on in the vendor's console, or set EASEMOB_STATUS=online to know online and offline alone",
			"the app has not got it: %s", said(err))
	case knowsNoUser(err):
		c.skip("presence", "not told: the vendor does not know %s, in whose name we asked", c.asker())
		return true // why is said next
	case easemob.IsThrottled(err):
		c.warn("presence", "lower EASEMOB_RATE if it goes on, or buy more calls", "the vendor is busy, or finds the app too fast: %s", said(err))
	default:
		c.fail("presence", advice(err), "a look fails: %s", said(err))
	}
	return err == nil
}

// said is what the vendor, or the network, said, without our own words around it.
func said(err error) string {
	e, ok := errors.AsType[*easemob.Error](err)
	switch {
	case !ok:
		return err.Error()
	case e.Status != 0 && e.Status != http.StatusOK:
		return strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.Code)) + ": " + e.Message
	}
	return e.Message
}

func advice(err error) string {
	if e, ok := errors.AsType[*easemob.Error](err); ok && e.Advice != "" {
		return e.Advice
	}
	return "try again; if it stays so, ask whoever runs what is at EASEMOB_URL"
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
