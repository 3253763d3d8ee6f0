package hub

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/web"
)

func TestPage(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Files, c.PageUIDs = web.Files(), []string{"user-0001"} })
	for path, kind := range map[string]string{
		"/": "text/html", "/presence.js": "text/javascript", "/presence.d.ts": "text/plain", "/page.js": "text/javascript", "/page.css": "text/css",
		"/page.json": "application/json", "/favicon.svg": "image/svg+xml", "/healthz": "text/plain", "/readyz": "text/plain",
	} {
		got := h.ask("GET", path, "")
		require.Equal(t, http.StatusOK, got.status, path)
		require.True(t, strings.HasPrefix(got.header.Get("Content-Type"), kind), "%s is %s", path, got.header.Get("Content-Type"))
		require.Equal(t, pagePolicy, got.header.Get("Content-Security-Policy"), path)
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"), path)
		require.NotEmpty(t, got.body, path)
	}
	require.JSONEq(t, `{"uids":["user-0001"],"auth":false}`, string(h.ask("GET", "/page.json", "").body))
	for _, path := range []string{"/missing", "/v1/missing", "/../go.mod", "/v1/presence/a"} {
		require.GreaterOrEqual(t, h.ask("GET", path, "").status, 400, path)
	}
	require.Equal(t, "request", h.ask("GET", "/v1/missing", "").code(t))
	require.Equal(t, "request", h.ask("DELETE", "/v1/presence", "").code(t))
	for path, origin := range map[string]string{"/presence.js": "*", "/presence.d.ts": "*", "/sse.js": "*", "/shared.js": "*",
		"/react.js": "*", "/vue.d.ts": "*", "/store.js": "*", "/worker.js": "", "/page.js": "", "/": ""} {
		require.Equal(t, origin, h.ask("GET", path, "").header.Get("Access-Control-Allow-Origin"), "%s for pages of other origins", path)
	}
	require.Equal(t, http.StatusOK, h.ask("HEAD", "/", "").status)
	require.Equal(t, http.StatusUpgradeRequired, h.ask("GET", "/v1/ws", "").status)

	bare := newWorld(t).hub(func(c *Config) { c.Files = web.Files() })
	require.JSONEq(t, `{"uids":[],"auth":false}`, string(bare.ask("GET", "/page.json", "").body))
	none := newWorld(t).hub()
	require.Equal(t, http.StatusNotFound, none.ask("GET", "/", "").status)
}
