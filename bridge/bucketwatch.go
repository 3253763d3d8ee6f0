package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

var (
	errWatchEnded  = errors.New("the watch of the bucket ended")
	errReconnected = errors.New("NATS was away, and may have lost what was read")
)

// bucketWatch follows one bucket, and can tell when the bucket was made anew beneath it: a watch of the old
// one would wait for ever at a revision that the new one has yet to reach.
type bucketWatch struct {
	jetstream.KeyWatcher
	bus     *Bus
	stream  string
	created time.Time
	epoch   uint64 // of the connection when it began
}

// watchBucket makes the bucket when it is missing and follows it from what it holds now.
func (b *Bus) watchBucket(ctx context.Context, c jetstream.KeyValueConfig) (*bucketWatch, error) {
	kv, err := b.openBucket(ctx, c)
	if err != nil {
		return nil, err
	}
	epoch := b.epoch()
	stream, err := b.js.Stream(ctx, "KV_"+c.Bucket)
	if err != nil {
		return nil, fmt.Errorf("looking at bucket %s: %w", c.Bucket, err)
	}
	w, err := kv.WatchAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("watching bucket %s: %w", c.Bucket, err)
	}
	return &bucketWatch{KeyWatcher: w, bus: b, stream: "KV_" + c.Bucket, created: stream.CachedInfo().Created, epoch: epoch}, nil
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

// doubt is why the bucket has to be read again; nil: it need not. A server that was restarted may have lost what it
// had told last, and have been written on over the revisions of that, which the watch passes over.
func (w *bucketWatch) doubt(ctx context.Context) error {
	switch {
	case w.bus.otherStream(ctx, w.stream, w.created):
		return errOtherStream
	case w.bus.epoch() != w.epoch:
		return errReconnected
	}
	return nil
}

func (w *bucketWatch) stop() { stopWatches(w) }

// stopWatches ends watches, and their consumers at NATS, which are asked for side by side. Should NATS not answer, they
// end there by themselves.
func stopWatches(watches ...jetstream.KeyWatcher) {
	within(stopPatience, func() {
		var all sync.WaitGroup
		for _, w := range watches {
			all.Go(func() { _ = w.Stop() })
		}
		all.Wait()
	})
}

// within waits for what may hang while NATS is away, and hears no context. After so long it is left to end by itself.
func within(patience time.Duration, do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}

// followBucket tells apply everything that a bucket holds and then what happens in it, one call at a time, until ctx
// is done. It begins anew after outages, and where the bucket was made anew.
func (b *Bus) followBucket(ctx context.Context, c jetstream.KeyValueConfig, what string, apply func(jetstream.KeyValueEntry)) error {
	for {
		err := b.followBucketOnce(ctx, c, apply)
		if ctx.Err() != nil {
			return nil
		}
		b.warn("following "+what+" begins anew", err)
		if pause(ctx, followRetry) != nil {
			return nil
		}
	}
}

func (b *Bus) followBucketOnce(ctx context.Context, c jetstream.KeyValueConfig, apply func(jetstream.KeyValueEntry)) error {
	w, err := b.watchBucket(ctx, c)
	if err != nil {
		return err
	}
	defer w.stop()
	identity := time.NewTicker(identityCheck)
	defer identity.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return errWatchEnded
			case e != nil: // nil says that this was all there was
				apply(e)
			}
		case <-identity.C:
			if err := w.doubt(ctx); err != nil {
				return err
			}
		}
	}
}
