package hub

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// vendorSays is the error of the real client when the vendor answers so.
func vendorSays(t *testing.T, status int, body string) error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client, err := easemob.New(easemob.Config{URL: server.URL, Org: "demo", App: "presence", Token: "a-fixed-token",
		HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	defer client.Close()
	err = client.SetPresence(t.Context(), "me", "web", "1", "")
	require.Error(t, err)
	return err
}
