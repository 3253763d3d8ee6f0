package hub

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// pagePolicy lets the page load what the hub serves and nothing else.
const pagePolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// routes is everything the hub serves.
func (h *Hub) routes() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = h.httpError
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: h.logPanic}), secure)
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", h.readyz)
	v1 := e.Group("/v1", h.origins.check)
	v1.GET("/ws", h.webSocket)
	v1.GET("/events", h.events)
	v1.GET("/presence", h.getPresence)
	v1.PUT("/presence/:uid/:resource", h.putPresence)
	v1.OPTIONS("/*", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	if h.files != nil {
		e.GET("/page.json", h.pageSettings)
		e.GET("/*", h.file)
	}
	return e
}

// file serves the page and the browser client. What ends in .ts would pass for a video elsewhere.
func (h *Hub) file(c echo.Context) error {
	if strings.HasSuffix(c.Request().URL.Path, ".d.ts") {
		c.Response().Header().Set("Content-Type", "text/plain; charset=utf-8")
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
		return c.String(http.StatusServiceUnavailable, err.Error()+"\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// pageSettings tells the live page whom to show.
func (h *Hub) pageSettings(c echo.Context) error {
	uids := h.page
	if uids == nil {
		uids = []string{}
	}
	return c.JSON(http.StatusOK, map[string]any{"uids": uids})
}

func newID() string { return rand.Text() }
