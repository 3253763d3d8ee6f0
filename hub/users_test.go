package hub

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"unsafe"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestAUserDoesNotKeepTheListThatNamedThem: names are parts of the message they came in, which may be long, while the hub
// keeps a user for good.
func TestAUserDoesNotKeepTheListThatNamedThem(t *testing.T) {
	h := quietHub(t)
	list := strings.Repeat("a", 1000)
	of := func(uid bridge.UID) *byte { return unsafe.StringData(string(uid)) }
	u := h.want(bridge.UID(list[:3]))
	require.NotSame(t, unsafe.StringData(list), of(u.uid))
	for uid := range h.users {
		require.Same(t, of(u.uid), of(uid))
	}
	for uid := range h.wanted {
		require.Same(t, of(u.uid), of(uid))
	}
	for uid := range h.unvouched {
		require.Same(t, of(u.uid), of(uid))
	}
}

// TestNobodyIsRefusedWhoHasGone: a page that asks and goes at once is no fault of the hub.
func TestNobodyIsRefusedWhoHasGone(t *testing.T) {
	metrics := prometheus.NewRegistry()
	h := quietHub(t, func(c *Config) { c.Registerer = metrics })
	ctx, cancel := context.WithCancel(t.Context())
	c := echo.New().NewContext(httptest.NewRequestWithContext(ctx, "GET", "/v1/presence/a/history", nil), httptest.NewRecorder())
	h.httpError(context.Canceled, c)
	require.Equal(t, 1.0, sum(t, metrics, "refused_total", "internal"), "somebody waits")
	cancel()
	h.httpError(context.Canceled, c)
	require.Equal(t, 1.0, sum(t, metrics, "refused_total", "internal"))
}

// TestAUserIsTwoLines of a processor's cache, the second of which is all that a delivery looks at.
func TestAUserIsTwoLines(t *testing.T) {
	var u user
	if unsafe.Sizeof(uintptr(0)) == 8 {
		require.EqualValues(t, 64, unsafe.Offsetof(u.change))
		require.EqualValues(t, 128, unsafe.Sizeof(u))
	}
}
