package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// flight is a message on its way to JetStream, on the condition that the user's last message is still the same.
type flight struct {
	stream int64  // the stream it was meant for
	of     *known // its user; guarded by the journal's mu
	after  uint64 // the user's last sequence then
	change *Change
	data   []byte    // the change as it was sent
	at     time.Time // start of the look behind it

	seq uint64 // its place in the log, where it was acknowledged
	err error  // why it was not
}

// known says whether it is known what became of it.
func (f *flight) known() bool { return f.seq > 0 || f.err != nil }

// publish sends what is ready, and returns when each message was acknowledged or given up.
func (j *Journal) publish(ctx context.Context, ready []*flight, out Outcome) (Outcome, error) {
	if len(ready) == 0 {
		return out, nil
	}
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room) // nobody reads what was sent once it has ended
	sent, errs := encode(room, ready, &out)
	epoch := j.bus.epoch()
	j.launched(sent)
	defer j.ended(sent)
	j.bus.mail.carry(ctx, j.bus.app, sent)
	j.took(epoch, sent)
	return j.land(ctx, sent, out, errs)
}

// rooms are for changes of a volley as they are sent.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// encode writes the changes into room, and leaves out what is too long.
func encode(room *[]byte, ready []*flight, out *Outcome) (sent []*flight, errs []error) {
	b, sent := (*room)[:0], ready[:0]
	for _, f := range ready {
		begin := len(b)
		b = appendChange(b, f.change)
		if n := len(b) - begin; n > maxChange {
			errs = append(errs, fmt.Errorf("encoding a change of %s: it has %d bytes, %w", f.change.UID, n, errTooLong))
			out.Again = append(out.Again, f.change.UID)
			b = b[:begin]
			continue
		}
		f.data = b[begin:len(b):len(b)] // it stays where it is when b grows
		sent = append(sent, f)
	}
	*room = b
	return sent, errs
}

func (j *Journal) launched(sent []*flight) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range sent {
		f.of.flight = f
	}
}

func (j *Journal) ended(sent []*flight) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range sent {
		if f.of.flight == f {
			f.of.flight = nil
		}
	}
}

// took moves the memory to what was acknowledged, and notes what the log has to hold from here on.
func (j *Journal) took(epoch uint64, sent []*flight) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var newest *flight
	for _, f := range sent {
		if f.err != nil || f.stream != j.stream {
			continue
		}
		j.wrote(f, f.seq)
		if newest == nil || f.seq > newest.seq {
			newest = f
		}
	}
	if newest != nil {
		j.acked.note(epoch, mark{seq: newest.seq, data: bytes.Clone(newest.data)})
	}
}

// land looks into the log where there is no acknowledgement. Only what the log holds moves the memory.
func (j *Journal) land(ctx context.Context, sent []*flight, out Outcome, errs []error) (Outcome, error) {
	var unsure []*flight
	for _, f := range sent {
		if f.err != nil {
			unsure = append(unsure, f)
		}
	}
	again, lost := j.settleAll(ctx, unsure)
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
		var now time.Time
		if f.change.Unwatched() {
			now = j.now()
		}
		*k = k.wrote(Entry{Change: f.change, Seq: seq}, f.at, now)
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
