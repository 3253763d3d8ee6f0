package easemob

import "time"

// Answer is what a get or a subscribe brought.
type Answer struct {
	Presences map[string]Presence // lower-cased uid -> presence
	Missing   []string            // asked for, but not usable in the answer: unknown, not offline
	Asked     time.Time           // when the call left; what it shows was so then, or came to be before the answer
}

// match sorts the entries of an answer to the users asked for, by uid and never by position: whether the
// vendor keeps the order is documented nowhere.
func match(asked []string, entries []entry) Answer {
	var m matching
	m.byUID = make(map[string]*found, len(asked))
	for _, uid := range asked {
		m.byUID[uid] = &found{}
	}
	for _, e := range entries {
		m.add(e)
	}
	m.giveNameless(asked)
	return m.answer(asked)
}

func matchAt(at time.Time, asked []string, entries []entry) Answer {
	a := match(asked, entries)
	a.Asked = at
	return a
}

// matching is an answer being sorted.
type matching struct {
	byUID    map[string]*found
	nameless []entry // whose uid is empty, or cannot be read
}

// found is what an answer says of one user.
type found struct {
	Presence
	seen, spoilt bool
}

func (m *matching) add(e entry) {
	if !e.read || e.uid == "" {
		m.nameless = append(m.nameless, e)
		return
	}
	f := m.byUID[e.uid]
	if f == nil { // never asked for
		return
	}
	if e.err != nil || f.seen && !f.equal(e.Presence) { // two truths are none
		f.spoilt = true
	}
	f.seen, f.Presence = true, e.Presence
}

// giveNameless gives an entry with uid "" (SEED has one) to the one user who lacks an entry. With more than
// one of either, whose it is would be a guess.
func (m *matching) giveNameless(asked []string) {
	if len(m.nameless) != 1 || !m.nameless[0].read || m.nameless[0].err != nil {
		return
	}
	var lacking []string
	for _, uid := range asked {
		if f := m.byUID[uid]; !f.seen || f.spoilt {
			lacking = append(lacking, uid)
		}
	}
	if len(lacking) != 1 || m.byUID[lacking[0]].seen {
		return
	}
	p := m.nameless[0].Presence
	p.UID = lacking[0]
	m.byUID[p.UID] = &found{Presence: p, seen: true}
}

func (m *matching) answer(asked []string) Answer {
	a := Answer{Presences: make(map[string]Presence, len(asked))}
	for _, uid := range asked {
		if f := m.byUID[uid]; f.seen && !f.spoilt {
			a.Presences[uid] = f.Presence
		} else {
			a.Missing = append(a.Missing, uid)
		}
	}
	return a
}
