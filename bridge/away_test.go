package bridge

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// TestAnOutageIsTwoLines: whoever operates reads that NATS is away, and that it is back and for how long it was not,
// and nothing that follows from it.
func TestAnOutageIsTwoLines(t *testing.T) {
	t.Parallel()
	srv, restart := restartable(t)
	var logged logBuffer
	nc, err := Connect(srv.URL(), "", logged.logger())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	b, err := Open(t.Context(), nc, demoApp, Settings{HolderTTL: 2 * time.Second, RoleTTL: 3 * time.Second}, logged.logger())
	require.NoError(t, err)
	o, h, r := newOffice(), NewHolder(b, "h"), NewRegistry(b, nil)
	run(t, b, o, "a")
	inBackground(t, h.Run)
	inBackground(t, r.Run)
	require.Eventually(t, o.leads("a"), soon, often)
	waitFor(t, r.Ready(), "the registry")

	srv.Stop()
	require.Eventually(t, b.Away, soon, often)
	require.Eventually(t, func() bool { return o.leader() == "" }, soon, often, "the role was lost")
	require.ErrorIs(t, b.PublishFeed(Feed{State: FeedLive}), errAway)
	restart()
	require.Eventually(t, o.leads("a"), soon, often)
	h.Watch("alice")
	require.Eventually(t, func() bool { return len(r.All()) == 1 }, soon, often, "and all of it works again")
	require.Equal(t, 1, countLines(logged.String(), "level=WARN"), "%s", logged.String())
	require.Equal(t, 1, countLines(logged.String(), "NATS is away"))
	require.Regexp(t, `level=INFO msg="NATS is back" away_for=\S+ server=nats://127.0.0.1`, logged.String())
}

// TestARoleThatWasGrantedUnheardIsTakenUp: the request came through, and its answer did not.
func TestARoleThatWasGrantedUnheardIsTakenUp(t *testing.T) {
	t.Parallel()
	b := busAt(t, startServer(t, ServerOptions{}), Settings{InMemory: true, RoleTTL: time.Hour})
	for key, id := range map[Role]string{RolePoller: "a", RoleKeeper: "another"} {
		_, err := b.roles.Create(t.Context(), b.app.Tokens()+"."+string(key), []byte(id))
		require.NoError(t, err)
	}
	o := newOffice()
	run(t, b, o, "a")
	require.Eventually(t, o.leads("a"), soon, often)
	keeper := &lease{bus: b, key: b.app.Tokens() + "." + string(RoleKeeper), id: "a"}
	require.ErrorIs(t, keeper.ask(t.Context()), jetstream.ErrKeyExists, "what another holds is not ours")
}

// TestComingBackIsQuick: browsers are shown stale states until an attempt succeeds.
func TestComingBackIsQuick(t *testing.T) {
	t.Parallel()
	nc, err := Connect(startServer(t, ServerOptions{Listen: "127.0.0.1:0"}).URL(), "", nil)
	require.NoError(t, err)
	defer nc.Close()
	require.LessOrEqual(t, nc.Opts.ReconnectWait+max(nc.Opts.ReconnectJitter, nc.Opts.ReconnectJitterTLS), 500*time.Millisecond)
	require.Equal(t, -1, nc.Opts.MaxReconnect)
}
