package hub

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// vendorWouldNot is the error of the real client about what it would not send.
func vendorWouldNot(t *testing.T, resource, status, ext string) error {
	t.Helper()
	client, err := easemob.New(easemob.Config{URL: "http://127.0.0.1:1", Org: "demo", App: "presence", Token: "a-fixed-token"})
	require.NoError(t, err)
	defer client.Close()
	err = client.SetPresence(t.Context(), "me", resource, status, ext)
	require.ErrorIs(t, err, easemob.ErrInvalid)
	return err
}

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
