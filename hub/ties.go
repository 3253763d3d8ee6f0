package hub

// tie is one watch as one side holds it: who is at the other end, by the number in the hub's roll, and where the tie is in
// the other's list. So either end is found from the other without a search, a session may have a thousand of them and a
// user five thousand, and none costs more than its two places, of 8 bytes. The hub's mutex guards all of it.
type tie struct{ to, at uint32 }

// stamp begins a round in which the users whom a session watches have the stamp, so that one look at a user tells: see
// stamped. The caller holds mu.
func (h *Hub) stamp(s *session) {
	h.round++
	for _, w := range s.watches {
		h.people.at(w.to).round = h.round
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
	s.watches = append(s.watches, tie{u.number, uint32(j)})
	u.watched = append(u.watched, tie{s.number, uint32(i)})
}

// fetch reads the end of each user's list of watchers, to which bind adds next. Where users are many no processor's cache
// holds it, and reads wait for the memory side by side, while bind would wait for it once a user: a subscribe in a crowd
// takes an eighth less. The caller holds mu.
func (h *Hub) fetch(users []*user) {
	for _, u := range users {
		if n := len(u.watched); n > 0 {
			h.fetched ^= u.watched[n-1].to
		}
	}
}

// unbind ends the session's watch at i, and nothing has to be told of it any more. The last of each list moves to the place
// that is free. The caller holds mu.
func (h *Hub) unbind(s *session, i int) {
	w := s.watches[i]
	if last := cutTie(&h.people.at(w.to).watched, w.at); last != nil {
		h.sessions.at(last.to).watches[last.at].at = w.at
	}
	if last := cutTie(&s.watches, uint32(i)); last != nil {
		h.people.at(last.to).watched[last.at].at = uint32(i)
	}
	s.pending.cut(i, len(s.watches))
}

// cutTie takes a tie out of a list, and returns the one that has its place now, if any.
func cutTie(list *[]tie, i uint32) *tie {
	l := *list
	last := len(l) - 1
	l[i] = l[last]
	*list = l[:last]
	if int(i) == last {
		return nil
	}
	return &l[i]
}
