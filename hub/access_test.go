package hub

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// TestAccessIsLogged holds a line of each request, with the route and never with what a client can write.
func TestAccessIsLogged(t *testing.T) {
	log := &logged{}
	h := serveQuiet(t, quietHub(t, func(c *Config) {
		c.Auth, c.Logger, c.Vendor = hmacAuth, log.logger(), &vendor{}
		c.Files = fstest.MapFS{"presence.js": {Data: []byte("export {}")}}
	}))
	good := token(t, fields{"set": true})
	header := []string{"Authorization", "Bearer " + good}
	h.ask("GET", "/presence.js?hush", "")
	h.ask("GET", "/hush", "")
	h.ask("GET", "/v1/hush", "")
	h.ask("GET", "/v1/presence?uids=hush", "", header...)
	h.ask("GET", "/v1/presence?uids=hush&token="+good, "")
	h.ask("GET", "/v1/presence/hush%20hush/history", "", header...)
	h.ask("PUT", "/v1/presence/me/hush", `{"status":"1"}`, header...)
	h.ask("DELETE", "/v1/presence/me/hush", "", header...)
	h.ask("HUSH", "/hush", "", header...)
	c := h.dial(withToken(good))
	c.expect("welcome")
	logs := func(words string) {
		require.Eventually(t, func() bool { return strings.Contains(log.String(), words) }, time.Minute, time.Millisecond)
	}
	logs("/v1/ws")
	c.hangUp()
	logs("socket ended")
	h.stop()
	require.Equal(t, []string{
		"GET /presence.js 200 ", "GET (none) 404 ", "GET (none) 404 ", "GET /v1/presence 200 me", "GET /v1/presence 401 ", "GET /v1/presence/:uid/history 400 me",
		"PUT /v1/presence/:uid/:resource 200 me", "DELETE /v1/presence/:uid/:resource 405 ", "(other) (none) 405 ", "GET /v1/ws 101 ",
		"socket ended 0 me",
	}, accessLines(t, log.String()))
	require.NotContains(t, log.String(), "hush")
}

// TestAccessWithoutFiles: what there is not has no name, where no route takes the rest either.
func TestAccessWithoutFiles(t *testing.T) {
	log := &logged{}
	h := serveQuiet(t, quietHub(t, func(c *Config) { c.Logger, c.Files = log.logger(), nil }))
	h.ask("GET", "/hush", "")
	h.ask("GET", "/v1/hush/hush", "")
	h.stop()
	require.Equal(t, []string{"GET (none) 404 ", "GET (none) 404 "}, accessLines(t, log.String()))
	require.NotContains(t, log.String(), "hush")
}

// accessLines are the lines of the access log, without what takes its time.
func accessLines(t *testing.T, text string) (list []string) {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		var l struct {
			Msg, Level, Method, Path, Subject string
			Status, Code, Took                int
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &l))
		switch l.Msg {
		case "request":
			list = append(list, fmt.Sprint(l.Method, " ", l.Path, " ", l.Status, " ", l.Subject))
		case "socket ended":
			list = append(list, fmt.Sprint(l.Msg, " ", l.Code, " ", l.Subject))
		default:
			continue
		}
		require.Equal(t, "DEBUG", l.Level)
		require.Positive(t, l.Took)
	}
	return list
}

// TestAccessCostsNothingUnread: who logs from info on has no line, and no middleware either.
func TestAccessCostsNothingUnread(t *testing.T) {
	log := &logged{}
	h := serveQuiet(t, quietHub(t, func(c *Config) {
		c.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	}))
	require.Equal(t, http.StatusOK, h.ask("GET", "/healthz", "").status)
	require.Equal(t, 404, h.ask("GET", "/none", "").status)
	h.dial().hangUp()
	h.stop()
	require.NotContains(t, log.String(), "request")
	require.NotContains(t, log.String(), "ended")
}

// TestAnErrorIsLoggedWithItsStatus: it is answered before it is logged, and once.
func TestAnErrorIsLoggedWithItsStatus(t *testing.T) {
	log := &logged{}
	h := quietHub(t, func(c *Config) { c.Logger = log.logger() })
	e := echo.New()
	e.HTTPErrorHandler = h.httpError
	e.Use(h.access)
	e.GET("/fails", func(echo.Context) error { return http.ErrAbortHandler })
	h.handler = e
	s := serveQuiet(t, h)
	require.Equal(t, 500, s.ask("GET", "/fails", "").status)
	s.stop()
	require.Equal(t, []string{"GET /fails 500 "}, accessLines(t, log.String()))
}
