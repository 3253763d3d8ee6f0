package emulator

import (
	"slices"
	"sync"
	"time"
)

// subscriptions are who subscribes whom, until when. Nothing here runs by itself: whoever comes first lets
// happen what was due by then, in the order in which it was due. What a call costs goes by whom it names, not
// by how many subscriptions there are.
type subscriptions struct {
	most   int           // an operator
	mostOf int           // a user
	atAll  int           // of everybody
	lag    time.Duration // of what list shows; none when negative

	mu    sync.Mutex
	ops   map[string]*operator // operator uid -> what it subscribes
	users map[string]*ranked   // uid -> its subscriptions, by whomever
	all   ranked
	queue []errand // what is to be subscribed later, the next one first
	later []edit   // what the lists have yet to hear, oldest first
	last  int      // number of the newest subscription
}

// subscription is that of one user by one operator.
type subscription struct {
	op     *operator
	uid    string
	expiry time.Time
	number int             // counts subscriptions; one that is renewed keeps its own
	at     [endRanking]int // where it is in each of the heaps it is in
}

// operator is one subscriber.
type operator struct {
	uid     string
	subs    map[string]*subscription // uid -> the truth
	ranked  ranked                   // subs
	shown   []listing                // what list shows, by number
	gone    int                      // of shown
	unheard int                      // edits of later that are about shown
}

// errand is to subscribe users at a time to come.
type errand struct {
	at     time.Time
	op     string
	uids   []string
	expiry time.Time
}

func newSubscriptions(o Options) *subscriptions {
	return &subscriptions{
		most:   o.MaxSubscriptions,
		mostOf: o.MaxSubscribers,
		atAll:  maxSubscriptions,
		lag:    o.ListLag,
		ops:    make(map[string]*operator),
		users:  make(map[string]*ranked),
		all:    ranked{by: ofAll},
	}
}

// subscribe makes an operator subscribe users until expiry, overwriting what they had.
func (s *subscriptions) subscribe(op string, uids []string, expiry time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(op, uids, expiry, s.advance())
}

// subscribeLater does so after a while; it has to be the same while every time.
func (s *subscriptions) subscribeLater(op string, uids []string, expiry time.Time, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, errand{s.advance().Add(max(wait, 0)), op, uids, expiry})
}

func (s *subscriptions) unsubscribe(op string, uids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	for _, uid := range uids {
		if sub := s.subscription(op, uid); sub != nil {
			s.remove(sub, now)
		}
	}
}

// among returns those of the users whom an operator subscribes.
func (s *subscriptions) among(op string, uids []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	return slices.DeleteFunc(slices.Clone(uids), func(uid string) bool { return s.subscription(op, uid) == nil })
}

// of returns expiry by uid: the truth, without lag.
func (s *subscriptions) of(op string) map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	until := make(map[string]time.Time)
	if o := s.ops[op]; o != nil {
		for uid, sub := range o.subs {
			until[uid] = sub.expiry
		}
	}
	return until
}

// counts returns how many subscriptions each operator has that has any.
func (s *subscriptions) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	counts := make(map[string]int)
	for uid, o := range s.ops {
		if len(o.subs) > 0 {
			counts[uid] = len(o.subs)
		}
	}
	return counts
}

// advance lets happen what has become due, and returns what time it is now.
func (s *subscriptions) advance() time.Time {
	now := time.Now() // under the lock, so that edits stay in order
	for len(s.queue) > 0 && !s.queue[0].at.After(now) {
		due := s.queue[0]
		s.queue = s.queue[1:]
		s.expire(due.at)
		s.put(due.op, due.uids, due.expiry, due.at)
	}
	s.expire(now)
	s.tell(now.Add(-max(s.lag, 0)))
	return now
}

func (s *subscriptions) expire(now time.Time) {
	for first := s.all.first(); first != nil && !now.Before(first.expiry); first = s.all.first() {
		s.remove(first, now)
	}
}

// put subscribes. Beyond the most that an operator may have, each newcomer silently takes the place of the one
// with the least time left (ED24); that those who subscribe one user make room in the same way is INF.
func (s *subscriptions) put(op string, uids []string, expiry, now time.Time) {
	for _, uid := range uids {
		sub := s.subscription(op, uid)
		if sub == nil {
			s.makeRoom(s.ops[op].heap(), s.most, now)
			s.makeRoom(s.users[uid], s.mostOf, now)
			s.makeRoom(&s.all, s.atAll, now) // of our own, so that operators without number need no memory without end
			sub = s.add(op, uid, expiry)
		}
		sub.expiry = expiry
		for _, heap := range s.heaps(sub) {
			heap.moved(sub)
		}
		s.note(edit{now, sub.op, sub.listing(), false})
	}
}

func (s *subscriptions) makeRoom(in *ranked, most int, now time.Time) {
	for in != nil && in.Len() >= most {
		s.remove(in.first(), now)
	}
}

func (s *subscriptions) subscription(op, uid string) *subscription {
	if o := s.ops[op]; o != nil {
		return o.subs[uid]
	}
	return nil
}

func (s *subscriptions) add(op, uid string, expiry time.Time) *subscription {
	o := s.ops[op]
	if o == nil {
		o = &operator{uid: op, subs: make(map[string]*subscription), ranked: ranked{by: ofOperator}}
		s.ops[op] = o
	}
	if s.users[uid] == nil {
		s.users[uid] = &ranked{by: ofUser}
	}
	s.last++
	sub := &subscription{op: o, uid: uid, expiry: expiry, number: s.last}
	o.subs[uid] = sub
	for _, heap := range s.heaps(sub) {
		heap.add(sub)
	}
	return sub
}

func (s *subscriptions) remove(sub *subscription, now time.Time) {
	for _, heap := range s.heaps(sub) {
		heap.remove(sub)
	}
	delete(sub.op.subs, sub.uid)
	if s.users[sub.uid].Len() == 0 {
		delete(s.users, sub.uid)
	}
	s.note(edit{now, sub.op, sub.listing(), true})
}

func (s *subscriptions) heaps(sub *subscription) [endRanking]*ranked {
	return [...]*ranked{&s.all, &sub.op.ranked, s.users[sub.uid]}
}

// heap is what the operator subscribes, nil where there is no operator.
func (o *operator) heap() *ranked {
	if o == nil {
		return nil
	}
	return &o.ranked
}
