package hub

// tie is one watch as one side holds it: who is at the other end, and where the tie is in the other's list. So either
// end is found from the other without a search, a session may have a thousand of them and a user five thousand, and none
// costs more than its two places. The hub's mutex guards all of it.
type tie[T any] struct {
	to *T
	at int
}

type (
	watch   = tie[user]    // in a session's watches
	watcher = tie[session] // in a user's watched
)

// stamp begins a round in which the users whom a session watches have the stamp, so that one look at a user tells: see
// stamped. The caller holds mu.
func (h *Hub) stamp(s *session) {
	h.round++
	for _, w := range s.watches {
		w.to.round = h.round
	}
}

// stamped says whether a user has the stamp, and puts it there. The caller holds mu.
func (h *Hub) stamped(u *user) bool {
	had := u.round == h.round
	u.round = h.round
	return had
}

// bind makes a session a watcher of a user whom it does not watch.
func bind(s *session, u *user) {
	i, j := len(s.watches), len(u.watched)
	s.pending.reach(i)
	s.watches = append(s.watches, watch{u, j})
	u.watched = append(u.watched, watcher{s, i})
}

// unbind ends the session's watch at i, and nothing has to be told of it any more. The last of each list moves to the place
// that is free.
func unbind(s *session, i int) {
	w := s.watches[i]
	u, j := w.to, w.at
	if last := cutTie(&u.watched, j); last != nil {
		last.to.watches[last.at].at = j
	}
	if last := cutTie(&s.watches, i); last != nil {
		last.to.watched[last.at].at = i
	}
	s.pending.cut(i, len(s.watches))
}

// cutTie takes a tie out of a list, and returns the one that has its place now, if any.
func cutTie[T any](list *[]tie[T], i int) *tie[T] {
	l := *list
	last := len(l) - 1
	l[i] = l[last]
	l[last] = tie[T]{}
	*list = l[:last]
	if i == last {
		return nil
	}
	return &l[i]
}
