package keeper

import (
	"fmt"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// The events of a simulation. Each counts that it has fired, where it did.

// change has somebody watched, or watched no more.
func (s *sim) change() { s.watch(s.anybody(), !s.anybody().wanted) }

// rush has many watched at once, or watched no more.
func (s *sim) rush() {
	wanted := s.dice.IntN(3) > 0
	for _, u := range s.people {
		s.watch(u, wanted)
	}
}

func (s *sim) watch(u *simUser, wanted bool) {
	if u.wanted == wanted {
		return
	}
	s.fired["somebody comes or goes"]++
	s.oracle.look(u)
	u.wanted, u.since = wanted, s.now
	s.oracle.count(u)
	switch {
	case s.book == nil:
	case wanted:
		s.book.want(u.uid, s.now)
	default:
		s.book.unwant(u.uid, s.now)
	}
}

func (s *sim) anybody() *simUser { return s.people[s.dice.IntN(len(s.people))] }

func (s *sim) anyOperator() *simOperator {
	return s.vendor.op(s.config.Operators[s.dice.IntN(len(s.config.Operators))])
}

// evict silently ends subscriptions: of a user whom too many others subscribe, for instance.
func (s *sim) evict() {
	op := s.anyOperator()
	for range 1 + s.dice.IntN(5) {
		if u := s.anybody(); op.subs[u.uid].live(s.now) {
			s.fired["a subscription is evicted"]++
			s.oracle.doubt(op, u.uid)
			s.drop(op, u.uid)
		}
	}
}

// forgetOperator silently ends everything that an operator subscribes.
func (s *sim) forgetOperator() {
	op := s.anyOperator()
	for _, u := range s.oracle.users {
		if op.subs[u.uid].live(s.now) {
			s.fired["an operator is forgotten"]++
			s.oracle.doubt(op, u.uid)
			s.drop(op, u.uid)
		}
	}
}

// pushOut is somebody else who has one of our operators subscribe strangers, for longer than ours last.
func (s *sim) pushOut() {
	op := s.anyOperator()
	for _, u := range s.strangers {
		s.fired["a stranger is subscribed"]++
		s.subscribe(op, u.uid, s.now.Add(31*24*time.Hour))
	}
}

// outage has the vendor away for a while.
func (s *sim) outage() {
	s.fired["the vendor is away"]++
	s.away = later(s.away, s.now.Add(10*time.Minute+time.Duration(s.dice.Int64N(int64(3*time.Hour)))))
	s.oracle.excuseAll(s.away)
}

// refuse has the vendor refuse somebody for a while.
func (s *sim) refuse() {
	u := s.anybody()
	s.oracle.look(u)
	u.badUntil = s.now.Add(time.Duration(s.dice.Int64N(int64(12 * time.Hour))))
	s.oracle.excuse(u, u.badUntil.Add(refusedFor))
}

// crash ends the keeper. It may lose what was written last, or end within its next call.
func (s *sim) crash() {
	switch {
	case s.book == nil:
		return
	case s.dice.IntN(3) == 0:
		s.dying = true
		return
	case s.dice.IntN(2) == 0:
		s.loseWrites()
	}
	s.leave()
}

// leave ends the keeper, and has another take over, at times only after hours.
func (s *sim) leave() {
	s.fired["a keeper ends"]++
	s.back = s.now.Add(time.Duration(s.dice.Int64N(int64(15 * time.Second))))
	if s.dice.IntN(8) == 0 {
		s.back = s.now.Add(time.Duration(s.dice.Int64N(int64(6 * time.Hour))))
	}
	s.book, s.dying = nil, false
	s.oracle.excuseAll(s.back)
}

func (s *sim) loseWrites() {
	for range s.dice.IntN(150) {
		if len(s.undo) == 0 {
			return
		}
		s.fired["a write to the ledger is lost"]++
		w := s.undo[len(s.undo)-1]
		s.undo = s.undo[:len(s.undo)-1]
		if w.had {
			s.ledger[w.uid] = w.line
		} else {
			delete(s.ledger, w.uid)
		}
		s.oracle.doubt(nil, w.uid)
	}
}

// reconfigure ends the keeper, and has another begin with an operator more or less.
func (s *sim) reconfigure() {
	if s.book == nil || s.plan.operators == 1 {
		return
	}
	s.leave()
	all := s.plan.config.Operators
	if len(s.config.Operators) < len(all) {
		s.fired["an operator is added"]++
		s.config.Operators = all
	} else {
		s.fired["an operator is removed"]++
		gone := s.dice.IntN(len(all))
		s.config.Operators = append(append([]string{}, all[:gone]...), all[gone+1:]...)
	}
	s.oracle.reconfigured()
}

// garble ends the keeper, and has the next find lines in the ledger that make no sense, or are about an operator
// of somebody else.
func (s *sim) garble() {
	if s.book == nil {
		return
	}
	s.leave()
	u := s.anybody()
	s.fired["a line makes no sense"]++
	s.oracle.doubt(nil, u.uid)
	line := bridge.Subscription{Operator: s.anyOperator().name, Until: s.now.Add(time.Hour).UnixMilli()}
	switch s.dice.IntN(4) {
	case 0:
		line.Until = 1 << 62
	case 1:
		line.Until = 1
	case 2:
		line.Since, line.Until = line.Until, s.now.Add(-time.Hour).UnixMilli()
	}
	s.ledger[u.uid] = line
	s.ledger[bridge.UID(fmt.Sprintf("elsewhere-%d", s.dice.IntN(5)))] =
		bridge.Subscription{Operator: "somebody-else", Until: s.now.Add(time.Duration(s.dice.IntN(1000)) * time.Hour).UnixMilli()}
}
