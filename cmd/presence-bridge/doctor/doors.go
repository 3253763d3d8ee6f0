package doctor

import (
	"context"

	"github.com/presence-bridge/presence-bridge/hub"
)

// doors checks who is let in.
func (p Plan) doors(ctx context.Context, f *findings) {
	if p.Auth == nil {
		f.skip("auth", "not needed: no hub runs here")
		return
	}
	switch {
	case p.Auth.Validate() != nil:
		f.skip("auth", "not checked: the settings have to be right first")
	case p.Auth.None:
		f.warn("auth", "set AUTH_HMAC_SECRET instead, unless all who reach the public listener may watch and set everybody",
			"AUTH=none: whoever comes is let in")
	case p.Auth.JWKSURL != "":
		p.keys(ctx, f)
	default:
		f.fine("auth", "tokens are checked with a secret of %d bytes", len(p.Auth.HMACSecret))
	}
	if p.Callbacks {
		f.fine("callbacks", "CALLBACK_SECRET is set: the URL for the vendor's console is https://YOUR-PUBLIC-HOST%s", hub.CallbackPath)
		return
	}
	f.skip("callbacks", "not needed: CALLBACK_SECRET is not set, polling finds every change")
}

// keys asks for the keys that tokens are checked with.
func (p Plan) keys(ctx context.Context, f *findings) {
	ctx, cancel := context.WithTimeout(ctx, p.patience())
	defer cancel()
	n, err := p.Auth.CountKeys(ctx)
	if err != nil {
		f.fail("auth", "set AUTH_JWKS_URL to where the issuer of the tokens publishes its keys; it has to be reached from here",
			"AUTH_JWKS_URL gives no keys: %v", err)
		return
	}
	f.fine("auth", "tokens are checked with the keys of AUTH_JWKS_URL: %d", n)
}
