package easemob

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExists(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   bool
		err    string
	}{
		"online":         {200, `{"action":"get","entities":[],"data":{"svc-1":"online"},"timestamp":1542601284531}`, true, ""},
		"offline":        {200, `{"data":{"svc-1":"offline"}}`, true, ""},
		"nobody":         {404, `{"error":"service_resource_not_found","error_description":"Service resource not found"}`, false, ""},
		"no such app":    {404, `{"error":"organization_application_not_found","error_description":"Could not find"}`, false, "Could not find"},
		"a page":         {404, `<html>not here</html>`, false, "404"},
		"somebody else":  {200, `{"data":{"svc-2":"offline"}}`, false, "not about this user"},
		"nothing in it":  {200, `{}`, false, "200"},
		"binary garbage": {200, "\x00\x01\xff", false, "200"},
		"refused":        {401, `{"error":"unauthorized"}`, false, "401"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			c := newClient(t, Config{}, func(r *http.Request) (*http.Response, error) {
				asked = r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization")
				return reply(test.status, test.body), nil
			})
			exists, err := c.Exists(t.Context(), "SVC-1")
			require.Equal(t, test.want, exists)
			require.Equal(t, "GET /org/app/users/svc-1/status Bearer fixed-token", asked)
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
				require.NotContains(t, err.Error(), "fixed-token")
			}
		})
	}
	_, err := newClient(t, Config{}, nil).Exists(t.Context(), "")
	require.ErrorIs(t, err, ErrInvalid)
}

func TestTokenExpiry(t *testing.T) {
	fixed, err := newClient(t, Config{}, nil).TokenExpiry(t.Context())
	require.NoError(t, err)
	require.Zero(t, fixed, "of a fixed token only the vendor knows")

	for body, life := range map[string]time.Duration{
		`{"access_token":"YWMt-x","expires_in":3600}`: time.Hour,
		`{"access_token":"YWMt-x","expires_in":0}`:    0,
	} {
		minted, err := newClient(t, Config{ClientID: "id", ClientSecret: "hush"}, always(200, body)).TokenExpiry(t.Context())
		require.NoError(t, err)
		if life == 0 {
			require.Zero(t, minted)
		} else {
			require.WithinDuration(t, time.Now().Add(life), minted, time.Minute)
		}
	}
	_, err = newClient(t, Config{ClientID: "id", ClientSecret: "hush"},
		always(400, `{"error":"invalid_grant","error_description":"client_secret does not match hush"}`)).TokenExpiry(t.Context())
	require.True(t, IsUnauthorized(err))
	require.False(t, strings.Contains(err.Error(), "hush"))
}

// A token that was revoked does not make a user look absent: it is replaced as for every other call.
func TestExistsReplacesARefusedToken(t *testing.T) {
	m := &mint{life: "3600", good: func(token string) bool { return token != "token-1" }}
	c := newClient(t, minted, func(r *http.Request) (*http.Response, error) {
		answer, err := m.roundTrip(r)
		if err == nil && answer.StatusCode == 200 && strings.HasSuffix(r.URL.Path, "/status") {
			answer = reply(200, `{"action":"get","data":{"svc-1":"offline"}}`)
		}
		return answer, err
	})
	exists, err := c.Exists(t.Context(), "svc-1")
	require.NoError(t, err)
	require.True(t, exists)
	require.Equal(t, []string{"token-1", "token-2"}, m.seen)
}
