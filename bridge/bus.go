package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// backCheck is how often who waits for NATS looks whether it is back.
const backCheck = 20 * time.Millisecond

// Bus is one process's place at NATS: a connection, and the stream and buckets of one app made and checked.
// All methods may be called at once by many.
type Bus struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	app App
	log *slog.Logger

	mail *mail // of the journals

	stream        jetstream.Stream
	watch         jetstream.KeyValue // <holder>.<uid token> -> Watch
	holders       jetstream.KeyValue // <holder> -> Holding
	subscriptions jetstream.KeyValue // <uid token> -> Subscription
	roles         jetstream.KeyValue // <org>.<app>.<role> -> who has it
	leases        jetstream.KeyValue // <holder>.<uid token> -> until when
	settings      Settings

	passed passed
}

// Open makes what is missing of the stream and the buckets, checks what is there, and returns the place. The
// connection stays the caller's to close. The error of a stream or bucket that cannot be worked with says what
// to do, of all of them at once. A nil logger says nothing.
func Open(ctx context.Context, nc *nats.Conn, app App, s Settings, logger *slog.Logger) (*Bus, error) {
	if err := app.Validate(); err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return nil, fmt.Errorf("opening JetStream: %w", err)
	}
	m, err := newMail(nc)
	if err != nil {
		return nil, err
	}
	b := &Bus{nc: nc, js: js, mail: m, app: app, log: orSilent(logger), settings: s.withDefaults(), passed: newPassed()}
	if err := b.setUp(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// App is the app whose presence the bus carries.
func (b *Bus) App() App { return b.app }

// Connected says whether NATS is within reach now.
func (b *Bus) Connected() bool { return b.nc != nil && b.nc.IsConnected() }

// Away says that NATS was reached once, and is not within reach now.
func (b *Bus) Away() bool { return b.nc != nil && b.nc.IsReconnecting() }

// untilBack waits until NATS is within reach, and says whether it is: false is that ctx is done. What is asked for while
// it is away would be kept, and be asked for when nobody waits for the answer any more.
func (b *Bus) untilBack(ctx context.Context) bool {
	for ctx.Err() == nil && b.Away() {
		_ = pause(ctx, backCheck)
	}
	return ctx.Err() == nil
}

// warn logs what went wrong with NATS. What follows from its being away, which was told, is for who debugs.
func (b *Bus) warn(what string, err error, more ...any) {
	b.log.Log(context.Background(), b.level(err, slog.LevelDebug), what, append([]any{"error", err}, more...)...)
}

// level is that of a warning, or of what follows from NATS being away.
func (b *Bus) level(err error, away slog.Level) slog.Level {
	if b.Away() || errors.Is(err, errReconnected) {
		return away
	}
	return slog.LevelWarn
}

// epoch counts how often the connection was made. What was read in another one may be lost: a server comes back without
// its newest messages where its machine crashed.
func (b *Bus) epoch() uint64 { return b.nc.Stats().Reconnects }

// errMisfit is wrapped by what is wrong with the settings of a stream or bucket.
var errMisfit = errors.New("is not as it must be")

// setUp makes or checks the stream and the buckets. All misfits are told together, anything else at once.
func (b *Bus) setUp(ctx context.Context) (err error) {
	var wrong []error
	if b.stream, err = b.openStream(ctx); errors.Is(err, errMisfit) {
		wrong = append(wrong, err)
	} else if err != nil {
		return err
	}
	for _, bucket := range []struct {
		kv *jetstream.KeyValue
		jetstream.KeyValueConfig
	}{
		{&b.watch, b.settings.watchBucket()},
		{&b.holders, b.settings.holdersBucket()},
		{&b.subscriptions, b.settings.subscriptionsBucket()},
		{&b.roles, b.settings.rolesBucket()},
		{&b.leases, b.settings.leasesBucket()},
	} {
		if *bucket.kv, err = b.openBucket(ctx, bucket.KeyValueConfig); errors.Is(err, errMisfit) {
			wrong = append(wrong, err)
		} else if err != nil {
			return err
		}
	}
	return errors.Join(wrong...)
}

// openStream returns the stream as it is, or makes it. Several processes start at once, so whoever finds that
// another has just made it looks again.
func (b *Bus) openStream(ctx context.Context) (jetstream.Stream, error) {
	want := b.settings.stream()
	stream, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = b.js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			stream, err = b.js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening stream %s: %w", want.Name, explainJetStream(err))
	}
	if err := checkStream(stream.CachedInfo().Config); err != nil {
		return nil, fmt.Errorf("stream %s %w: %w", want.Name, errMisfit, err)
	}
	return stream, nil
}

func (b *Bus) openBucket(ctx context.Context, want jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	kv, err := b.js.KeyValue(ctx, want.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = b.js.CreateKeyValue(ctx, want)
		if errors.Is(err, jetstream.ErrBucketExists) {
			kv, err = b.js.KeyValue(ctx, want.Bucket)
		}
	}
	if errors.Is(err, jetstream.ErrBadBucket) {
		return nil, fmt.Errorf("bucket %s %w: %w", want.Bucket, errMisfit, noBucket(want.Bucket))
	}
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", want.Bucket, explainJetStream(err))
	}
	status, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("checking bucket %s: %w", want.Bucket, err)
	}
	if err := checkBucket(status, want); err != nil {
		return nil, fmt.Errorf("bucket %s %w: %w", want.Bucket, errMisfit, err)
	}
	return kv, nil
}

func explainJetStream(err error) error {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) ||
		errors.Is(err, nats.ErrNoResponders) { // a server without JetStream does not even answer
		return fmt.Errorf("%w: start the NATS server with -js, or switch JetStream on for this account", err)
	}
	return err
}

// mend makes a bucket anew that is gone, as it is when a server that keeps nothing on disk was restarted. err
// is what writing to it said.
func (b *Bus) mend(ctx context.Context, c jetstream.KeyValueConfig, err error) {
	if !errors.Is(err, jetstream.ErrNoStreamResponse) {
		return
	}
	if _, err := b.openBucket(ctx, c); err != nil && ctx.Err() == nil {
		b.log.Warn("making a bucket anew", "error", err)
	}
}

// conditionFailed says that JetStream refused a write because the subject's last sequence is another one.
// Replicated streams have an error code of their own for it.
func conditionFailed(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) &&
		(refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
