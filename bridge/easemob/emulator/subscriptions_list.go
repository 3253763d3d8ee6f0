package emulator

import (
	"cmp"
	"slices"
	"time"
)

// The list lags behind the truth as the vendor's does: its own test sleeps ten seconds between a subscribe and
// the list (TEST: PresenceIT).

// listing is a subscription as the list shows it.
type listing struct {
	uid    string
	expiry time.Time // zero, and so past: it is gone
	number int
}

// edit is what a list will hear of a subscription.
type edit struct {
	at   time.Time
	op   *operator
	what listing
	gone bool
}

func (s *subscription) listing() listing { return listing{s.uid, s.expiry, s.number} }

// list returns the subscriptions as the vendor shows them, the newest first as in its sample: one page, and how
// many there are on all pages. What has expired by now it knows at once.
func (s *subscriptions) list(op string, page, perPage int) (subs []listing, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	o := s.ops[op]
	if o == nil {
		return nil, 0
	}
	from := (page - 1) * perPage
	for _, sub := range slices.Backward(o.shown) {
		if !now.Before(sub.expiry) {
			continue
		}
		if from <= total && total < from+perPage {
			subs = append(subs, sub)
		}
		total++
	}
	return subs, total
}

// note keeps for the lists what has become true.
func (s *subscriptions) note(e edit) {
	e.op.unheard++
	s.later = append(s.later, e)
}

// tell lets the lists hear what happened until some time ago, and forgets operators of whom nothing is left.
func (s *subscriptions) tell(until time.Time) {
	heard := 0
	for heard < len(s.later) && !s.later[heard].at.After(until) {
		e := s.later[heard]
		e.op.hear(e)
		if o := e.op; len(o.subs) == 0 && o.unheard == 0 {
			delete(s.ops, o.uid)
		}
		heard++
	}
	if s.later = s.later[heard:]; len(s.later) == 0 {
		s.later = nil
	}
}

func (o *operator) hear(e edit) {
	o.unheard--
	i, found := slices.BinarySearchFunc(o.shown, e.what.number, func(l listing, n int) int { return cmp.Compare(l.number, n) })
	switch {
	case e.gone && found:
		o.forget(i)
	case found:
		o.shown[i] = e.what
	case !e.gone:
		o.shown = slices.Insert(o.shown, i, e.what)
	}
}

// forget takes one from the list: it stays where it is, as one that is gone, until half of the list is gone.
func (o *operator) forget(i int) {
	o.shown[i] = listing{number: o.shown[i].number}
	if o.gone++; 2*o.gone > len(o.shown) {
		o.shown = slices.DeleteFunc(o.shown, func(l listing) bool { return l.expiry.IsZero() })
		o.gone = 0
	}
}
