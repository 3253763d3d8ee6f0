package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/presence-bridge/presence-bridge/bridge/progress"
)

const (
	identityCheck = 5 * time.Second // how often we look whether the stream is still the same one
	followRetry   = time.Second
	stopPatience  = time.Second / 2 // how long a consumer may take to stop: nats.go gives NATS five to answer, or waits for it to be back
)

// readAhead is how many messages NATS may send before they are read. When it has sent them it waits to be asked for more:
// with the 500 of nats.go a burst comes in pieces, and a hub that is busy tells its clients of ten changes at a time where it
// could of twenty. What waits is held in memory, and when that is 64 MB nats.go drops what comes and reads again: so many
// of the longest changes there are stay below. There is no bound in bytes, for where NATS 2.15 comes to one, it forgets the
// message that was too much when it reads the last one of each user.
const readAhead = 1000

var (
	errOtherStream  = errors.New("the stream was made anew")
	errLostMessages = errors.New("the stream has lost messages that were read")
)

// Entry is one message of the log with its place in it. The change is shared by all who follow: never write
// to it.
type Entry struct {
	*Change
	Seq    uint64
	Stored int64 // when the stream took it, in Unix nanoseconds; 0 where that is not known
}

// Follower is somebody who keeps up with the log. The calls come one at a time, in the log's order.
type Follower interface {
	// Reset says that a log begins: everything known of another one is void. stream is its [Cursor.Stream].
	Reset(stream int64)
	// Apply tells one message. First comes the last message of every user, then what happens. After a
	// broken connection a message may come again; the sequence tells.
	Apply(Entry)
	// CaughtUp says that everything the log held at Reset has been applied.
	CaughtUp()
}

// Follow feeds the followers from the log until ctx is done, through outages and through a stream made anew.
// It is one ordered consumer however many users there are.
func (b *Bus) Follow(ctx context.Context, followers ...Follower) error {
	for {
		err := b.followStream(ctx, &relay{bus: b, to: followers})
		if ctx.Err() != nil {
			return nil
		}
		b.warn("following the log begins anew", err)
		if pause(ctx, followRetry) != nil {
			return nil
		}
	}
}

// followStream follows one stream for as long as it is that stream.
func (b *Bus) followStream(ctx context.Context, r *relay) error {
	stream, err := b.openStream(ctx)
	if err != nil {
		return err
	}
	created := stream.CachedInfo().Created
	r.subjects = stream.CachedInfo().State.NumSubjects
	consumer, err := b.js.OrderedConsumer(ctx, StreamName, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{b.app.Subjects()},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
	})
	if err != nil {
		return fmt.Errorf("making the consumer: %w", err)
	}
	r.reset(created.UnixNano())
	r.progress = progress.Begin(b.log, "reading the log", "the log has been read", int(consumer.CachedInfo().NumPending), time.Now())
	if consumer.CachedInfo().NumPending == 0 { // an empty stream sends nothing that could say so
		r.caughtUp()
	}
	consuming, err := consumer.Consume(r.message, jetstream.PullMaxMessages(readAhead))
	if err != nil {
		return fmt.Errorf("consuming: %w", err)
	}
	defer r.close(consuming)
	return b.watchIdentity(ctx, created, r, consuming.Closed())
}

// watchIdentity returns when the stream is no longer the one that was created then, or no longer holds what was
// read of it.
func (b *Bus) watchIdentity(ctx context.Context, created time.Time, r *relay, closed <-chan struct{}) error {
	tick := time.NewTicker(identityCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-closed:
			return errors.New("the consumer ended")
		case <-tick.C:
		}
		if b.otherStream(ctx, StreamName, created) {
			return errOtherStream
		}
		if b.lostWhatWasRead(ctx, r) {
			return errLostMessages
		}
	}
}

// otherStream says whether the stream that was created then is gone. While NATS is away nobody can tell.
func (b *Bus) otherStream(ctx context.Context, name string, created time.Time) bool {
	stream, err := b.js.Stream(ctx, name)
	return errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && !stream.CachedInfo().Created.Equal(created)
}

// LastSeq is the sequence of the newest message in the whole stream.
func (b *Bus) LastSeq(ctx context.Context) (uint64, error) {
	info, err := b.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking the stream for its end: %w", err)
	}
	return info.State.LastSeq, nil
}

// relay hands messages of one consumer to the followers, and nothing after it was closed.
type relay struct {
	bus *Bus
	to  []Follower

	mu      sync.Mutex // held while followers are called
	live    bool       // CaughtUp was said
	closed  bool
	last    mark   // the newest message handed on
	doubted []mark // what was the newest when the consumer was made anew, until it is looked up

	progress *progress.Progress // of reading what the log held; of no account once live

	subjects uint64 // how many users the stream held when it was last asked; owned by watchIdentity
}

func (r *relay) reset(stream int64) {
	for _, f := range r.to {
		f.Reset(stream)
	}
}

func (r *relay) caughtUp() {
	r.live = true
	r.progress.End(time.Now())
	for _, f := range r.to {
		f.CaughtUp()
	}
}

func (r *relay) message(m jetstream.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	meta, err := m.Metadata()
	if err != nil || r.closed || !r.arrived(meta) {
		return
	}
	if !r.live {
		r.progress.Step(time.Now())
	}
	if entry, err := r.read(m.Subject(), m.Data(), meta.Sequence.Stream); err != nil {
		r.bus.PassOver(PassedLog, fmt.Sprintf("%s at %d", m.Subject(), meta.Sequence.Stream), err)
		r.unreadable(m.Subject(), meta.Sequence.Stream)
	} else if entry.Change != nil {
		entry.Stored = meta.Timestamp.UnixNano()
		for _, f := range r.to {
			f.Apply(entry)
		}
	}
	if !r.live && meta.NumPending == 0 {
		r.caughtUp()
	}
}

// recogniser is a follower who may know a message already, since it has sent it.
type recogniser interface {
	// recognise gives the change of a message that is its own, and says of others whether it holds what is as new.
	recognise(uid UID, seq uint64, data []byte) (own *Change, old bool)
}

// read decodes a message, unless who is told of it first knows it as its own, or is the only one and knows of a newer one.
// An entry without a change need not be told.
func (r *relay) read(subject string, data []byte, seq uint64) (Entry, error) {
	if f, ok := r.to[0].(recogniser); ok {
		if uid, err := r.bus.app.UIDOf(subject); err == nil {
			own, old := f.recognise(uid, seq, data)
			if own != nil || old && len(r.to) == 1 {
				return Entry{Change: own, Seq: seq}, nil
			}
		}
	}
	return r.bus.decode(subject, data, seq)
}

// unreadableFollower is a follower who has to know where the log cannot be read.
type unreadableFollower interface {
	unreadable(uid UID, seq uint64)
}

func (r *relay) unreadable(subject string, seq uint64) {
	uid, err := r.bus.app.UIDOf(subject)
	if err != nil {
		return
	}
	for _, f := range r.to {
		if u, ok := f.(unreadableFollower); ok {
			u.unreadable(uid, seq)
		}
	}
}

// close hands nothing on from here on. A consumer that waits for NATS to come back hears Stop only between two
// attempts, and is left to end by itself.
func (r *relay) close(consuming jetstream.ConsumeContext) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	within(stopPatience, func() {
		consuming.Stop()
		<-consuming.Closed()
	})
}

// decode reads a message and holds it against the subject it came on: who writes about a under b's subject
// speaks for neither.
func (b *Bus) decode(subject string, data []byte, seq uint64) (Entry, error) {
	change, err := DecodeChange(data)
	if err != nil {
		return Entry{}, err
	}
	uid, err := b.app.UIDOf(subject)
	if err != nil {
		return Entry{}, err
	}
	if uid != change.UID {
		return Entry{}, fmt.Errorf("it speaks of %s on the subject of %s", change.UID, uid)
	}
	return Entry{Change: change, Seq: seq}, nil
}
