package hub

import (
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

func TestOrigins(t *testing.T) {
	vendor := &vendor{}
	h := newWorld(t).hub(func(c *Config) {
		c.Vendor = vendor
		c.AllowedOrigins = []string{"https://app.example.com", "*.trusted.example", "localhost:3000"}
	})
	from := func(origin string) func(*websocket.DialOptions) {
		return func(o *websocket.DialOptions) { o.HTTPHeader.Set("Origin", origin) }
	}
	for origin, allowed := range map[string]bool{
		"":                                     true, // no browser
		h.url:                                  true, // its own page
		"https://app.example.com":              true,
		"HTTPS://APP.example.com":              true,
		"http://app.example.com":               false,
		"https://app.example.com.evil.example": false,
		"https://a.b.trusted.example":          true,
		"https://trusted.example":              false,
		"http://localhost:3000":                true,
		"http://localhost:3001":                false,
		"https://evil.example":                 false,
		"null":                                 false,
		"rubbish":                              false,
		"http://127.0.0.1":                     false, // another port is another origin
	} {
		var header []string
		var options []func(*websocket.DialOptions)
		if origin != "" {
			header = []string{"Origin", origin}
			options = append(options, from(origin))
		}
		c, err := h.tryDial(options...)
		require.Equal(t, allowed, err == nil, "ws from %q: %v", origin, err)
		if err == nil {
			c.expect("welcome")
			c.hangUp()
		} else {
			require.ErrorContains(t, err, "403")
		}
		for _, r := range [][2]string{{"GET", "/v1/presence?uids=a"}, {"GET", "/v1/events?uids="}, {"PUT", "/v1/presence/a/web"}, {"OPTIONS", "/v1/presence/a/web"}} {
			got := h.ask(r[0], r[1], `{"status":"1"}`, header...)
			require.Equal(t, allowed, got.status != http.StatusForbidden, "%s %s from %q: %d", r[0], r[1], origin, got.status)
			if !allowed {
				require.Equal(t, "origin_not_allowed", got.code(t))
				require.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
			} else if origin != "" {
				require.Equal(t, origin, got.header.Get("Access-Control-Allow-Origin"), "%s %s", r[0], r[1])
				require.Equal(t, "Origin", got.header.Get("Vary"))
			}
		}
	}
}

func TestPreflight(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.AllowedOrigins = []string{"https://app.example.com"} })
	for _, path := range []string{"/v1/presence/a/web", "/v1/presence", "/v1/events"} {
		got := h.ask("OPTIONS", path, "", "Origin", "https://app.example.com", "Access-Control-Request-Method", "PUT")
		require.Equal(t, http.StatusNoContent, got.status)
		require.Contains(t, got.header.Get("Access-Control-Allow-Methods"), "PUT")
		require.Contains(t, got.header.Get("Access-Control-Allow-Headers"), "Authorization")
		require.Empty(t, got.header.Get("Access-Control-Allow-Credentials"))
	}
}

func TestAnyOrigin(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.AllowedOrigins = []string{"*"} })
	require.Equal(t, http.StatusOK, h.ask("GET", "/v1/presence?uids=a", "", "Origin", "https://any.example").status)
	require.Equal(t, http.StatusForbidden, h.ask("GET", "/v1/presence?uids=a", "", "Origin", "null").status)
}
