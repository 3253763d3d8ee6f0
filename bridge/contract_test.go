package bridge

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/hub/contract"
	"github.com/presence-bridge/presence-bridge/hub/contract/contracttest"
)

// spoken is what all that tests publish at NATS is held against. The tables of a hub are not in it.
var spoken = sync.OnceValues(func() (*contracttest.Contract, error) {
	tables := contract.Tables{Errors: []contract.ErrorCode{{Code: "none"}}}
	return contracttest.Parse(tables.OpenAPI(), tables.AsyncAPI())
})

// enoughHeard is as many messages of a test as are looked at: what comes after tens of thousands is no different.
const enoughHeard = 200

// listens holds what is published at a server from here on against the document; heard says how much of it there was. Tests
// publish garbage, too: it has no headers in the log, and on the feed it is none that anybody would take in.
func listens(t testing.TB, s *Server) (heard func() int64) {
	t.Helper()
	c, err := spoken()
	require.NoError(t, err)
	nc := connectTo(t, s)
	var count atomic.Int64
	hold := func(ours func(*nats.Msg) bool) nats.MsgHandler {
		return func(m *nats.Msg) {
			if count.Load() >= enoughHeard || !ours(m) {
				return
			}
			if err := c.Published(m.Subject, m.Header, m.Data); err != nil {
				t.Errorf("not as documented: %v", err)
			}
			count.Add(1)
		}
	}
	_, err = nc.Subscribe("presence.v1.>", hold(func(m *nats.Msg) bool { return m.Header.Get("ce-id") != "" }))
	require.NoError(t, err)
	_, err = nc.Subscribe("presence.feed.>", hold(func(m *nats.Msg) bool { _, err := DecodeFeed(m.Data); return err == nil }))
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	return count.Load
}

// TestPublishedIsAsDocumented: startServer listens in every test; this one says that there is something to hear.
func TestPublishedIsAsDocumented(t *testing.T) {
	t.Parallel()
	s := startServer(t, ServerOptions{})
	heard := listens(t, s)
	b := busAt(t, s, quick)
	observed(t, journalAt(t, b), Observation{UID: "alice", State: StateOf(map[string]string{"web": "1"}, "busy", 7), At: time.Now(), Source: SourcePoll})
	require.NoError(t, b.PublishFeed(Feed{State: FeedDown, AsOf: 1, Reason: "r", Codes: []FeedCode{FeedNoPoller}}))
	require.Eventually(t, func() bool { return heard() == 2 }, soon, often)
}
