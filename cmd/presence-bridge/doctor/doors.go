package doctor

import (
	"context"

	"github.com/presence-bridge/presence-bridge/hub"
)

// doors checks who is let in.
func (p Plan) doors(_ context.Context, f *findings) {
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
	default:
		f.fine("auth", "tokens are checked with a secret of %d bytes", len(p.Auth.HMACSecret))
	}
	if p.Callbacks {
		f.fine("callbacks", "CALLBACK_SECRET is set: the URL for the vendor's console is https://YOUR-PUBLIC-HOST%s", hub.CallbackPath)
		return
	}
	f.skip("callbacks", "not needed: CALLBACK_SECRET is not set, polling finds every change")
}
