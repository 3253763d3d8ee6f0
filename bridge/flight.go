package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ackTimeout is how long an acknowledgement is waited for before it counts as uncertain.
const ackTimeout = 5 * time.Second

// changeSize is room for nearly every change, in bytes.
const changeSize = 512

// flight is a message on its way to JetStream.
type flight struct {
	stream int64  // the stream it was meant for
	after  uint64 // the user's last sequence then
	change *Change
	data   []byte    // the change as it was sent
	at     time.Time // start of the look behind it
	ack    jetstream.PubAckFuture

	seq uint64 // its place in the log, where it was acknowledged
	err error  // why it was not
}

// send publishes a change on the condition that k is still the user's last message.
func (j *Journal) send(stream int64, k known, c *Change, at time.Time) (*flight, error) {
	data := appendChange(make([]byte, 0, changeSize), c)
	if len(data) > maxChange {
		return nil, fmt.Errorf("encoding a change of %s: it has %d bytes, %w", c.UID, len(data), errTooLong)
	}
	f := &flight{stream: stream, after: k.entry.Seq, change: c, data: data, at: at}
	j.launched(f)
	msg := &nats.Msg{Subject: j.bus.app.Subject(c.UID), Data: data, Header: cloudEvent(j.bus.app, c, k.entry.Seq)}
	var err error
	if f.ack, err = j.bus.js.PublishMsgAsync(msg, jetstream.WithExpectLastSequencePerSubject(k.entry.Seq)); err != nil {
		j.ended(f)
		return nil, fmt.Errorf("publishing a change: %w", err)
	}
	return f, nil
}

func (j *Journal) launched(f *flight) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flights[f.change.UID] = f
}

func (j *Journal) ended(f *flight) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.flights[f.change.UID] == f {
		delete(j.flights, f.change.UID)
	}
}

// land waits for the acknowledgements, and looks into the log where there is none. Only what the log holds moves the
// memory.
func (j *Journal) land(ctx context.Context, sent []*flight, out Outcome, errs []error) (Outcome, error) {
	epoch := j.bus.epoch()
	var unsure []*flight
	for _, f := range sent {
		if f.err = j.acknowledged(ctx, f); f.err != nil {
			unsure = append(unsure, f)
		}
	}
	j.took(epoch, sent)
	again, lost := j.settleAll(ctx, unsure)
	for _, f := range sent {
		j.ended(f)
	}
	out.Published += len(sent) - len(again)
	out.Again = append(out.Again, again...)
	if errs = append(errs, lost...); len(errs) > 0 {
		return out, fmt.Errorf("writing the log: %d messages given up, %d written: %w", len(errs), out.Published, errs[0])
	}
	return out, nil
}

// settleAll settles one by one, and lists who has to be looked at again. Once the log cannot be read it asks for nobody
// more.
func (j *Journal) settleAll(ctx context.Context, unsure []*flight) (again []UID, lost []error) {
	blind := false
	for _, f := range unsure {
		err := f.err
		if !blind {
			err = j.settle(ctx, f)
			blind = errors.Is(err, errUnread)
		}
		if err == nil {
			continue
		}
		again = append(again, f.change.UID)
		if !errors.Is(err, errOvertaken) {
			lost = append(lost, err)
		}
	}
	return again, lost
}

func (j *Journal) acknowledged(ctx context.Context, f *flight) error {
	select {
	case ack := <-f.ack.Ok():
		f.seq = ack.Sequence
		j.landed(f, f.seq)
		return nil
	case err := <-f.ack.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// took notes what the log has to hold from here on.
func (j *Journal) took(epoch uint64, sent []*flight) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range sent {
		if f.seq > 0 && f.stream == j.stream {
			j.acked.note(epoch, mark{seq: f.seq, data: f.data})
		}
	}
}

func (j *Journal) landed(f *flight, seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if f.stream == j.stream {
		j.wrote(f, seq)
	}
}

// wrote notes that a message of ours is in the log. The caller holds mu.
func (j *Journal) wrote(f *flight, seq uint64) {
	k := j.user(f.change.UID)
	if seq > k.entry.Seq || seq == k.entry.Seq && k.entry.Change != f.change {
		*k = k.wrote(Entry{Change: f.change, Seq: seq}, f.at, j.now())
	}
}

var (
	errOvertaken = errors.New("another writer was faster")
	errUnread    = errors.New("the log cannot be read")
)

// settle reads the log where no acknowledgement came, or one that refused us: ours may be there all the same, as after a
// lost connection; or another writer's is; or what we go by has been taken out of the log. Nil says that ours is there.
func (j *Journal) settle(ctx context.Context, f *flight) error {
	entry, data, err := j.bus.lastOf(ctx, f.change.UID)
	switch {
	case err != nil:
		return errors.Join(f.err, err)
	case bytes.Equal(data, f.data):
		j.landed(f, entry.Seq)
		return nil
	case entry.Seq == f.after && !conditionFailed(f.err):
		return f.err // it has not landed; should it yet, the next look's condition will fail and bring us here again
	}
	j.learn(f, entry)
	return errOvertaken
}

// lastOf reads the last message of a user. An entry without a change is one that nobody can read: it is no state, but
// the next condition has to name it.
func (b *Bus) lastOf(ctx context.Context, uid UID) (Entry, []byte, error) {
	subject := b.app.Subject(uid)
	msg, err := b.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Entry{}, nil, nil
	}
	if err != nil {
		return Entry{}, nil, fmt.Errorf("%w: %s: %w", errUnread, uid, err)
	}
	entry, err := b.decode(subject, msg.Data, msg.Sequence)
	if err != nil {
		b.PassOver(PassedLog, subject, err)
		entry = Entry{Seq: msg.Sequence}
	}
	return entry, msg.Data, nil
}

// learn notes what was read back. It may be older than what we held, where messages were taken out of the log;
// but not if we have heard of a newer one since the message left.
func (j *Journal) learn(f *flight, e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.user(f.change.UID)
	if f.stream == j.stream && (e.Seq > k.entry.Seq || k.entry.Seq == f.after) {
		*k = k.learn(e, j.now())
	}
}

// The headers that are the same for every change. Nobody writes to them.
var (
	ceVersion     = []string{"1.0"}
	ceType        = []string{"presence.changed.v1"}
	ceContentType = []string{"application/json"}
)

// cloudEvent makes the headers of CloudEvents 1.0 in the NATS binding's binary mode. The id is unique: only
// one message of a user can follow a given one.
func cloudEvent(app App, c *Change, after uint64) nats.Header {
	return nats.Header{
		"ce-specversion": ceVersion,
		"ce-id":          {string(c.UID) + "." + strconv.FormatUint(after, 10) + "." + strconv.FormatInt(c.ObservedAt, 10)},
		"ce-type":        ceType,
		"ce-source":      {"/presence-bridge/" + EncodeToken(app.Org) + "/" + EncodeToken(app.Name)},
		"ce-subject":     {string(c.UID)},
		"ce-time":        {time.UnixMilli(c.ObservedAt).UTC().Format(time.RFC3339Nano)},
		"content-type":   ceContentType,
	}
}
