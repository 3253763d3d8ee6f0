package bridge

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// restartable starts a server whose port and directory survive it.
func restartable(t *testing.T) (*Server, func() *Server) {
	t.Helper()
	o := ServerOptions{Dir: t.TempDir(), Listen: "127.0.0.1:0"}
	s := startServer(t, o)
	o.Listen = strings.TrimPrefix(s.URL(), "nats://")
	return s, func() *Server { return startServer(t, o) }
}

func busOver(t *testing.T, url string) *Bus {
	t.Helper()
	nc, err := Connect(url, "", nil)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	b, err := Open(t.Context(), nc, demoApp, Settings{}, nil)
	require.NoError(t, err)
	return b
}

func TestMemoryMovesOnlyWithTheAcknowledgement(t *testing.T) {
	t.Parallel()
	srv, restart := restartable(t)
	b := busOver(t, srv.URL())
	j := journalAt(t, b)
	observed(t, j, look("alice", online))
	observed(t, j, look("bob", online))

	srv.Stop()
	require.Eventually(t, func() bool { return !b.Connected() }, soon, often)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	out, err := j.Observe(ctx, []Observation{look("alice", offline), look("bob", online)})
	require.Error(t, err)
	require.Equal(t, Outcome{Again: []UID{"alice"}}, out, "alice's change is not acknowledged, bob has none")
	e, _, _ := j.Last("alice")
	require.Equal(t, online, e.State, "memory has not moved")

	restart()
	lookUntilTaken(t, j, "alice", offline)
	log := history(t, b, "alice")
	require.Len(t, log, 2, "nothing is lost and nothing is there twice")
	require.Equal(t, offline, log[1].State)
	require.Equal(t, online, *log[1].Prev)
	require.Len(t, history(t, b, "bob"), 1)
}

func TestAnUncertainAcknowledgementIsResolvedByTheNextLook(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := unaware(t, b)
	observed(t, j, look("alice", online))
	gone, cancel := context.WithCancel(t.Context())
	cancel() // nobody waits for the acknowledgement; the message lands
	for range 3 {
		if _, err := j.Observe(gone, []Observation{look("alice", busy)}); err != nil {
			break
		}
	}
	require.Eventually(t, func() bool { return newest(t, b, "alice").Equal(busy) }, soon, often)
	lookUntilTaken(t, j, "alice", busy)
	require.Len(t, history(t, b, "alice"), 2, "not twice")
	lookUntilTaken(t, j, "alice", offline)
	log := history(t, b, "alice")
	require.Len(t, log, 3)
	require.Equal(t, busy, *log[2].Prev)
}

// posted is a message that JetStream has taken, and of which the journal does not know it yet.
func posted(t *testing.T, j *Journal, obs Observation) *flight {
	t.Helper()
	ready, again := j.changes([]Observation{obs})
	require.Empty(t, again)
	require.Len(t, ready, 1)
	f := ready[0]
	f.data = encoded(t, f.change)
	j.launched(ready)
	j.bus.mail.carry(t.Context(), j.bus.app, ready)
	require.NoError(t, f.err)
	return f
}

// TestWhatIsUncertainIsReadBackAtOnce: the message has landed, and only the word of it got lost.
func TestWhatIsUncertainIsReadBackAtOnce(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := unaware(t, b)
	observed(t, j, look("alice", online))
	obs := look("alice", busy)
	f := posted(t, j, obs)
	f.err = nats.ErrTimeout
	require.NoError(t, j.settle(t.Context(), f))
	e, verified, _ := j.Last("alice")
	require.Equal(t, busy, e.State)
	require.EqualValues(t, 2, e.Seq)
	require.Equal(t, obs.At, verified)
	lookUntilTaken(t, j, "alice", busy)
	require.Len(t, history(t, b, "alice"), 2)

	lost := &flight{stream: f.stream, after: 2, change: &Change{UID: "alice"}, data: []byte("{}"), err: nats.ErrTimeout}
	require.ErrorIs(t, j.settle(t.Context(), lost), nats.ErrTimeout, "it has not landed")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, j.settle(gone, lost), errUnread)
}

// TestOurOwnMessageInTheLogIsItsAcknowledgement sends one whose acknowledgement nobody waits for.
func TestOurOwnMessageInTheLogIsItsAcknowledgement(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := journalAt(t, b)
	obs := look("alice", online)
	f := posted(t, j, obs)
	require.Eventually(t, func() bool {
		e, verified, ok := j.Last("alice")
		return ok && e.Change == f.change && verified.Equal(obs.At)
	}, soon, often)
	require.Empty(t, observed(t, j, look("alice", online)).Published, "it is no message of another's")
}

func TestFollowStopsAtOnceWhileNATSIsAway(t *testing.T) {
	t.Parallel()
	srv, _ := restartable(t)
	b := busOver(t, srv.URL())
	r := &recorder{}
	stop := inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r) })
	require.Eventually(t, r.caughtUp(1), soon, often)
	srv.Stop()
	require.Eventually(t, func() bool { return !b.Connected() }, soon, often)
	began := time.Now()
	stop()
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestFollowGoesOnAfterAnOutage(t *testing.T) {
	t.Parallel()
	srv, restart := restartable(t)
	b := busOver(t, srv.URL())
	r := &recorder{}
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r) })
	foreign(t, b, "alice", encoded(t, Change{UID: "alice", ObservedAt: 1}))
	require.Eventually(t, r.has("alice", 1), soon, often)
	srv.Stop()
	restart()
	require.Eventually(t, func() bool {
		_, err := b.js.Publish(t.Context(), b.app.Subject("bob"), encoded(t, Change{UID: "bob", ObservedAt: 1}))
		return err == nil
	}, soon, often)
	require.Eventually(t, r.has("bob", 2), soon, often)
	_, _, resets, _ := r.got()
	require.Equal(t, 1, resets, "it is the same log")
}
