package hub

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHubWithoutKeys: a hub whose keys are away starts and says so, tells everybody to come again, and lets them in when
// the keys are there.
func TestHubWithoutKeys(t *testing.T) {
	e := &publisher{t: t}
	e.says(http.StatusBadGateway, "away")
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	log := &logged{}
	h := serveQuiet(t, quietHub(t, func(c *Config) { c.Auth, c.Logger = Auth{JWKSURL: server.URL}, log.logger() }))
	running(t, h.auth.keep)
	good := signers()[0].sign(t, nil)

	code, says := ways[0].show(h, "", good)
	require.Equal(t, int(closeRestarting.code), code)
	require.Contains(t, says, "the token cannot be checked just now")
	got := h.ask("GET", "/v1/presence?uids=a", "", "Authorization", "Bearer "+good)
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "no_keys", got.code(t))
	require.ErrorContains(t, h.auth.keys.ready(), "AUTH_JWKS_URL")
	require.Contains(t, log.String(), "every token is refused")

	e.publishes(signers()...)
	require.Eventually(t, func() bool { return h.auth.keys.ready() == nil }, 6*soon, often)
	h.dial(withToken(good)).expect("welcome")
}
