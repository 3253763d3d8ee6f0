package bridge

import "time"

// Observation is what one look at a user showed.
type Observation struct {
	UID    UID
	State  State
	At     time.Time // when the look started, with this process's monotonic clock
	Source Source
}

// known is what a journal remembers of one user: the last message of the log, and this process's own looks.
type known struct {
	entry   Entry     // zero where the log holds nothing
	learned time.Time // when another writer's message reached us; zero when the message is our own
	looked  time.Time // start of our last look that saw entry's state; zero before the first
	floor   int64     // the newest observed_at told of the user, also by messages that the log has lost
	flight  *flight   // the last message of ours that is under way, if any
}

// learn is what is known once another writer's message, or the lack of one, has reached us.
func (k known) learn(e Entry, now time.Time) known {
	return known{entry: e, learned: now, floor: k.floorWith(e), flight: k.flight}
}

// wrote is what is known once our own message is in the log. Looks that were under way when nobody watched
// the user any more are none of the next watcher's.
func (k known) wrote(e Entry, looked, now time.Time) known {
	w := known{entry: e, looked: looked, floor: k.floorWith(e), flight: k.flight}
	if e.Unwatched() {
		w.learned = now
	}
	return w
}

func (k known) floorWith(e Entry) int64 {
	if e.Change == nil {
		return k.floor
	}
	return max(k.floor, e.ObservedAt)
}

// verdict is what an observation leads to.
type verdict int

const (
	nothingNew verdict = iota // it confirms what the log says
	overtaken                 // it may be older than what the log says: look again
	publish
)

// judge holds an observation against what is known. It is the whole truth about when a change is a change:
//
//   - a look that started before our newest look at the user proves nothing any more;
//   - a look that started before we learned of another writer's message may be older than it, whatever the
//     clocks say;
//   - the first look after nobody looked is always told.
func judge(k known, obs Observation) verdict {
	switch {
	case obs.At.Before(k.looked), !k.learned.IsZero() && !obs.At.After(k.learned):
		return overtaken
	case k.entry.Change == nil || k.entry.Unwatched():
		return publish
	case k.entry.State.Equal(obs.State):
		return nothingNew
	}
	return publish
}

// changeFrom says what to publish for an observation that judge lets through. Clocks differ between pollers,
// so the times are held to the promise that they never go back.
func changeFrom(k known, obs Observation) *Change {
	at := max(Millis(obs.At), k.floor)
	c := &Change{UID: obs.UID, State: obs.State, ObservedAt: at, Changed: []string{ChangedFirst}, Source: obs.Source}
	if k.entry.Change == nil {
		return c
	}
	prev := k.entry.State
	c.Prev = &prev
	c.NotBefore = min(max(Millis(k.looked), k.entry.ObservedAt), c.ObservedAt)
	if !k.entry.Unwatched() {
		c.Changed = prev.differences(obs.State)
	}
	return c
}

// unwatchedFrom says what to publish when nobody watches a known user any more: the state as last seen, from
// when on it was known to be so until we last looked.
func unwatchedFrom(k known) *Change {
	prev := k.entry.State
	return &Change{
		UID: k.entry.UID, State: prev, Prev: &prev, Source: SourcePoll, Changed: []string{ChangedUnwatched},
		NotBefore: k.entry.ObservedAt, ObservedAt: max(k.floor, Millis(k.looked)),
	}
}
