package keeper

import (
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// simVendor is the vendor of a simulation: who subscribes whom until when, with a list that lags. It knows
// nothing of the keeper, and makes no promise that the documents do not make.
type simVendor struct {
	most      int           // subscriptions of an operator; one more, and the one with the least time left goes
	life      time.Duration // of a subscription, where it gives less than was asked for; 0: what was asked for
	lag       time.Duration // of the list
	lateAbove int           // subscribing more users than this is answered with nobody, and done later; 0: never
	late      time.Duration // so much later

	ops   map[string]*simOperator
	queue []simLate // what is done later
}

type simOperator struct {
	name   string
	number int
	subs   map[bridge.UID]*simSub
	shown  map[bridge.UID]time.Time // what the list shows: until when
	edits  []simEdit                // what the list has yet to hear, oldest first
}

// simSub is a subscription as the vendor has it.
type simSub struct{ from, until time.Time }

func (s *simSub) live(now time.Time) bool { return s != nil && s.until.After(now) }

type simEdit struct {
	at    time.Time
	uid   bridge.UID
	until time.Time // zero: gone
}

type simLate struct {
	at  time.Time
	op  *simOperator
	uid bridge.UID
	ttl time.Duration
}

func newSimVendor() *simVendor { return &simVendor{ops: map[string]*simOperator{}} }

func (v *simVendor) op(name string) *simOperator {
	op := v.ops[name]
	if op == nil {
		op = &simOperator{name: name, number: len(v.ops), subs: map[bridge.UID]*simSub{}, shown: map[bridge.UID]time.Time{}}
		v.ops[name] = op
	}
	return op
}

// until is when a subscription of a length ends. The vendor counts in whole seconds.
func (v *simVendor) until(now time.Time, ttl time.Duration) time.Time {
	if v.life > 0 {
		ttl = min(ttl, v.life)
	}
	return now.Add(ttl).Truncate(time.Second)
}

// subscribe overwrites what was there, and returns who had to make room.
func (op *simOperator) subscribe(uid bridge.UID, now, until time.Time, most int) (evicted []bridge.UID) {
	if !op.subs[uid].live(now) {
		for op.live(now) >= most {
			victim := op.victim(now)
			op.drop(victim, now)
			evicted = append(evicted, victim)
		}
	}
	op.subs[uid] = &simSub{now, until}
	op.edits = append(op.edits, simEdit{now, uid, until})
	return evicted
}

func (op *simOperator) drop(uid bridge.UID, now time.Time) {
	if op.subs[uid] != nil {
		delete(op.subs, uid)
		op.edits = append(op.edits, simEdit{now, uid, time.Time{}})
	}
}

// live is how many are subscribed.
func (op *simOperator) live(now time.Time) int {
	for uid, s := range op.subs {
		if !s.live(now) {
			delete(op.subs, uid)
		}
	}
	return len(op.subs)
}

// victim is the one with the least time left.
func (op *simOperator) victim(now time.Time) (victim bridge.UID) {
	var first time.Time
	for uid, s := range op.subs {
		if victim == "" || s.until.Before(first) || s.until.Equal(first) && uid < victim {
			victim, first = uid, s.until
		}
	}
	return victim
}

// list is what the list shows of an operator: the state of a while ago, without what has expired.
func (v *simVendor) list(op *simOperator, now time.Time) (list []easemob.Subscription) {
	heard := 0
	for ; heard < len(op.edits) && !op.edits[heard].at.After(now.Add(-v.lag)); heard++ {
		if e := op.edits[heard]; e.until.IsZero() {
			delete(op.shown, e.uid)
		} else {
			op.shown[e.uid] = e.until
		}
	}
	op.edits = slices.Delete(op.edits, 0, heard)
	for uid, until := range op.shown {
		if until.After(now) {
			list = append(list, easemob.Subscription{UID: string(uid), Expiry: until})
		} else {
			delete(op.shown, uid)
		}
	}
	slices.SortFunc(list, func(x, y easemob.Subscription) int { // by name: the order says nothing, and seeds repeat
		if x.UID < y.UID {
			return -1
		}
		return 1
	})
	return list
}
