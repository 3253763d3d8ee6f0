package easemob

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNoSecretIsEverShown prints, logs and provokes errors in every way at hand, and greps.
func TestNoSecretIsEverShown(t *testing.T) {
	const fixed, clientSecret, mintedToken = "s3cret-fixed", "s3cret-client", "s3cret-minted"
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	show := func(v any) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		log.Info("shown", "value", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("shown", "value", v)
	}
	echo := func(r *http.Request) string { // a proxy that tells what it was sent
		var b bytes.Buffer
		_ = r.Write(&b)
		return b.String()
	}
	answers := map[string]vendor{
		"echo":       func(r *http.Request) (*http.Response, error) { return reply(502, echo(r)), nil },
		"echo JSON":  func(r *http.Request) (*http.Response, error) { return reply(400, service(echo(r))), nil },
		"echo code":  func(r *http.Request) (*http.Response, error) { return reply(400, platform(echo(r), echo(r))), nil },
		"echo ok":    func(r *http.Request) (*http.Response, error) { return reply(200, service(echo(r))), nil },
		"echo error": func(r *http.Request) (*http.Response, error) { return nil, errors.New(echo(r)) },
		"url error": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: "http://x/?t=" + fixed, Err: errors.New("eof")}
		},
		"401": always(401, ""),
		"cut": always(200, `{"access_token":"`+mintedToken),
	}
	for _, config := range []Config{{Token: fixed}, {ClientID: "id", ClientSecret: clientSecret}} {
		config.Logger, config.Rate = log, 1e6
		show(config)
		show(&config)
		show(struct{ C Config }{config})
		for _, v := range answers {
			c := newClient(t, config, func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/token") {
					return reply(200, `{"access_token":"`+mintedToken+`"}`), nil
				}
				return v(r)
			})
			_, err := c.Get(t.Context(), "svc", []string{"a"})
			require.Error(t, err)
			show(err)
			show(c)
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
	for _, secret := range []string{fixed, clientSecret, mintedToken, "fixed-token"} {
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, secret) || strings.Contains(line, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s shows in %.1000s", secret, line)
			}
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
