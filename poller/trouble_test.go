package poller

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// vendorSays is an error as the client makes it, which only a call can.
func vendorSays(t *testing.T, status int, body string) error {
	t.Helper()
	client, err := easemob.New(easemob.Config{URL: "http://vendor.test", Org: "o", App: "a", Token: "a-fixed-token",
		HTTPClient: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})}})
	require.NoError(t, err)
	defer client.Close()
	_, err = client.GetNow(t.Context(), "svc", []string{"u"})
	require.Error(t, err)
	return err
}

// TestOnlyWhatIsAboutACallSplitsIt: being too fast, or not let in, is nothing that fewer users would change.
func TestOnlyWhatIsAboutACallSplitsIt(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		about  bool
	}{
		{400, `{"error":"illegal_argument","error_description":"username [a b] is not legal"}`, true},
		{400, `{"result":"too many get presences"}`, true},
		{413, `Request Entity Too Large`, true},
		{200, `{"result":"no such user"}`, true},
		{200, `{"result":[` + strings.Repeat(" ", 1<<20) + `]}`, true},
		{400, `{"result":"too many queries"}`, false},
		{400, `{"result":"the app not open presence"}`, false},
		{401, `{"error":"unauthorized"}`, false},
		{403, `{"error":"forbidden_op"}`, false},
		{404, `{"error":"organization_application_not_found"}`, false},
		{404, `{"error":"service_resource_not_found"}`, false},
		{408, ``, false},
		{429, `{"error":"reach_limit"}`, false},
		{429, `{"error":"resource_limited"}`, false},
		{500, `{"error":"web_application"}`, false},
		{500, ``, false},
		{502, `<html>`, false},
		{503, ``, false},
		{200, `{"result":[`, false},
	} {
		err := vendorSays(t, tt.status, tt.body)
		require.Equal(t, tt.about, aboutTheCall(err), "%v", err)
	}
}
