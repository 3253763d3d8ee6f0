package emulator

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// subscriptions are who subscribes whom, until when. A subscription that is past its expiry is not there,
// whether or not somebody has swept it out yet.
type subscriptions struct {
	most int           // an operator
	lag  time.Duration // of what list shows; none when negative

	mu  sync.Mutex
	ops map[string]*operator // operator uid -> what it subscribes
}

// operator is one subscriber. The list lags behind the truth as the vendor's does: its own test sleeps ten
// seconds between a subscribe and the list (TEST: PresenceIT).
type operator struct {
	subs  map[string]subscription // uid -> the truth
	shown map[string]subscription // uid -> what list shows
	later []edit                  // what shown has yet to hear, oldest first
	last  int                     // number of the newest subscription
}

type subscription struct {
	expiry time.Time
	number int // counts an operator's subscriptions; one that is renewed keeps its own
}

type edit struct {
	at  time.Time
	uid string
	sub subscription // the zero value: gone
}

// subscribe makes an operator subscribe users until expiry, overwriting what they had. Beyond the most that
// an operator may have, each newcomer silently takes the place of the one with the least time left (ED24).
func (s *subscriptions) subscribe(op string, uids []string, expiry time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	o := s.at(op, now)
	for _, uid := range uids {
		sub, renewed := o.subs[uid]
		if !renewed {
			o.makeRoom(s.most, now)
			o.last++
			sub.number = o.last
		}
		sub.expiry = expiry
		o.set(uid, sub, now)
	}
}

func (s *subscriptions) unsubscribe(op string, uids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	o := s.at(op, now)
	for _, uid := range uids {
		if _, ok := o.subs[uid]; ok {
			o.set(uid, subscription{}, now)
		}
	}
}

// subscribed returns expiry by uid: the truth, without lag.
func (s *subscriptions) subscribed(op string) map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ops[op] == nil {
		return map[string]time.Time{}
	}
	o := s.at(op, time.Now())
	until := make(map[string]time.Time, len(o.subs))
	for uid, sub := range o.subs {
		until[uid] = sub.expiry
	}
	return until
}

// counts returns how many subscriptions each operator has that has any.
func (s *subscriptions) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int)
	for op := range s.ops {
		if n := len(s.at(op, time.Now()).subs); n > 0 {
			counts[op] = n
		}
	}
	return counts
}

// named is a subscription with whom it is of.
type named struct {
	uid string
	subscription
}

// list returns the subscriptions as the vendor shows them, the newest first as in its sample: one page,
// and how many there are on all pages.
func (s *subscriptions) list(op string, page, perPage int) (subs []named, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ops[op] == nil {
		return nil, 0
	}
	now := time.Now()
	o := s.at(op, now)
	o.catchUp(now.Add(-max(s.lag, 0)), now)
	for uid, sub := range o.shown {
		subs = append(subs, named{uid, sub})
	}
	slices.SortFunc(subs, func(a, b named) int { return cmp.Compare(b.number, a.number) })
	total = len(subs)
	from := min((page-1)*perPage, total)
	return subs[from:min(from+perPage, total)], total
}

// at returns an operator without what has expired.
func (s *subscriptions) at(op string, now time.Time) *operator {
	o := s.ops[op]
	if o == nil {
		o = &operator{subs: make(map[string]subscription), shown: make(map[string]subscription)}
		s.ops[op] = o
	}
	maps.DeleteFunc(o.subs, func(_ string, sub subscription) bool { return !now.Before(sub.expiry) })
	o.catchUp(now.Add(-max(s.lag, 0)), now) // keeps later as short as the lag
	return o
}

// set makes a change true now, and tells the list later.
func (o *operator) set(uid string, sub subscription, now time.Time) {
	if sub == (subscription{}) {
		delete(o.subs, uid)
	} else {
		o.subs[uid] = sub
	}
	o.later = append(o.later, edit{now, uid, sub})
}

// makeRoom evicts until one more fits.
func (o *operator) makeRoom(most int, now time.Time) {
	for len(o.subs) >= most {
		victim := ""
		for uid, sub := range o.subs {
			if victim == "" || sub.before(o.subs[victim]) {
				victim = uid
			}
		}
		o.set(victim, subscription{}, now)
	}
}

// before says which of two goes first: the one with less time left, then the older.
func (s subscription) before(t subscription) bool {
	if c := s.expiry.Compare(t.expiry); c != 0 {
		return c < 0
	}
	return s.number < t.number
}

// catchUp lets the list hear what happened until some time ago; what has expired by now it knows at once.
func (o *operator) catchUp(until, now time.Time) {
	heard := 0
	for heard < len(o.later) && !o.later[heard].at.After(until) {
		if e := o.later[heard]; e.sub == (subscription{}) {
			delete(o.shown, e.uid)
		} else {
			o.shown[e.uid] = e.sub
		}
		heard++
	}
	o.later = slices.Delete(o.later, 0, heard)
	maps.DeleteFunc(o.shown, func(_ string, sub subscription) bool { return !now.Before(sub.expiry) })
}
