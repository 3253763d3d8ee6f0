package hub

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// pagePolicy lets the page run, show and reach what the hub serves, and nothing else. In connect-src 'self' is the
// hub's WebSocket too; workers are those that tabs share.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// routes is everything the hub serves.
func (h *Hub) routes() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = h.httpError
	if h.logsAccess() {
		e.Use(h.access)
	}
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: h.logPanic}), secure, h.guard)
	look := []string{http.MethodGet, http.MethodHead}
	e.Match(look, "/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.Match(look, "/readyz", h.readyz)
	e.GET(socketPath, h.webSocket)
	e.GET("/v1/events", h.events)
	e.GET("/v1/presence", h.getPresence)
	e.GET("/v1/presence/:uid/history", h.getHistory)
	e.PUT("/v1/presence/:uid/:resource", h.putPresence)
	e.POST(CallbackPath, h.takeCallback)
	e.GET("/v1/openapi.json", document(OpenAPI(h.version)))
	e.GET("/v1/asyncapi.json", document(AsyncAPI(h.version)))
	if h.files != nil {
		e.GET("/page.json", h.pageSettings)
		e.Match(look, everythingElse, h.file)
	}
	return e
}

// everythingElse is the route of what is no other's.
const everythingElse = "/*"

// guard checks origins of all that is under /v1, what is asked for with the wrong method and the wrong path with it.
// It is no middleware of a group: echo gives a group a route for what it lacks, which would take a wrong method for it.
func (h *Hub) guard(next echo.HandlerFunc) echo.HandlerFunc {
	checked := h.checkOrigin(func(c echo.Context) error {
		if c.Path() == everythingElse {
			return echo.ErrNotFound // no file is here
		}
		return next(c)
	})
	return func(c echo.Context) error {
		if path := c.Request().URL.Path; !strings.HasPrefix(path, "/v1/") || path == CallbackPath {
			return next(c)
		}
		return checked(c)
	}
}

// clientFile says whether pages of any origin may load a file: the client, what it loads, and its adapters. A worker
// has to be of the page's own origin.
var clientFile = regexp.MustCompile(`^/(presence|sse|shared|store|react|vue|svelte)\.(js|d\.ts)$`)

// file serves the page and the browser client. The client is for pages of any origin to import: what they may do
// with it is decided at /v1. What ends in .ts would pass for a video elsewhere.
func (h *Hub) file(c echo.Context) error {
	path, header := c.Request().URL.Path, c.Response().Header()
	if clientFile.MatchString(path) {
		header.Set("Access-Control-Allow-Origin", "*")
	}
	if strings.HasSuffix(path, ".d.ts") {
		header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	http.FileServerFS(h.files).ServeHTTP(c.Response(), c.Request())
	return nil
}

func secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("Content-Security-Policy", pagePolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		return next(c)
	}
}

func (h *Hub) logPanic(c echo.Context, err error, stack []byte) error {
	h.log.Error("a request made the hub panic", "path", c.Path(), "error", err, "stack", string(stack))
	return err
}

func (h *Hub) readyz(c echo.Context) error {
	if err := h.Ready(); err != nil {
		c.Response().Header().Set("Retry-After", retryAfter)
		return c.String(http.StatusServiceUnavailable, err.Error()+"\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// pageSettings tells the live page whom to show, and whether to ask for a token first.
func (h *Hub) pageSettings(c echo.Context) error {
	uids := h.page
	if uids == nil {
		uids = []string{}
	}
	return c.JSON(http.StatusOK, map[string]any{"uids": uids, "auth": !h.auth.None})
}

func newID() string { return rand.Text() }
