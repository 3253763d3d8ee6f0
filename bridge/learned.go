package bridge

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// LearnedBucket is where pollers keep what they have learned of how people change: a few keys an app.
const LearnedBucket = "presence_learned"

const (
	maxLearned   = 64 << 20  // bytes that are read back: some thirty a user, of two million
	learnedChunk = 256 << 10 // bytes of a key, unless the server takes less
)

// errHalfLearned says that a writer died between the keys, or that another wrote at the same time.
var errHalfLearned = errors.New("what was learned is not whole")

// SaveLearned keeps what the poller of this app has learned, in place of what was kept before. Nothing goes wrong
// without it, so the bucket is made when it is first needed. Who reads what was written by halves gets an error, or
// something that does not fit together: a checksum is the caller's.
func (b *Bus) SaveLearned(ctx context.Context, data []byte) error {
	kv, err := b.openBucket(ctx, b.settings.learnedBucket())
	if err != nil {
		return err
	}
	data = append(binary.BigEndian.AppendUint64(nil, uint64(len(data))), data...)
	chunk := min(learnedChunk, int(b.nc.MaxPayload())/2)
	for i := 0; len(data) > 0; i++ {
		n := min(chunk, len(data))
		if _, err := kv.Put(ctx, b.learnedKey(i), data[:n]); err != nil {
			return fmt.Errorf("keeping what was learned in %s: %w", LearnedBucket, err)
		}
		data = data[n:]
	}
	return nil
}

// LoadLearned reads what SaveLearned has kept; nil where there is nothing. Who finds that it means nothing tells
// [Bus.PassOver].
func (b *Bus) LoadLearned(ctx context.Context) ([]byte, error) {
	data, err := b.loadLearned(ctx)
	if errors.Is(err, errHalfLearned) {
		b.PassOver(PassedLearned, b.learnedKey(0), err)
	}
	return data, err
}

func (b *Bus) loadLearned(ctx context.Context) ([]byte, error) {
	kv, err := b.js.KeyValue(ctx, LearnedBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", LearnedBucket, explainJetStream(err))
	}
	var data []byte
	for i, want := 0, uint64(8); uint64(len(data)) < want; i++ {
		e, err := kv.Get(ctx, b.learnedKey(i))
		if i == 0 && errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what was learned from %s: %w", LearnedBucket, err)
		}
		data = append(data, e.Value()...)
		if len(data) < 8 {
			return nil, errHalfLearned
		}
		if want = 8 + binary.BigEndian.Uint64(data); want > maxLearned || len(e.Value()) == 0 || uint64(len(data)) > want {
			return nil, errHalfLearned
		}
	}
	return data[8:], nil
}

func (b *Bus) learnedKey(i int) string { return b.app.Tokens() + "." + strconv.Itoa(i) }
