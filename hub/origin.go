package hub

import (
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// origins are the origins whose pages may use the hub. A pattern is an origin ("https://app.example.com"), a host with
// or without port, or either with * in it.
//
// The hub's own page may as well, but a page is believed to be that by its name only while nobody has said who may:
// whoever owns a name can have it lead to the hub's address, and then Origin and Host agree (DNS rebinding). An address
// cannot be had that way, nor localhost.
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
	if strings.EqualFold(u.Host, r.Host) && (len(o) == 0 || isAddress(u.Hostname())) {
		return true
	}
	return slices.ContainsFunc(o, func(pattern string) bool { return matchOrigin(pattern, u) })
}

// isAddress says whether a host is not a name that the DNS could lead elsewhere.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}

func matchOrigin(pattern string, origin *url.URL) bool {
	subject := origin.Host
	if strings.Contains(pattern, "://") {
		subject = origin.Scheme + "://" + origin.Host
	}
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(subject))
	return ok && err == nil || pattern == "*"
}

// checkOrigin is the middleware that turns foreign pages away and tells browsers that allowed ones are welcome.
func (h *Hub) checkOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !h.origins.allow(c.Request()) {
			h.turnedAway(c.Request())
			return refuse(http.StatusForbidden, "origin_not_allowed", "this origin may not use the hub; ALLOWED_ORIGINS names those that may")
		}
		origin := c.Request().Header.Get("Origin")
		if origin == "" {
			return next(c)
		}
		header := c.Response().Header()
		header.Add("Vary", "Origin")
		header.Set("Access-Control-Allow-Origin", origin)
		if c.Request().Method != http.MethodOptions {
			return next(c)
		}
		header.Set("Access-Control-Allow-Methods", "GET, PUT")
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
		header.Set("Access-Control-Max-Age", "600")
		return c.NoContent(http.StatusNoContent)
	}
}

// turnedAway tells the operator, now and then, whose page was turned away: its browser shows a developer nothing.
func (h *Hub) turnedAway(r *http.Request) {
	h.complaint.Do(func() {
		h.log.Warn("a page of another origin was turned away; ALLOWED_ORIGINS names those that may use the hub",
			"origin", r.Header.Get("Origin"), "host", r.Host)
	})
}
