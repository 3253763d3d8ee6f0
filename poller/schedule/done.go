package schedule

import "time"

// Outcome is what became of a look.
type Outcome uint8

const (
	Seen      Outcome = iota // the state is known
	Missing                  // the answer left the user out: nobody knows more than before
	Overtaken                // somebody else knows better, or it could not be written: look again soon
	Failed                   // the call failed: as if it had not been made
)

// Look is what became of a user in a call.
type Look struct {
	At      time.Time // when the call started
	Outcome Outcome
	Online  bool
	Changed bool      // the state is another than at the last look
	Since   time.Time // when it last changed, as the vendor tells; zero: it does not
}

// Done puts back a user whom Next took.
func (s *Schedule) Done(id int32, l Look) {
	u := &s.users[id]
	if u.where != inCall {
		return
	}
	if l.Outcome == Failed {
		s.again(u, id, s.seconds(l.At))
		return
	}
	at := s.seconds(l.At)
	stagger := 1.0
	if l.Outcome == Seen {
		stagger = s.learn(u, at, l)
	}
	u.looked = max(u.looked, at)
	u.key = s.virtual + stagger*s.stride(id, at)
	s.operators[u.op].insert(s.users, id)
	s.rest(u, id)
	s.follow(u, id, at, l.Outcome)
}

// again has somebody looked at in the next call, as if the one that failed had not been made.
func (s *Schedule) again(u *user, id int32, at float64) {
	f := again
	if u.after == own {
		f = own
	}
	u.where, u.after = lined, none
	s.line(s.operators[u.op], f, id, at)
}

// follow follows up what came of a call, or came while it was made: at once where it may, else when the user may be
// looked at again.
func (s *Schedule) follow(u *user, id int32, at float64, o Outcome) {
	switch f := u.after; {
	case f == own, f == hinted && !u.has(quiet):
		u.after = none
		s.line(s.operators[u.op], f, id, at)
	case o == Overtaken:
		u.after = fresh
	}
}

// learn takes in what a look has shown, and tells how much of a stride it is to the next: those who are new have
// theirs at random, so that they do not come in crowds.
func (s *Schedule) learn(u *user, at float64, l Look) (stagger float64) {
	if !u.has(known) {
		u.looked = at
		s.meet(u, l.Online, l.Since)
		return s.dice.Float64()
	}
	from := max(u.looked-u.began, 0)
	to, changed := from+at-u.looked, l.Changed
	when := at - (at-u.looked)/2
	if since := s.seconds(l.Since); !l.Since.IsZero() && since > u.looked && since <= at {
		changed, when = true, since // with the old state, it was another for a moment
	}
	if changed {
		to = when - u.began
	}
	was := u.online()
	expected := s.hazards.lasted(was, from, to, u.record.frailty(was))
	if changed {
		s.hazards.changed(was, to)
		u.record.add(was, 1, expected)
		u.began = when
		u.set(online, l.Online)
	} else {
		u.record.add(was, 0, expected)
	}
	s.hazards.forget(at)
	return 1
}
