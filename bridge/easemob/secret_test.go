package easemob

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNoSecretIsEverShown prints, logs and provokes errors in every way at hand, and greps. The secrets hold what
// looks different in a URL, in JSON and in a header.
func TestNoSecretIsEverShown(t *testing.T) {
	const mark = "s3cret" // is in every secret
	const fixed, clientSecret, mintedToken = `s3cret+fixed/="&<x`, "s3cret client & <y>", `s3cret+minted/="&<z`
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	show := func(v any) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		log.Info("shown", "value", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("shown", "value", v)
	}
	for _, u := range []string{"https://s3cret:s3cret@h/", "https://s3cret@h", "https://h/?t=s3cret#s3cret", "s3cret@h", "https://u:s3cret@h:x y", "u:s3cret@h"} {
		c := Config{URL: u, Org: "o", App: "a", Token: fixed}
		show(c)
		show(c.Validate())
	}
	for _, config := range []Config{{Token: fixed}, {ClientID: "id", ClientSecret: clientSecret}} {
		config.Logger, config.Rate = log, 1e6
		show(config)
		show(&config)
		show(struct{ C Config }{config})
		for _, v := range tellTales(fixed) {
			c := newClient(t, config, func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/token") {
					return reply(200, fmt.Sprintf(`{"access_token":%q}`, mintedToken)), nil
				}
				return v(r)
			})
			_, err := c.Get(t.Context(), "svc", []string{"a"})
			require.Error(t, err)
			show(err)
			show(fmt.Errorf("polling: %w", err))
			show(errors.Unwrap(err))
			_, err = c.Online().GetNow(t.Context(), "", []string{"a"})
			require.Error(t, err)
			show(err)
			show(c)
			show(c.Online())
			show(c.tokens.current)
			atToken := newClient(t, config, v)
			err = set(t, atToken)
			require.Error(t, err)
			show(err)
			show(struct{ c *Client }{atToken})
		}
	}
	require.Greater(t, out.Len(), 10000)
	require.True(t, strings.Contains(out.String(), "[hidden]"), "nothing had to be hidden, so nothing was tested")
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, mark) || strings.Contains(line, fmt.Sprintf("%x", mark)) {
			t.Errorf("a secret shows in %.1000s", line)
		}
	}
}

// tellTales are vendors, and others on the road, that tell what they were sent.
func tellTales(token string) map[string]vendor {
	echo := func(r *http.Request) string { // what is secret first, for long messages are cut
		body, _ := io.ReadAll(r.Body)
		return string(body) + r.Header.Get("Authorization") + fmt.Sprint(r.Header)
	}
	moved := func(location string) *http.Response {
		r := reply(307, "")
		r.Header.Set("Location", location)
		return r
	}
	authorization := func(r *http.Request) string { return r.Header.Get("Authorization") }
	return map[string]vendor{
		"echo":      func(r *http.Request) (*http.Response, error) { return reply(502, echo(r)), nil },
		"echo JSON": func(r *http.Request) (*http.Response, error) { return reply(400, service(echo(r))), nil },
		"echo HTML": func(r *http.Request) (*http.Response, error) {
			return reply(502, string(must(json.Marshal(echo(r))))), nil
		},
		"echo URL":   func(r *http.Request) (*http.Response, error) { return reply(502, url.QueryEscape(echo(r))), nil },
		"echo path":  func(r *http.Request) (*http.Response, error) { return reply(502, url.PathEscape(echo(r))), nil },
		"echo code":  func(r *http.Request) (*http.Response, error) { return reply(400, platform(echo(r), echo(r))), nil },
		"echo 429":   func(r *http.Request) (*http.Response, error) { return reply(429, platform(echo(r), echo(r))), nil },
		"echo ok":    func(r *http.Request) (*http.Response, error) { return reply(200, service(echo(r))), nil },
		"echo error": func(r *http.Request) (*http.Response, error) { return nil, errors.New(echo(r)) },
		"echo type":  func(r *http.Request) (*http.Response, error) { return nil, talkative(echo(r)) },
		"moved": func(r *http.Request) (*http.Response, error) {
			return moved("http://elsewhere.test/?t=" + url.QueryEscape(authorization(r))), nil
		},
		"moved nowhere": func(r *http.Request) (*http.Response, error) { return moved("http://%zz/" + authorization(r)), nil },
		"url error": func(*http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: "http://x/?t=" + token, Err: errors.New("eof")}
		},
		"401": always(401, ""),
		"cut": always(200, `{"access_token":"s3cret`),
	}
}

// talkative is an error that fmt prints where it finds it, however deep.
type talkative string

func (t talkative) Error() string { return string(t) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestProxyKeepsItsPassword: one that is away, and one that will not have us.
func TestProxyKeepsItsPassword(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Header.Get("Proxy-Authorization")+" is not welcome", http.StatusProxyAuthRequired)
	}))
	defer server.Close()
	away := httptest.NewServer(nil)
	away.Close()
	for _, at := range []*httptest.Server{server, away} {
		for _, scheme := range []string{"http", "https"} {
			proxy := must(url.Parse(at.URL))
			proxy.User = url.UserPassword("me", "s3cret")
			transport := &http.Transport{Proxy: http.ProxyURL(proxy)}
			c, err := New(Config{URL: scheme + "://vendor.test", Org: "o", App: "a", Token: "fixed", HTTPClient: &http.Client{Transport: transport}})
			require.NoError(t, err)
			_, err = c.Get(t.Context(), "svc", []string{"a"})
			require.Error(t, err)
			assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "s3cret")
			assert.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString([]byte("me:s3cret")))
			c.Close()
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	calls := 0
	c := newClient(t, Config{ClientID: "id", ClientSecret: "s"}, func(*http.Request) (*http.Response, error) {
		calls++
		r := reply(307, "")
		r.Header.Set("Location", "http://elsewhere.test/")
		return r, nil
	})
	assert.ErrorContains(t, set(t, c), "redirects are not followed")
	assert.Equal(t, 1, calls)
}
