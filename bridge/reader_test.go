package bridge

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

func change(uid UID, ext string) Change {
	return Change{UID: uid, State: StateOf(nil, ext, 0), ObservedAt: 1, Changed: []string{ChangedFirst}, Source: SourcePoll}
}

func TestFollowersGetTheLastOfEveryoneThenWhatHappens(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	for i := range 3 {
		foreign(t, b, "alice", encoded(t, change("alice", fmt.Sprint(i))))
	}
	foreign(t, b, "bob", encoded(t, change("bob", "")))
	other := *b
	other.app = App{Org: "demo", Name: "other"}
	foreign(t, &other, "eve", encoded(t, change("eve", "")))
	r := &recorder{}
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r) })
	require.Eventually(t, r.caughtUp(1), soon, often)
	uids, seqs, resets, _ := r.got()
	require.Equal(t, []UID{"alice", "bob"}, uids)
	require.Equal(t, []uint64{3, 4}, seqs)
	require.Equal(t, 1, resets)
	info, err := b.stream.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{info.Created.UnixNano()}, r.resets)

	foreign(t, b, "alice", encoded(t, change("alice", "live")))
	require.Eventually(t, r.has("alice", 6), soon, often)
	_, _, _, caught := r.got()
	require.Equal(t, 1, caught, "said once")
}

func TestAnEmptyStreamSaysCaughtUp(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r, second := &recorder{}, &recorder{}
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r, second) })
	require.Eventually(t, r.caughtUp(1), soon, often)
	require.Eventually(t, second.caughtUp(1), soon, often)
	foreign(t, b, "alice", encoded(t, change("alice", "")))
	require.Eventually(t, r.has("alice", 1), soon, often)
}

func TestMalformedMessagesArePassedOver(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	foreign(t, b, "alice", encoded(t, change("alice", "")))
	foreign(t, b, "bob", encoded(t, change("alice", ""))) // who writes about a under b's subject speaks for neither
	_, err := b.js.Publish(t.Context(), "presence.v1.demo.presence.BOB", encoded(t, change("bob", "")))
	require.NoError(t, err)
	foreign(t, b, "carol", []byte("{"))
	r := &recorder{}
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r) })
	require.Eventually(t, r.caughtUp(1), soon, often, "though the last message cannot be read")
	foreign(t, b, "dave", []byte("{}"))
	foreign(t, b, "dave", encoded(t, change("dave", "")))
	require.Eventually(t, r.has("dave", 6), soon, often)
	uids, _, _, _ := r.got()
	require.Equal(t, []UID{"alice", "dave"}, uids)
}

func TestAStreamMadeAnewIsANewLog(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	for _, uid := range []UID{"alice", "bob", "carol"} {
		foreign(t, b, uid, encoded(t, change(uid, "")))
	}
	r, j := &recorder{}, NewJournal(b)
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, j, r) }) // r hears what j has heard
	require.Eventually(t, r.has("carol", 3), soon, often)

	deleteStream(t, b.js, StreamName)
	require.Eventually(t, func() bool { _, err := b.openStream(t.Context()); return err == nil }, soon, often)
	foreign(t, b, "dave", encoded(t, change("dave", "")))
	require.Eventually(t, r.caughtUp(2), soon, often)
	require.Eventually(t, r.has("dave", 1), soon, often, "sequences begin at 1 again")
	uids, _, resets, _ := r.got()
	require.Equal(t, []UID{"dave"}, uids, "what was known is void")
	require.Equal(t, 2, resets)
	require.NotEqual(t, r.resets[0], r.resets[1])

	lookUntilTaken(t, j, "alice", online)
	require.Equal(t, []string{ChangedFirst}, newest(t, b, "alice").Changed)
}

// A stream that was purged, or lost its tail, keeps its name and its time of creation.
func TestMessagesThatWereReadAndAreLostAreNoticed(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r, j := &recorder{}, NewJournal(b)
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, j, r) }) // r hears what j has heard
	waitFor(t, j.Ready(), "the journal")
	observed(t, j, look("alice", online))
	require.Eventually(t, r.has("alice", 1), soon, often)
	stream, err := b.js.Stream(t.Context(), StreamName)
	require.NoError(t, err)
	require.NoError(t, stream.Purge(t.Context()))
	require.Eventually(t, r.caughtUp(2), soon, often)
	lookUntilTaken(t, j, "alice", online)
	require.Equal(t, []string{ChangedFirst}, newest(t, b, "alice").Changed, "what the log lost is written again")
}

func TestAStreamThatIsGoneIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := &recorder{}
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r) })
	require.Eventually(t, r.caughtUp(1), soon, often)
	deleteStream(t, b.js, StreamName)
	require.Eventually(t, r.caughtUp(2), soon, often)
	_, err := b.js.Stream(t.Context(), StreamName)
	require.NoError(t, err)
}

// occupied is a follower who is busy with the first message until it is let go on.
type occupied struct {
	*recorder
	goOn chan struct{}
}

func (o occupied) Apply(e Entry) { <-o.goOn; o.recorder.Apply(e) }

// TestABusyFollowerLosesNothing: what waits for one who is busy stays below what nats.go holds, though the log has more of
// the longest messages than that.
func TestABusyFollowerLosesNothing(t *testing.T) {
	t.Parallel()
	s, told := startServer(t, ServerOptions{}), &logBuffer{}
	nc, err := s.Connect(told.logger())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	b, err := Open(t.Context(), nc, demoApp, quick, nil)
	require.NoError(t, err)
	ext := strings.Repeat("x", maxChange-256)
	const messages = nats.DefaultSubPendingBytesLimit/(maxChange-256) + 50
	for i := range messages {
		uid := UID(fmt.Sprint("u", i))
		_, err := b.js.PublishAsync(b.app.Subject(uid), encoded(t, change(uid, ext)))
		require.NoError(t, err)
	}
	waitFor(t, b.js.PublishAsyncComplete(), "the log to be written")
	r := occupied{&recorder{}, make(chan struct{})}
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r) })
	require.Eventually(t, func() bool { return sentAllItMay(t, b) }, soon, often)
	close(r.goOn)
	require.Eventually(t, r.caughtUp(1), soon, often)
	uids, _, _, _ := r.got()
	require.Len(t, uids, messages)
	require.NotContains(t, told.String(), nats.ErrSlowConsumer.Error())
}

// sentAllItMay says whether the one consumer of the log has sent all, or all that was asked for.
func sentAllItMay(t *testing.T, b *Bus) bool {
	for c := range b.stream.ListConsumers(t.Context()).Info() {
		return c.NumPending == 0 || c.NumWaiting == 0
	}
	return false
}

func TestNothingIsToldAfterFollowReturned(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	publishing, done := context.WithCancel(t.Context())
	go func() {
		for publishing.Err() == nil {
			_, _ = b.js.Publish(publishing, b.app.Subject("alice"), []byte(`{"uid":"alice","observed_at":1}`))
		}
	}()
	defer done()
	for range 20 {
		r := &recorder{}
		stop := inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r) })
		require.Eventually(t, func() bool { uids, _, _, _ := r.got(); return len(uids) > 0 }, soon, time.Millisecond)
		stop()
		before, _, _, _ := r.got()
		last, err := b.LastSeq(t.Context())
		require.NoError(t, err)
		require.Eventually(t, func() bool { now, err := b.LastSeq(t.Context()); return err == nil && now > last+10 }, soon, time.Millisecond)
		now, _, _, _ := r.got()
		require.Len(t, now, len(before))
	}
}

// stuck is a consumer that does not hear Stop, as one that looks for NATS.
type stuck struct {
	jetstream.ConsumeContext
	closed chan struct{}
}

func (stuck) Stop()                     {}
func (s stuck) Closed() <-chan struct{} { return s.closed }

// late is a message that such a consumer still has to tell.
type late struct{ jetstream.Msg }

func (late) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: 1}}, nil
}
func (late) Subject() string { return demoApp.Subject("alice") }
func (late) Data() []byte    { return []byte(`{"uid":"alice","observed_at":1}`) }

func TestAConsumerThatDoesNotStopTellsNothingMore(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	told := &relay{bus: &Bus{app: demoApp}, to: []Follower{r}}
	consumer := stuck{closed: make(chan struct{})}
	defer close(consumer.closed)
	told.close(consumer)
	told.message(late{})
	require.False(t, r.has("alice", 1)())
	require.False(t, r.caughtUp(1)())

	open := &relay{bus: told.bus, to: told.to}
	open.message(late{})
	require.True(t, r.has("alice", 1)(), "an open one tells it")
}

// A server whose machine crashed comes back without the newest messages, and others write on at once, over the
// sequences that were read and beyond.
func TestALogThatLostItsTailAndWentOnIsNoticed(t *testing.T) {
	t.Parallel()
	srv := newForgetful(t)
	foreign(t, busOver(t, srv.URL()), "alice", encoded(t, change("alice", "kept")))
	srv.remember()
	b := busOver(t, srv.URL())
	r, j := &recorder{}, NewJournal(b)
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, j, r) }) // r hears what j has heard
	waitFor(t, j.Ready(), "the journal")
	observed(t, j, look("alice", online))
	observed(t, j, look("bob", online))
	require.Eventually(t, r.has("bob", 3), soon, often)

	srv.forget()
	writer := busOver(t, srv.URL())
	for range 3 {
		foreign(t, writer, "carol", encoded(t, change("carol", "")))
	}
	require.Eventually(t, r.has("carol", 4), soon, often, "the log goes on")
	require.Eventually(t, r.caughtUp(2), soon, often, "it is another one")
	lookUntilTaken(t, j, "alice", online)
	lookUntilTaken(t, j, "bob", online)
	require.Equal(t, online, newest(t, b, "alice").State, "what the log lost is written again")
	require.Equal(t, online, newest(t, b, "bob").State)
}
