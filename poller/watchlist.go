package poller

import (
	"container/heap"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// watchlist is who is watched, and how fresh what the log says of them is. It has no lock and no clock of its
// own.
type watchlist struct {
	users map[bridge.UID]*watched
	known byVerified // those whose state is known
	new   []*watched // in the order they came; the first ones may have been asked for or have left
	gaps  int        // users whom the last answer about them left out
}

// watched is one user.
type watched struct {
	uid      bridge.UID
	since    time.Time // when it became watched
	left     bool      // is not watched any more
	verified time.Time // zero while the state is not known
	index    int       // in known
	asked    time.Time // start of the last look that was answered, with or without the user
	gap      bool      // the last answer left the user out
}

func newWatchlist() *watchlist { return &watchlist{users: map[bridge.UID]*watched{}} }

func (l *watchlist) has(uid bridge.UID) bool { return l.users[uid] != nil }

func (l *watchlist) add(uid bridge.UID, now time.Time) {
	if l.has(uid) {
		return
	}
	w := &watched{uid: uid, since: now}
	l.users[uid], l.new = w, append(l.new, w)
}

func (l *watchlist) remove(uid bridge.UID) {
	w := l.users[uid]
	if w == nil {
		return
	}
	l.forget(w)
	l.setGap(w, false)
	delete(l.users, uid)
	w.left = true
}

// verify notes when the state of a user was last verified; zero when it is not known.
func (l *watchlist) verify(uid bridge.UID, at time.Time) {
	w := l.users[uid]
	switch {
	case w == nil:
	case at.IsZero():
		l.forget(w)
	case w.verified.IsZero():
		w.verified = at
		heap.Push(&l.known, w)
	default:
		w.verified = at
		heap.Fix(&l.known, w.index)
	}
}

// looked notes that a call about the user was answered.
func (l *watchlist) looked(uid bridge.UID, at time.Time, gap bool) {
	w := l.users[uid]
	if w == nil {
		return
	}
	w.asked = at
	l.setGap(w, gap)
}

// forgetAll notes that nobody's state is known any more.
func (l *watchlist) forgetAll() {
	for _, w := range l.users {
		w.verified = time.Time{}
	}
	l.known = nil
}

func (l *watchlist) forget(w *watched) {
	if !w.verified.IsZero() {
		heap.Remove(&l.known, w.index)
		w.verified = time.Time{}
	}
}

func (l *watchlist) setGap(w *watched, gap bool) {
	if w.gap != gap {
		w.gap = gap
		if gap {
			l.gaps++
		} else {
			l.gaps--
		}
	}
}

// oldest is the earliest verification of all whose state is known; zero when nobody's is.
func (l *watchlist) oldest() time.Time {
	if len(l.known) == 0 {
		return time.Time{}
	}
	return l.known[0].verified
}

// waiting is since when the newcomer waits who has waited longest to be asked for; zero when nobody waits.
func (l *watchlist) waiting() time.Time {
	for len(l.new) > 0 && (l.new[0].left || !l.new[0].asked.IsZero()) {
		l.new[0] = nil
		l.new = l.new[1:]
	}
	if len(l.new) == 0 {
		l.new = nil
		return time.Time{}
	}
	return l.new[0].since
}

// byVerified is a [heap.Interface] with the earliest verification first.
type byVerified []*watched

func (h byVerified) Len() int           { return len(h) }
func (h byVerified) Less(i, j int) bool { return h[i].verified.Before(h[j].verified) }

func (h byVerified) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byVerified) Push(x any) {
	w := x.(*watched)
	w.index = len(*h)
	*h = append(*h, w)
}

func (h *byVerified) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return w
}
