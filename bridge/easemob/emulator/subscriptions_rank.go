package emulator

import ordered "container/heap"

// A ranking is one of the ways in which subscriptions are put in order of the time they have left.
type ranking int

const (
	ofAll ranking = iota
	ofOperator
	ofUser
	endRanking
)

// ranked is a heap of subscriptions, the one with the least time left first, then the oldest.
type ranked struct {
	by   ranking
	subs []*subscription
}

func (r *ranked) first() *subscription {
	if len(r.subs) == 0 {
		return nil
	}
	return r.subs[0]
}

func (r *ranked) add(sub *subscription)    { ordered.Push(r, sub) }
func (r *ranked) remove(sub *subscription) { ordered.Remove(r, sub.at[r.by]) }

// moved puts one whose time has changed where it belongs.
func (r *ranked) moved(sub *subscription) { ordered.Fix(r, sub.at[r.by]) }

// What container/heap asks for; nobody else calls these.

func (r *ranked) Len() int { return len(r.subs) }

func (r *ranked) Less(i, j int) bool { return r.subs[i].before(r.subs[j]) }

func (r *ranked) Swap(i, j int) {
	r.subs[i], r.subs[j] = r.subs[j], r.subs[i]
	r.subs[i].at[r.by], r.subs[j].at[r.by] = i, j
}

func (r *ranked) Push(x any) {
	sub := x.(*subscription)
	sub.at[r.by] = len(r.subs)
	r.subs = append(r.subs, sub)
}

func (r *ranked) Pop() any {
	end := len(r.subs) - 1
	sub := r.subs[end]
	r.subs[end] = nil
	r.subs = r.subs[:end]
	return sub
}

// before says which of two goes first: the one with less time left, then the older.
func (s *subscription) before(t *subscription) bool {
	if c := s.expiry.Compare(t.expiry); c != 0 {
		return c < 0
	}
	return s.number < t.number
}
