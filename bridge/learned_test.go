package bridge

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

func TestWhatWasLearnedIsKept(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	data, err := b.LoadLearned(t.Context())
	require.NoError(t, err)
	require.Nil(t, data, "nobody has learned anything")

	for _, want := range [][]byte{[]byte("little"), bytes.Repeat([]byte("much "), 100_000), {}} {
		require.NoError(t, b.SaveLearned(t.Context(), want))
		data, err = b.LoadLearned(t.Context())
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, data), "%d bytes", len(data))
	}
}

// TestWhatWasLearnedByHalvesIsRefused takes a key out, cuts one short, and writes what is not ours.
func TestWhatWasLearnedByHalvesIsRefused(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	require.NoError(t, b.SaveLearned(t.Context(), make([]byte, 2*learnedChunk)))
	kv, err := b.js.KeyValue(t.Context(), LearnedBucket)
	require.NoError(t, err)
	tooMuch := binary.BigEndian.AppendUint64(nil, maxLearned)
	for i, wrong := range [][]byte{nil, {1, 2, 3}, tooMuch, make([]byte, 9), bytes.Repeat([]byte{255}, 100), make([]byte, learnedChunk)} {
		_, err = kv.Put(t.Context(), b.learnedKey(0), wrong)
		require.NoError(t, err)
		_, err = b.LoadLearned(t.Context())
		require.ErrorIs(t, err, errHalfLearned, "wrong %d", i)
		require.EqualValues(t, i+1, b.PassedOver()[PassedLearned], "it is counted")
	}
	require.NoError(t, b.SaveLearned(t.Context(), make([]byte, 2*learnedChunk)))
	require.NoError(t, kv.Purge(t.Context(), b.learnedKey(1)))
	_, err = b.LoadLearned(t.Context())
	require.ErrorIs(t, err, jetstream.ErrKeyNotFound)
}
