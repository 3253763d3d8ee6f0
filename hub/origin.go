package hub

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// origins are the foreign origins whose pages may use the hub; its own always may. A pattern is an origin
// ("https://app.example.com"), a host with or without port, or either with * in it.
type origins []string

// allow says whether the page behind a request may use the hub. What is no browser names no origin.
func (o origins) allow(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if strings.EqualFold(u.Host, r.Host) {
		return true
	}
	return slices.ContainsFunc(o, func(pattern string) bool { return matchOrigin(pattern, u) })
}

func matchOrigin(pattern string, origin *url.URL) bool {
	subject := origin.Host
	if strings.Contains(pattern, "://") {
		subject = origin.Scheme + "://" + origin.Host
	}
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(subject))
	return ok && err == nil || pattern == "*"
}

// check is the middleware that turns foreign pages away and tells browsers that allowed ones are welcome.
func (o origins) check(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !o.allow(c.Request()) {
			return refuse(http.StatusForbidden, "origin_not_allowed", "this origin may not use the hub; ALLOWED_ORIGINS names those that may")
		}
		origin := c.Request().Header.Get("Origin")
		if origin == "" {
			return next(c)
		}
		h := c.Response().Header()
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Allow-Origin", origin)
		if c.Request().Method != http.MethodOptions {
			return next(c)
		}
		h.Set("Access-Control-Allow-Methods", "GET, PUT")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
		h.Set("Access-Control-Max-Age", "600")
		return c.NoContent(http.StatusNoContent)
	}
}
