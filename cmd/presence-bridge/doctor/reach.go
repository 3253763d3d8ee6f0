package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// noSuchApp is the vendor's code for an app that it does not know (ED24), or not at this host.
const noSuchApp = "organization_application_not_found"

// expiresSoon is when a certificate that will end is worth a word.
const expiresSoon = 14 * 24 * time.Hour

// reach finds out whether anything that answers as the vendor does is at EASEMOB_URL. The request carries no token:
// whatever the answer is, it is one.
func (c *consultation) reach(ctx context.Context) bool {
	u, err := url.Parse(c.Vendor.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		c.skip("vendor", "not checked: EASEMOB_URL has to be set first")
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	var way way
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, way.trace()), http.MethodGet, probeURL(*c.Vendor), nil)
	if err != nil {
		c.fail("vendor", "", "EASEMOB_URL cannot be asked")
		return false
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "presence-bridge")
	began := time.Now()
	answer, err := c.transport().RoundTrip(request)
	if err != nil {
		saw, todo := c.inTheWay(err, u, way.at())
		c.fail("vendor", todo, "%s", saw)
		return false
	}
	took := time.Since(began)
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	_ = answer.Body.Close()
	return c.tellReached(u.Host, took, answer, body)
}

// transport is that of the client for calls, with an ear for dates.
func (c *consultation) transport() http.RoundTripper {
	var inner http.RoundTripper = &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSHandshakeTimeout: c.patience(),
	}
	if c.Vendor.HTTPClient != nil && c.Vendor.HTTPClient.Transport != nil {
		inner = c.Vendor.HTTPClient.Transport
	}
	return dated{inner, c.dates}
}

// probeURL is the root of the app, or of the host where no app is named.
func probeURL(c easemob.Config) string {
	root := strings.TrimRight(c.URL, "/")
	switch {
	case c.AppID != "":
		return root + "/app-id/" + url.PathEscape(c.AppID)
	case c.Org != "" && c.App != "":
		return root + "/" + url.PathEscape(c.Org) + "/" + url.PathEscape(c.App)
	}
	return root + "/"
}

// tellReached reads the answer: any that is not a redirect or a breakdown shows that the vendor is there.
func (c *consultation) tellReached(host string, took time.Duration, answer *http.Response, body []byte) bool {
	status := answer.StatusCode
	switch {
	case status >= 300 && status < 400:
		c.fail("vendor", "set EASEMOB_URL to where it leads: redirects are not followed", "%s answers %d and leads to %s", host, status, leadsTo(answer))
	case status == http.StatusBadRequest && strings.Contains(strings.ToUpper(string(body)), "HTTPS"):
		c.fail("vendor", "begin EASEMOB_URL with https://", "%s wants TLS, and EASEMOB_URL says http", host)
	case status == http.StatusProxyAuthRequired:
		c.fail("vendor", "put the proxy's user and password into HTTPS_PROXY", "the proxy on the way to %s does not let us through", host)
	case status >= 500:
		c.fail("vendor", "try again later; if it stays so, check EASEMOB_URL, or ask the vendor", "%s answers %d %s", host, status, http.StatusText(status))
	default:
		c.noApp = saysNoApp(status, body)
		c.tellCertificate(fmt.Sprintf("%s answers in %s", host, inWords(took)), answer.TLS)
		return true
	}
	return false
}

func saysNoApp(status int, body []byte) bool {
	var refusal struct {
		Error string `json:"error"`
	}
	return status == http.StatusNotFound && json.Unmarshal(body, &refusal) == nil && refusal.Error == noSuchApp
}

func leadsTo(answer *http.Response) string {
	to, err := answer.Location()
	if err != nil {
		return "nowhere"
	}
	return to.Scheme + "://" + to.Host
}

func (c *consultation) tellCertificate(saw string, state *tls.ConnectionState) {
	if state == nil || len(state.PeerCertificates) == 0 {
		c.fine("vendor", "%s", saw)
		return
	}
	ends := state.PeerCertificates[0].NotAfter
	for _, certificate := range state.PeerCertificates {
		if certificate.NotAfter.Before(ends) {
			ends = certificate.NotAfter
		}
	}
	if left := time.Until(ends); left < expiresSoon {
		c.warn("vendor", "whoever runs it has to renew the certificate", "%s; its certificate ends in %s", saw, inWords(left))
		return
	}
	c.fine("vendor", "%s; its certificate is good for %s", saw, inWords(time.Until(ends)))
}
