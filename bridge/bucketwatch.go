package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

var errWatchEnded = errors.New("the watch of the bucket ended")

// bucketWatch follows one bucket, and can tell when the bucket was made anew beneath it: a watch of the old
// one would wait for ever at a revision that the new one has yet to reach.
type bucketWatch struct {
	jetstream.KeyWatcher
	bus     *Bus
	stream  string
	created time.Time
}

// watchBucket makes the bucket when it is missing and follows it from what it holds now.
func (b *Bus) watchBucket(ctx context.Context, c jetstream.KeyValueConfig) (*bucketWatch, error) {
	kv, err := b.openBucket(ctx, c)
	if err != nil {
		return nil, err
	}
	stream, err := b.js.Stream(ctx, "KV_"+c.Bucket)
	if err != nil {
		return nil, fmt.Errorf("looking at bucket %s: %w", c.Bucket, err)
	}
	w, err := kv.WatchAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("watching bucket %s: %w", c.Bucket, err)
	}
	return &bucketWatch{KeyWatcher: w, bus: b, stream: "KV_" + c.Bucket, created: stream.CachedInfo().Created}, nil
}

// fill applies what the bucket holds now.
func (w *bucketWatch) fill(ctx context.Context, apply func(jetstream.KeyValueEntry)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return errWatchEnded
			case e == nil: // so the watcher says that this was all
				return nil
			}
			apply(e)
		}
	}
}

func (w *bucketWatch) replaced(ctx context.Context) bool {
	return w.bus.otherStream(ctx, w.stream, w.created)
}

func (w *bucketWatch) stop() { _ = w.Stop() }
