package bridge

import (
	"bytes"
	"context"
	"sync"
	"time"
)

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
	acked  acked
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
	j.users, j.stream, j.live, j.acked = map[UID]*known{}, stream, false, acked{}
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

// Apply implements [Follower]: what another writer wrote is the last word until somebody looks again. A message of our
// own tells that it has landed, whatever becomes of its acknowledgement.
func (j *Journal) Apply(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if k := j.users[e.UID]; k != nil && k.flight != nil && k.flight.change == e.Change {
		j.wrote(k.flight, e.Seq)
	} else {
		j.heard(e.UID, e)
	}
}

// recognise implements recogniser: what we have sent need not be decoded, nor what is older than that.
func (j *Journal) recognise(uid UID, seq uint64, data []byte) (own *Change, old bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.users[uid]
	if k == nil {
		return nil, false
	}
	if k.flight != nil && bytes.Equal(k.flight.data, data) {
		return k.flight.change, false
	}
	return nil, seq <= k.entry.Seq // the acknowledgement was faster
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
	ready, again := j.changes(batch)
	return j.publish(ctx, ready, Outcome{Again: again})
}

// changes decides about each observation, and notes that we have looked where it says nothing new.
func (j *Journal) changes(batch []Observation) (ready []*flight, again []UID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, obs := range batch {
		if !j.live { // between two streams nobody knows what is new
			again = append(again, obs.UID)
			continue
		}
		switch k := j.user(obs.UID); judge(*k, obs) {
		case overtaken:
			again = append(again, obs.UID)
		case nothingNew:
			k.looked, k.learned = obs.At, time.Time{}
		case publish:
			ready = append(ready, j.ready(k, changeFrom(*k, obs), obs.At))
		}
	}
	return ready, again
}

// ready is a message that follows the last one of its user. The caller holds mu.
func (j *Journal) ready(k *known, c *Change, at time.Time) *flight {
	return &flight{stream: j.stream, of: k, after: k.entry.Seq, change: c, at: at}
}

// Unwatch tells the log that nobody watches these users from here on. Whom the log does not hold, or holds as
// unwatched, is passed over.
func (j *Journal) Unwatch(ctx context.Context, uids []UID) (Outcome, error) {
	ready, again := j.farewells(uids)
	return j.publish(ctx, ready, Outcome{Again: again})
}

func (j *Journal) farewells(uids []UID) (ready []*flight, again []UID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, uid := range uids {
		k := j.users[uid]
		switch {
		case !j.live:
			again = append(again, uid)
		case k != nil && k.entry.Change != nil && !k.entry.Unwatched():
			ready = append(ready, j.ready(k, unwatchedFrom(*k), k.looked))
		}
	}
	return ready, again
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
