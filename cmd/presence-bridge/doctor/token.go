package doctor

import (
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// tellToken says whether the vendor lets us in.
func (c *consultation) tellToken() bool {
	err := firstError(c.minting, c.getting)
	switch {
	case easemob.IsUnauthorized(err):
		c.fail("token", c.refusedAdvice(), "the vendor refuses %s: %s", c.credentials(), said(err))
		return false
	case c.minting != nil:
		c.fail("token", advice(err), "no token can be had: %s", said(err))
		return false
	case c.Vendor.Token != "" && c.getting != nil && !refusal(c.getting):
		c.skip("token", "not told: no call was answered")
	case c.Vendor.Token != "":
		c.fine("token", "EASEMOB_TOKEN is accepted; how long it lives, the vendor does not tell")
	case c.expires.IsZero():
		c.fine("token", "minted with EASEMOB_CLIENT_ID; it never ends")
	default:
		c.tellLife(time.Until(c.expires).Round(time.Second))
	}
	return true
}

// shortLife is less than a token can reasonably be good for: it is renewed at half of it.
const shortLife = 10 * time.Minute

func (c *consultation) tellLife(life time.Duration) {
	if life < shortLife {
		c.warn("token", "raise the token's lifetime in the vendor's console: an account that asks for tokens too often is banned",
			"minted with EASEMOB_CLIENT_ID; it lives for %s only", inWords(life))
		return
	}
	c.fine("token", "minted with EASEMOB_CLIENT_ID; it lives for %s and is renewed at half of that", inWords(life))
}

func (c *consultation) credentials() string {
	if c.Vendor.Token != "" {
		return "EASEMOB_TOKEN"
	}
	if c.minting == nil {
		return "the token that it has just minted"
	}
	return "EASEMOB_CLIENT_ID and EASEMOB_CLIENT_SECRET"
}

// refusedAdvice tells the two halves of the credentials apart as the vendor does.
func (c *consultation) refusedAdvice() string {
	words := said(firstError(c.minting, c.getting))
	switch {
	case c.Vendor.Token != "":
		return "it has expired, or is of another app or cluster: mint another, or set EASEMOB_CLIENT_ID and EASEMOB_CLIENT_SECRET, with which tokens are renewed"
	case c.minting == nil:
		return "set EASEMOB_URL to the host that the vendor's console shows for this app: another cluster takes no token of this one"
	case strings.Contains(words, "client_id"):
		return "take EASEMOB_CLIENT_ID from the vendor's console: it is not this app's"
	case strings.Contains(words, "client_secret"):
		return "take EASEMOB_CLIENT_SECRET from the vendor's console: the client id is right, the secret is not"
	}
	return "take EASEMOB_CLIENT_ID and EASEMOB_CLIENT_SECRET from the vendor's console"
}
