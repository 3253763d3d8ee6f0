package emulator

import (
	"slices"
	"time"
)

// plainSubs do what subscriptions promise in the plainest way: they look through everything, every time.
type plainSubs struct {
	most, mostOf int
	subs         []plainSub // oldest first
	past         []past     // oldest first
	evicted      [2]int     // for the sake of an operator's limit, and of a user's
}

type plainSub struct {
	op, uid string
	expiry  time.Time
}

// past is how they were from a time on, but for what expired.
type past struct {
	at   time.Time
	subs []plainSub
}

func (p *plainSubs) expire() {
	now := time.Now()
	p.subs = slices.DeleteFunc(p.subs, func(s plainSub) bool { return !now.Before(s.expiry) })
}

func (p *plainSubs) unsubscribe(op string, uids []string) {
	p.subs = slices.DeleteFunc(p.subs, func(s plainSub) bool { return s.op == op && slices.Contains(uids, s.uid) })
}

func (p *plainSubs) subscribe(op string, uids []string, expiry time.Time) {
	for _, uid := range uids {
		i := slices.IndexFunc(p.subs, func(s plainSub) bool { return s.op == op && s.uid == uid })
		if i >= 0 {
			p.subs[i].expiry = expiry
			continue
		}
		p.evict(p.most, &p.evicted[0], func(s plainSub) bool { return s.op == op })
		p.evict(p.mostOf, &p.evicted[1], func(s plainSub) bool { return s.uid == uid })
		p.subs = append(p.subs, plainSub{op, uid, expiry})
	}
}

// evict lets the one with the least time left go, the oldest of several, if those who are meant are as many as
// there may be.
func (p *plainSubs) evict(most int, count *int, meant func(plainSub) bool) {
	victim, n := -1, 0
	for i, s := range p.subs {
		if !meant(s) {
			continue
		}
		if n++; victim < 0 || s.expiry.Before(p.subs[victim].expiry) {
			victim = i
		}
	}
	if n >= most {
		*count++
		p.subs = slices.Delete(p.subs, victim, victim+1)
	}
}

func (p *plainSubs) of(op string) map[string]time.Time {
	until := map[string]time.Time{}
	for _, s := range p.subs {
		if s.op == op {
			until[s.uid] = s.expiry
		}
	}
	return until
}

// list is what an operator subscribed at a time, the newest first, and has not expired since.
func (p *plainSubs) list(op string, then time.Time) (list []plainSub) {
	now := time.Now()
	for _, m := range slices.Backward(p.past) {
		if m.at.After(then) {
			continue
		}
		for _, s := range slices.Backward(m.subs) {
			if s.op == op && now.Before(s.expiry) {
				list = append(list, s)
			}
		}
		break
	}
	return list
}
