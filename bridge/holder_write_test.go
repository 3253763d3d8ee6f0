package bridge

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// TestWatchesAreWrittenAsABucketWritesThem: what the holder sends past the bucket's own methods is what those send.
func TestWatchesAreWrittenAsABucketWritesThem(t *testing.T) {
	b := newBus(t)
	h := NewHolder(b, "h")
	h.Watch("alice")
	require.NoError(t, h.flush(t.Context()))
	_, err := b.watch.Put(t.Context(), "h.other", []byte(`{"watchers":1}`))
	require.NoError(t, err)
	require.Equal(t, lastWatch(t, b, "other"), lastWatch(t, b, EncodeToken("alice")))

	h.Unwatch("alice")
	require.NoError(t, h.flush(t.Context()))
	require.NoError(t, b.watch.Purge(t.Context(), "h.other", jetstream.PurgeTTL(markersFor)))
	require.Equal(t, lastWatch(t, b, "other"), lastWatch(t, b, EncodeToken("alice")))
}

// lastWatch is the last message of a key as it is in the stream, but for where and when.
func lastWatch(t *testing.T, b *Bus, token string) jetstream.RawStreamMsg {
	t.Helper()
	stream, err := b.js.Stream(t.Context(), "KV_"+WatchBucket)
	require.NoError(t, err)
	msg, err := stream.GetLastMsgForSubject(t.Context(), "$KV."+WatchBucket+".h."+token)
	require.NoError(t, err)
	for _, place := range []string{jetstream.SequenceHeader, jetstream.SubjectHeader, jetstream.TimeStampHeaer} {
		msg.Header.Del(place)
	}
	return jetstream.RawStreamMsg{Header: msg.Header, Data: msg.Data}
}

// TestWhatCouldNotBeWrittenIsWrittenAgain, of those who are wanted and of those who are not, once the bucket is there.
func TestWhatCouldNotBeWrittenIsWrittenAgain(t *testing.T) {
	b := newBus(t)
	h := NewHolder(b, "h")
	h.Watch("alice", "bob")
	require.NoError(t, h.flush(t.Context()))
	require.NoError(t, b.js.DeleteKeyValue(t.Context(), WatchBucket))
	h.Unwatch("bob")
	h.Again("alice")
	err := h.flush(t.Context())
	require.ErrorIs(t, err, jetstream.ErrNoStreamResponse)

	b.mend(t.Context(), b.settings.watchBucket(), err)
	require.NoError(t, h.flush(t.Context()))
	require.Equal(t, []byte(`{"watchers":1}`), lastWatch(t, b, EncodeToken("alice")).Data)
	require.Equal(t, "PURGE", lastWatch(t, b, EncodeToken("bob")).Header.Get("KV-Operation"))
}

// TestAHolderThatStopsWritesNoMore, however many are left: nobody would wait for what becomes of them.
func TestAHolderThatStopsWritesNoMore(t *testing.T) {
	b := newBus(t)
	h := NewHolder(b, "h")
	h.Watch("alice")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, h.flush(ctx), context.Canceled)
	require.NoError(t, b.nc.Flush())
	_, err := b.watch.Get(t.Context(), "h."+EncodeToken("alice"))
	require.ErrorIs(t, err, jetstream.ErrKeyNotFound)
}
