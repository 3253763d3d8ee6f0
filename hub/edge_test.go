package hub

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestEdgeHub: a hub without credentials of the vendor shows what others put into the log, by every door, and refuses to
// set in the same words by each: over a WebSocket, over HTTP and over NATS.
func TestEdgeHub(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("me", online("1"))
	edge := w.hub(func(c *Config) { c.Auth = hmacAuth })
	edge.hears(bridge.FeedLive)
	edge.follows(w.look)
	may := token(t, fields{"set": true})
	c := edge.dial(withToken(may))
	c.expect("welcome")
	require.Equal(t, map[bridge.UID]string{"me": "1"}, c.subscribe("me").exts())
	stream := edge.events("uids=me", http.Header{"Authorization": {"Bearer " + may}})
	stream.expect("welcome")
	stream.expect("subscribed")
	b := w.backend()

	c.say(fields{"type": "set", "id": "1", "resource": "web", "status": "1"})
	no := c.expect("error")
	require.Equal(t, "read_only", no.Code)
	require.Equal(t, "1", no.ID)
	put := edge.ask("PUT", "/v1/presence/me/web", `{"status":"1"}`, "Authorization", "Bearer "+may)
	require.Equal(t, http.StatusNotImplemented, put.status)
	require.Equal(t, "read_only", put.code(t))
	require.Contains(t, string(put.body), no.Message)
	status, code, why := b.isRefused("set", `{"uid":"me","resource":"web","status":"1"}`)
	require.Equal(t, []string{"501", "read_only", no.Message}, []string{status, code, why})

	w.look.see("me", online("2")) // and nobody's connection ended
	require.Equal(t, map[bridge.UID]string{"me": "2"}, c.expect("changes").exts())
	_, f := stream.expect("changes")
	require.Equal(t, map[bridge.UID]string{"me": "2"}, f.exts())
	var got frame
	b.gets("get", `{"uids":["me"]}`, &got)
	require.Equal(t, map[bridge.UID]string{"me": "2"}, got.exts())
	require.Contains(t, string(edge.ask("GET", "/v1/presence?uids=me", "", "Authorization", "Bearer "+may).body), `"ext":"2"`)
}
