package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Part is the stream, or one of the buckets, as it was found.
type Part struct {
	Name     string
	Missing  bool
	Wrong    []error  // what [Open] or, of [LearnedBucket], [Bus.SaveLearned] would refuse, each with what to do
	Replicas int      // copies it has; 0 when it is missing
	Away     []string // servers that keep a copy, and cannot be relied on now
	Headless bool     // a cluster's part that has no leader takes nothing
}

// Inspection is what a bridge would work with.
type Inspection struct {
	Stream  Part
	Buckets []Part

	// What the server's clock showed while it answered, which it did between Asked and Answered; all are zero when
	// there was nothing yet that could tell.
	Asked, Clock, Answered time.Time
}

// Inspect looks at the stream and the buckets as [Open] does, and at [LearnedBucket] as [Bus.SaveLearned] does, and makes
// and changes nothing. In a cluster without a leader the latter is left out. The error is that of looking; what is wrong
// with the parts is in the inspection.
func Inspect(ctx context.Context, nc *nats.Conn, s Settings) (Inspection, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return Inspection{}, fmt.Errorf("opening JetStream: %w", err)
	}
	s = s.withDefaults()
	var i Inspection
	i.Stream, err = i.part(ctx, js, StreamName, StreamName, func(stream jetstream.Stream) error {
		return checkStream(stream.CachedInfo().Config)
	})
	if err != nil {
		return i, err
	}
	buckets := []jetstream.KeyValueConfig{s.watchBucket(), s.holdersBucket(), s.subscriptionsBucket(), s.rolesBucket(), s.leasesBucket()}
	if !i.Stream.Headless { // a cluster without a leader does not say of what may be missing that it is
		buckets = append(buckets, s.learnedBucket())
	}
	for _, want := range buckets {
		bucket, err := i.part(ctx, js, want.Bucket, "KV_"+want.Bucket, func(jetstream.Stream) error { return checkFound(ctx, js, want) })
		if err != nil {
			return i, err
		}
		i.Buckets = append(i.Buckets, bucket)
	}
	return i, nil
}

// part looks at one stream, which may be the one beneath a bucket.
func (i *Inspection) part(ctx context.Context, js jetstream.JetStream, name, stream string, check func(jetstream.Stream) error) (Part, error) {
	p := Part{Name: name}
	asked := time.Now()
	found, err := js.Stream(ctx, stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		p.Missing = true
		return p, nil
	case err != nil:
		return p, fmt.Errorf("looking at %s: %w", name, explainJetStream(err))
	}
	info := found.CachedInfo()
	if !info.TimeStamp.IsZero() {
		i.Asked, i.Clock, i.Answered = asked, info.TimeStamp, time.Now()
	}
	p.Replicas = info.Config.Replicas
	p.takeCluster(info.Cluster)
	p.Wrong = apart(check(found))
	return p, nil
}

func (p *Part) takeCluster(c *jetstream.ClusterInfo) {
	if c == nil || c.Name == "" { // a server alone
		return
	}
	p.Headless = c.Leader == ""
	for _, peer := range c.Replicas {
		if peer.Offline || !peer.Current {
			p.Away = append(p.Away, peer.Name)
		}
	}
}

func checkFound(ctx context.Context, js jetstream.JetStream, want jetstream.KeyValueConfig) error {
	kv, err := js.KeyValue(ctx, want.Bucket)
	switch {
	case errors.Is(err, jetstream.ErrBadBucket):
		return noBucket(want.Bucket)
	case err != nil:
		return fmt.Errorf("it cannot be checked: %w", err)
	}
	status, err := kv.Status(ctx)
	if err != nil {
		return fmt.Errorf("it cannot be checked: %w", err)
	}
	return checkBucket(status, want)
}

// apart gives the errors that were joined into one.
func apart(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		return joined.Unwrap()
	}
	return []error{err}
}
