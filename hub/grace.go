package hub

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// MaxOfflineGrace is the longest OFFLINE_GRACE: later, offline would be no news but a lie about online.
const MaxOfflineGrace = 5 * time.Minute

// CheckOfflineGrace says what is wrong with an OFFLINE_GRACE.
func CheckOfflineGrace(d time.Duration) error {
	if d < 0 || d > MaxOfflineGrace {
		return fmt.Errorf("OFFLINE_GRACE is %s: want 0s to %s", d, MaxOfflineGrace)
	}
	return nil
}

// grace knows who has gone offline a short while ago and is shown as they were, so that one who returns meanwhile
// never flickers. It has no clock and no goroutine: it is told messages of the log and when they came, and says who
// is held back, and when it wants to be asked again. What it keeps is bounded by the users who are held back.
type grace struct {
	long  time.Duration
	holds map[bridge.UID]*hold
	queue queue  // of holds
	seen  uint64 // while the same log is read again: how far it was read before
}

// hold is a user who is shown as they were before they went offline.
type hold struct {
	uid   bridge.UID
	shown bridge.Presence
	seq   uint64    // of the message that said so; where it is gone, of the one that told of the end
	until time.Time // when the user is shown as they are
	frame []byte    // shown in JSON, encoded once for all who ask; nil until needed
	place int       // in the queue
}

// newGrace is nil where there is none.
func newGrace(long time.Duration) *grace {
	if long == 0 {
		return nil
	}
	return &grace{long: long, holds: map[bridge.UID]*hold{}}
}

// take takes in a message of the log that came at a time, after the one before of the same user, which is empty where
// nobody knows it. It returns how the user is held back from now on, or nil.
//
// Who is offline in their first message was seen online by nobody, or longer ago than anybody has looked; whom nobody
// looks at any more has no state to be held to; and who was shown before the log was read again stays so.
func (g *grace) take(before, e bridge.Entry, at, now time.Time) *hold {
	h := g.holds[e.UID]
	switch {
	case e.Online, e.Unwatched(), slices.Contains(e.Changed, bridge.ChangedFirst):
		g.end(e.UID)
		return nil
	case h != nil: // still offline, only in other words
		return h
	case e.Seq <= g.seen, e.Prev == nil, !e.Prev.Online, !at.Add(g.long).After(now):
		return nil
	}
	h = &hold{uid: e.UID, until: at.Add(g.long)}
	h.shown, h.seq = lastOnline(before, e)
	g.holds[e.UID] = h
	heap.Push(&g.queue, h)
	return h
}

// lastOnline is what was shown of a user until e, and the message that said so. A hub that has begun to read at e
// takes it from there: the state was seen last, at the latest, when the change had not happened yet.
func lastOnline(before, e bridge.Entry) (bridge.Presence, uint64) {
	if before.Change != nil && before.State.Equal(*e.Prev) {
		return before.Presence(), before.Seq
	}
	return bridge.Presence{UID: e.UID, State: *e.Prev, ObservedAt: cmp.Or(e.NotBefore, e.ObservedAt)}, e.Seq
}

// end lets go of a user, and says whether they were held back.
func (g *grace) end(uid bridge.UID) bool {
	h := g.holds[uid]
	if h == nil {
		return false
	}
	delete(g.holds, uid)
	heap.Remove(&g.queue, h.place)
	return true
}

// due lets go of those whose time is up, and says who they are.
func (g *grace) due(now time.Time) (uids []bridge.UID) {
	for len(g.queue) > 0 && !g.queue[0].until.After(now) {
		uid := g.queue[0].uid
		g.end(uid)
		uids = append(uids, uid)
	}
	return uids
}

// next is when somebody is due, or the zero time.
func (g *grace) next() time.Time {
	if len(g.queue) == 0 {
		return time.Time{}
	}
	return g.queue[0].until
}

// size is how many are held back.
func (g *grace) size() int {
	if g == nil {
		return 0
	}
	return len(g.holds)
}

// begin says that a log is read from its beginning, until caughtUp. Where it is the one that was read as far as seen,
// nothing changes in what is shown; of another one everything is void.
func (g *grace) begin(same bool, seen uint64) {
	if g == nil {
		return
	}
	g.seen = max(g.seen, seen)
	if !same {
		g.seen, g.queue = 0, nil
		clear(g.holds)
	}
}

func (g *grace) caughtUp() {
	if g != nil {
		g.seen = 0
	}
}

// queue is a heap, the first of whom is due first. Each knows its place, so that who returns leaves at once.
type queue []*hold

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].until.Before(q[j].until) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements [heap.Interface].
func (q *queue) Push(x any) {
	h := x.(*hold)
	h.place = len(*q)
	*q = append(*q, h)
}

// Pop implements [heap.Interface].
func (q *queue) Pop() any {
	last := len(*q) - 1
	h := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return h
}
