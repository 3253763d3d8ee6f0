package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ackTimeout is how long an acknowledgement is waited for before it counts as uncertain.
const ackTimeout = 5 * time.Second

// Journal turns observations into the log: it compares each with the last message of the user and publishes
// the difference, on the condition that nobody else has written meanwhile. It is a [Follower], and must follow
// the log to be of use: before [Follower.CaughtUp] it knows nobody.
//
// Any number of journals may write at once, in any number of processes. Two observations of one user at the
// same time are safe too: one of them is overtaken.
type Journal struct {
	bus *Bus
	now func() time.Time // time.Now, but in tests of clocks that differ

	mu     sync.Mutex
	users  map[UID]*known
	stream int64 // whose sequences users hold
	live   bool
	caught chan struct{} // closed at the first CaughtUp
}

// Outcome is what became of a batch of observations.
type Outcome struct {
	Published int   // messages acknowledged by JetStream
	Again     []UID // overtaken or not acknowledged: nothing was concluded, look again
}

// NewJournal makes a journal. It starts nothing: pass it to [Bus.Follow].
func NewJournal(b *Bus) *Journal {
	return &Journal{bus: b, now: time.Now, users: map[UID]*known{}, caught: make(chan struct{})}
}

// Ready is closed when the journal knows the whole log.
func (j *Journal) Ready() <-chan struct{} { return j.caught }

// Reset implements [Follower]. A new stream holds nobody, so everybody's next observation is a first one.
func (j *Journal) Reset(stream int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.users, j.stream, j.live = map[UID]*known{}, stream, false
}

// CaughtUp implements [Follower].
func (j *Journal) CaughtUp() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.live = true
	select {
	case <-j.caught:
	default:
		close(j.caught)
	}
}

// Apply implements [Follower]: what another writer wrote is the last word until somebody looks again.
func (j *Journal) Apply(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.heard(e.UID, e)
}

// unreadable implements unreadableFollower. What nobody can read is no state, so the next look is a first one
// and writes over it; only its condition has to name the message.
func (j *Journal) unreadable(uid UID, seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.heard(uid, Entry{Seq: seq})
}

// heard notes what the log says. The caller holds mu.
func (j *Journal) heard(uid UID, e Entry) {
	if k := j.user(uid); e.Seq > k.entry.Seq {
		*k = k.learn(e, j.now())
	}
}

// Last is the last message the log is known to hold of a user, and the last time its state was verified: the
// start of our own look, or the moment the message tells where we have not looked yet.
func (j *Journal) Last(uid UID) (e Entry, verified time.Time, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.users[uid]
	if k == nil || k.entry.Change == nil {
		return Entry{}, time.Time{}, false
	}
	if k.looked.IsZero() {
		return k.entry, time.UnixMilli(k.entry.ObservedAt), true
	}
	return k.entry, k.looked, true
}

// LeftBehind lists the users whom the log shows as watched though they are not.
func (j *Journal) LeftBehind(watched func(UID) bool) []UID {
	j.mu.Lock()
	defer j.mu.Unlock()
	var left []UID
	for uid, k := range j.users {
		if k.entry.Change != nil && !k.entry.Unwatched() && !watched(uid) {
			left = append(left, uid)
		}
	}
	return left
}

// Observe publishes what the observations change, and returns when each message was acknowledged or given up.
// An error means that NATS did not take some of it; what is in Outcome.Again was not concluded, all else was.
func (j *Journal) Observe(ctx context.Context, batch []Observation) (Outcome, error) {
	var out Outcome
	var sent []flight
	var errs []error
	for _, obs := range batch {
		stream, k, v := j.judge(obs)
		switch v {
		case overtaken:
			out.Again = append(out.Again, obs.UID)
		case publish:
			f, err := j.send(stream, k, changeFrom(k, obs), obs.At)
			if err != nil {
				errs = append(errs, err)
				out.Again = append(out.Again, obs.UID)
				continue
			}
			sent = append(sent, f)
		}
	}
	return j.land(ctx, sent, out, errs)
}

// Unwatch tells the log that nobody watches these users from here on. Whom the log does not hold, or holds as
// unwatched, is passed over.
func (j *Journal) Unwatch(ctx context.Context, uids []UID) (Outcome, error) {
	var out Outcome
	var sent []flight
	var errs []error
	for _, uid := range uids {
		stream, k, live := j.snapshot(uid)
		if !live {
			out.Again = append(out.Again, uid)
			continue
		}
		if k.entry.Change == nil || k.entry.Unwatched() {
			continue
		}
		f, err := j.send(stream, k, unwatchedFrom(k), k.looked)
		if err != nil {
			errs = append(errs, err)
			out.Again = append(out.Again, uid)
			continue
		}
		sent = append(sent, f)
	}
	return j.land(ctx, sent, out, errs)
}

// judge decides about one observation, and notes that we have looked when it says nothing new.
func (j *Journal) judge(obs Observation) (stream int64, before known, v verdict) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.live {
		return 0, known{}, overtaken // between two streams nobody knows what is new
	}
	k := j.user(obs.UID)
	v = judge(*k, obs)
	if v == nothingNew {
		k.looked, k.learned = obs.At, time.Time{}
	}
	return j.stream, *k, v
}

// flight is a message on its way to JetStream.
type flight struct {
	stream int64  // the stream it was meant for
	after  uint64 // the user's last sequence then
	change *Change
	at     time.Time // start of the look behind it
	ack    jetstream.PubAckFuture
}

// send publishes a change on the condition that k is still the user's last message.
func (j *Journal) send(stream int64, k known, c *Change, at time.Time) (flight, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return flight{}, fmt.Errorf("encoding a change: %w", err)
	}
	if len(data) > maxChange {
		return flight{}, fmt.Errorf("encoding a change of %s: it has %d bytes, %w", c.UID, len(data), errTooLong)
	}
	msg := &nats.Msg{Subject: j.bus.app.Subject(c.UID), Data: data, Header: cloudEvent(j.bus.app, c, k.entry.Seq)}
	ack, err := j.bus.js.PublishMsgAsync(msg, jetstream.WithExpectLastSequencePerSubject(k.entry.Seq))
	if err != nil {
		return flight{}, fmt.Errorf("publishing a change: %w", err)
	}
	return flight{stream: stream, after: k.entry.Seq, change: c, at: at, ack: ack}, nil
}

// land waits for the acknowledgements. Only they move the memory.
func (j *Journal) land(ctx context.Context, sent []flight, out Outcome, errs []error) (Outcome, error) {
	for _, f := range sent {
		err := j.landOne(ctx, f)
		switch {
		case err == nil:
			out.Published++
			continue
		case errors.Is(err, errOvertaken):
		default:
			errs = append(errs, err)
		}
		out.Again = append(out.Again, f.change.UID)
	}
	if len(errs) > 0 {
		return out, fmt.Errorf("writing the log: %d messages given up, %d written: %w", len(errs), out.Published, errs[0])
	}
	return out, nil
}

var errOvertaken = errors.New("another writer was faster")

func (j *Journal) landOne(ctx context.Context, f flight) error {
	select {
	case ack := <-f.ack.Ok():
		j.landed(f, ack.Sequence)
		return nil
	case err := <-f.ack.Err():
		if conditionFailed(err) {
			return j.readBack(ctx, f)
		}
		return err // uncertain: should it have landed, the next look's condition will fail and read it back
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) landed(f flight, seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if f.stream != j.stream {
		return
	}
	k := j.user(f.change.UID)
	if seq >= k.entry.Seq { // equal when the log's own delivery was faster than the acknowledgement
		*k = k.wrote(Entry{Change: f.change, Seq: seq}, f.at, j.now())
	}
}

// readBack learns what another writer has written, or that somebody has taken the user out of the log.
func (j *Journal) readBack(ctx context.Context, f flight) error {
	uid := f.change.UID
	subject := j.bus.app.Subject(uid)
	var entry Entry
	msg, err := j.bus.stream.GetLastMsgForSubject(ctx, subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
	case err != nil:
		return fmt.Errorf("reading back %s: %w", uid, err)
	default:
		if entry, err = j.bus.decode(subject, msg.Data, msg.Sequence); err != nil {
			// Somebody wrote what nobody can read. It is no state, but the next condition has to name it.
			entry = Entry{Seq: msg.Sequence}
			j.bus.PassOver(PassedLog, subject, err)
		}
	}
	j.learn(f, entry)
	return errOvertaken
}

// learn notes what was read back. It may be older than what we held, where messages were taken out of the log;
// but not if we have heard of a newer one since the message left.
func (j *Journal) learn(f flight, e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.user(f.change.UID)
	if f.stream == j.stream && (e.Seq > k.entry.Seq || k.entry.Seq == f.after) {
		*k = k.learn(e, j.now())
	}
}

func (j *Journal) snapshot(uid UID) (stream int64, k known, live bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if k := j.users[uid]; k != nil {
		return j.stream, *k, j.live
	}
	return j.stream, known{}, j.live
}

// user returns the memory of a user, made when missing. The caller holds mu.
func (j *Journal) user(uid UID) *known {
	k := j.users[uid]
	if k == nil {
		k = &known{}
		j.users[uid] = k
	}
	return k
}

// cloudEvent makes the headers of CloudEvents 1.0 in the NATS binding's binary mode. The id is unique: only
// one message of a user can follow a given one.
func cloudEvent(app App, c *Change, after uint64) nats.Header {
	return nats.Header{
		"ce-specversion": {"1.0"},
		"ce-id":          {string(c.UID) + "." + strconv.FormatUint(after, 10) + "." + strconv.FormatInt(c.ObservedAt, 10)},
		"ce-type":        {"presence.changed.v1"},
		"ce-source":      {"/presence-bridge/" + EncodeToken(app.Org) + "/" + EncodeToken(app.Name)},
		"ce-subject":     {string(c.UID)},
		"ce-time":        {time.UnixMilli(c.ObservedAt).UTC().Format(time.RFC3339Nano)},
		"content-type":   {"application/json"},
	}
}
