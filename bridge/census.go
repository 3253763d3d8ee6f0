package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Census counts who is watched and who is subscribed, now.
type Census struct {
	Holders    int            // live ones, of this app
	Watched    int            // the union of whom they watch
	Subscribed map[string]int // operator -> users whose subscription has not ended
}

// Count takes the census. A bucket that is missing holds nobody; none is made. The bucket is read by a consumer
// that is gone when Count returns.
func Count(ctx context.Context, nc *nats.Conn, app App) (Census, error) {
	c := Census{Subscribed: map[string]int{}}
	js, err := jetstream.New(nc)
	if err != nil {
		return c, fmt.Errorf("opening JetStream: %w", err)
	}
	now, u := time.Now(), newUnion()
	for _, bucket := range []struct {
		name  string
		apply func(jetstream.KeyValueEntry)
	}{
		{HoldersBucket, func(e jetstream.KeyValueEntry) { _, _ = u.holderEntry(e, app, now) }},
		{WatchBucket, func(e jetstream.KeyValueEntry) { _, _ = u.watchEntry(e) }},
		{SubscriptionsBucket, func(e jetstream.KeyValueEntry) {
			if l, err := decodeLedger(e); err == nil && l.Subscription != nil && l.Subscription.Until > now.UnixMilli() {
				c.Subscribed[l.Subscription.Operator]++
			}
		}},
	} {
		if err := readBucket(ctx, js, bucket.name, bucket.apply); err != nil {
			return c, fmt.Errorf("reading bucket %s: %w", bucket.name, err)
		}
	}
	c.Holders, c.Watched = u.live(), len(u.demands)
	return c, nil
}

// Setters is how many live holders of this app set presences, see [Holder.Sets], beside one.
func (b *Bus) Setters(ctx context.Context, beside string) (n int, err error) {
	err = readBucket(ctx, b.js, HoldersBucket, func(e jetstream.KeyValueEntry) {
		var h Holding
		if e.Operation() == jetstream.KeyValuePut && e.Key() != beside && json.Unmarshal(e.Value(), &h) == nil && h.Sets && h.App == b.app.String() {
			n++
		}
	})
	if err != nil {
		return 0, fmt.Errorf("counting who sets presences: %w", err)
	}
	return n, nil
}

func readBucket(ctx context.Context, js jetstream.JetStream, name string, apply func(jetstream.KeyValueEntry)) error {
	kv, err := js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	watcher, err := kv.WatchAll(ctx)
	if err != nil {
		return err
	}
	w := &bucketWatch{KeyWatcher: watcher}
	defer w.stop()
	return w.fill(ctx, apply)
}
