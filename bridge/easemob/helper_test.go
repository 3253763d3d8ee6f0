package easemob

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// vendor answers calls in place of a server, so that synctest's clock can run.
type vendor func(*http.Request) (*http.Response, error)

func (v vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return v(r)
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// always gives one answer to everything.
func always(status int, body string) vendor {
	return func(*http.Request) (*http.Response, error) { return reply(status, body), nil }
}

// newClient is a client of v, with a fixed token unless c says otherwise.
func newClient(t *testing.T, c Config, v vendor) *Client {
	t.Helper()
	c.URL, c.Org, c.App = "http://vendor.test", "org", "app"
	c.HTTPClient = &http.Client{Transport: v}
	if c.ClientID == "" && c.Token == "" {
		c.Token = "fixed-token"
	}
	client, err := New(c)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return strings.TrimSpace(string(b))
}
