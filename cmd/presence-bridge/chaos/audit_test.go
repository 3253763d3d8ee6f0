package chaos

import (
	"fmt"
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// message is one message of the log. Without a change it says that the log was cut back: it holds nothing from seq on.
type message struct {
	seq    uint64
	stored time.Time // by the clock of NATS, which is right
	*bridge.Change
}

// span is a time; a zero end has not come yet.
type span struct{ from, to time.Time }

func (s span) overlaps(from, to time.Time) bool {
	return !s.from.After(to) && (s.to.IsZero() || !s.to.Before(from))
}

// court is what a log is held against. It has no clock and asks nobody.
type court struct {
	history func(bridge.UID) []emulator.Moment
	watched func(bridge.UID) []span // in order
	behind  time.Duration           // how much the slowest clock of the pollers is behind, 0 or more
	ahead   time.Duration           // how much the fastest is ahead
	look    time.Duration           // how long a look may take
	slow    []span                  // when looks took longer, for something stood still
	lag     time.Duration           // how much later a message about who is watched may be stored
}

// trial is a court in session. It reads the log once, message by message.
type trial struct {
	court
	users map[bridge.UID][]verdict // what stands of each user, oldest first
	lost  map[bridge.UID]bool      // of whom messages were taken back: who wrote them remembers their times
	lies  []string
	seen  tally
}

// verdict is a message that was heard, and which of the vendor's moments it can be about at the earliest.
type verdict struct {
	message
	moment int
}

// tally counts what was heard.
type tally struct{ messages, firsts, unwatched, changes, cuts int }

// judge tells every lie in the log, each in a line.
func (c court) judge(log []message) ([]string, tally) {
	t := &trial{court: c, users: map[bridge.UID][]verdict{}, lost: map[bridge.UID]bool{}}
	for _, m := range log {
		if m.Change == nil {
			t.cut(m.seq)
			continue
		}
		t.hear(m)
	}
	return t.lies, t.seen
}

// cut takes back what stood of the log from a sequence on.
func (t *trial) cut(seq uint64) {
	t.seen.cuts++
	for uid, heard := range t.users {
		kept := slices.DeleteFunc(heard, func(v verdict) bool { return v.seq >= seq })
		t.lost[uid] = t.lost[uid] || len(kept) < len(heard)
		t.users[uid] = kept
	}
}

func (t *trial) hear(m message) {
	t.count(m)
	t.interval(m)
	t.placed(m)
	heard := t.users[m.UID]
	v := verdict{message: m}
	if len(heard) == 0 {
		t.begins(m)
	} else {
		before := heard[len(heard)-1]
		t.follows(m, before)
		t.wasTrue(m, before)
		v.moment = before.moment
	}
	v.moment = t.isTrue(m, v.moment)
	t.users[m.UID] = append(heard, v)
}

func (t *trial) count(m message) {
	t.seen.messages++
	switch {
	case m.Unwatched():
		t.seen.unwatched++
	case isFirst(m):
		t.seen.firsts++
	default:
		t.seen.changes++
	}
}

func (t *trial) lie(m message, format string, args ...any) {
	t.lies = append(t.lies, fmt.Sprintf("message %d, %s: %s: %s", m.seq, m.UID, fmt.Sprintf(format, args...), told(m)))
}

// told is a message in a line.
func told(m message) string {
	return fmt.Sprintf("%v not_before=%d observed_at=%d stored=%d source=%s state=%+v prev=%+v", m.Changed, m.NotBefore, m.ObservedAt,
		m.stored.UnixMilli(), m.Source, m.State, m.Prev)
}

func isFirst(m message) bool { return slices.Equal(m.Changed, []string{bridge.ChangedFirst}) }

// begins judges a message with none before it.
func (t *trial) begins(m message) {
	if m.Prev != nil {
		t.lie(m, "there is no message before it, and it has a prev")
	}
	if !isFirst(m) {
		t.lie(m, "it is the first message, and does not say so")
	}
}

// follows judges a message by the one before it.
func (t *trial) follows(m message, before verdict) {
	if m.Prev == nil || !m.Prev.Equal(before.State) {
		t.lie(m, "prev is not the state of message %d, %+v", before.seq, before.State)
	}
	if m.ObservedAt < before.ObservedAt {
		t.lie(m, "observed_at goes back from %d", before.ObservedAt)
	}
	switch {
	case m.Unwatched() && before.Unwatched():
		t.lie(m, "it is unwatched already")
	case m.Unwatched() && !m.State.Equal(before.State):
		t.lie(m, "it does not repeat the state")
	case m.Unwatched():
	case isFirst(m) != before.Unwatched():
		t.lie(m, "before it is %v", before.Changed)
	case isFirst(m):
	case !slices.Equal(m.Changed, differences(before.State, m.State)):
		t.lie(m, "what has changed is %v", differences(before.State, m.State))
	case len(m.Changed) == 0:
		t.lie(m, "nothing has changed")
	}
}

// differences names what differs, in the documented order.
func differences(a, b bridge.State) (names []string) {
	statusA, statusB := bridge.State{Online: a.Online, Status: a.Status}, bridge.State{Online: b.Online, Status: b.Status}
	if !statusA.Equal(statusB) {
		names = append(names, bridge.ChangedStatus)
	}
	if a.Ext != b.Ext {
		names = append(names, bridge.ChangedExt)
	}
	if a.LastTime != b.LastTime {
		names = append(names, bridge.ChangedLastTime)
	}
	return names
}

// interval judges the times that a message tells.
func (t *trial) interval(m message) {
	if m.NotBefore > m.ObservedAt {
		t.lie(m, "not_before is after observed_at")
	}
	if at := time.UnixMilli(m.ObservedAt); at.Add(-t.ahead).After(m.stored) {
		t.lie(m, "it was observed after it was stored")
	}
}

// wasTrue judges not_before: the state of the message before was true then.
func (t *trial) wasTrue(m message, before verdict) {
	if m.NotBefore == 0 {
		return
	}
	from, to := t.around(m.NotBefore)
	if before.Unwatched() && t.lost[m.UID] { // its observed_at may be that of a newer state which the log has lost
		from, _ = t.around(before.NotBefore)
	}
	if t.find(m.UID, before.State, 0, from, to) < 0 {
		t.lie(m, "the state before was not true at not_before")
	}
}

// around is when a look can have been under way that began at a time that some poller's clock told.
func (t *trial) around(millis int64) (from, to time.Time) {
	at := time.UnixMilli(millis)
	from, to = at.Add(-t.ahead), at.Add(t.behind+t.look)
	for _, s := range t.slow {
		if s.overlaps(from, to) && s.to.Add(t.look).After(to) {
			to = s.to.Add(t.look)
		}
	}
	return from, to
}

// find is the first of the vendor's moments, from one on, at which a user came to be so and was so within a time;
// -1 where there is none.
func (t *trial) find(uid bridge.UID, s bridge.State, first int, from, to time.Time) int {
	history := t.history(uid)
	for i := first; i < len(history); i++ {
		lasted := span{from: history[i].At}
		if i+1 < len(history) {
			lasted.to = history[i+1].At
		}
		if lasted.overlaps(from, to) && truth(history[i].User).Equal(s) {
			return i
		}
	}
	return -1
}

// truth is a state of the vendor's as the log should tell it.
func truth(u emulator.User) bridge.State { return bridge.StateOf(u.Status, u.Ext, u.LastTime*1000) }

// isTrue judges the state: the vendor had it when it was looked at, and no earlier than the one before. It returns the
// vendor's moment, the first that can be meant.
func (t *trial) isTrue(m message, after int) int {
	from, to := t.around(m.ObservedAt)
	if m.Unwatched() && t.lost[m.UID] { // as above
		from, _ = t.around(m.NotBefore)
	}
	if to.After(m.stored) { // what is seen later than it is stored was not seen
		to = m.stored
	}
	if i := t.find(m.UID, m.State, after, from, to); i >= 0 {
		return i
	}
	never, forever := time.Time{}, m.stored.Add(time.Hour)
	switch i := t.find(m.UID, m.State, after, never, forever); {
	case i >= 0:
		from, until := t.history(m.UID)[i].At, "now"
		if later := t.history(m.UID)[i+1:]; len(later) > 0 {
			until = fmt.Sprint(later[0].At.UnixMilli())
		}
		t.lie(m, "it was so from %d until %s, not at observed_at", from.UnixMilli(), until)
		return i
	case t.find(m.UID, m.State, 0, never, forever) >= 0:
		t.lie(m, "it is older than the message before it")
	default:
		t.lie(m, "the user never was so")
	}
	return after
}

// placed judges whether the user was watched, or not, when the message says so.
func (t *trial) placed(m message) {
	from, to := m.stored.Add(-t.lag), m.stored
	watched, throughout := false, false
	for _, s := range t.watched(m.UID) {
		watched = watched || s.overlaps(from, to)
		throughout = throughout || !s.from.After(from) && (s.to.IsZero() || s.to.After(to))
	}
	if m.Unwatched() && throughout {
		t.lie(m, "the user was watched all the time")
	}
	if !m.Unwatched() && !watched {
		t.lie(m, "nobody watched the user")
	}
}
