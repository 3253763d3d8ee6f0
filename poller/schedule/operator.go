package schedule

import "math"

// operator is a registered user of the app and those for whom it asks.
type operator struct {
	heap           heap // whose turn is next
	oldest, newest int32
	users          int   // in the list from oldest to newest
	joined         int32 // of the list: who was put in by join last; -1: nobody, or gone
	size           int   // of a call, at most
	fronts         [fronts]line

	hold   float64 // no call before
	trial  bool    // one call at a time
	trying bool    // that one call is being made

	pace pace
}

func newOperator(every float64, size int) *operator {
	return &operator{size: size, oldest: -1, newest: -1, joined: -1, hold: math.Inf(-1), pace: newPace(every)}
}

func (o *operator) ready(now float64) bool { return !o.trying && o.hold <= now }

// waiting says whether anybody may be looked at.
func (o *operator) waiting() bool {
	for f := range o.fronts {
		if o.fronts[f].live > 0 {
			return true
		}
	}
	return len(o.heap) > 0
}

// append puts a user behind all who were looked at before.
func (o *operator) append(users []user, id int32) {
	u := &users[id]
	u.older, u.newer = o.newest, -1
	if o.newest >= 0 {
		users[o.newest].newer = id
	} else {
		o.oldest = id
	}
	o.newest = id
	o.users++
}

// insert puts a user where its last look belongs. It goes from the new end, past those who were looked at since: users
// of calls that overtook this one.
func (o *operator) insert(users []user, id int32) {
	o.put(users, id, o.newest)
}

// join is insert for one of many who come together in the order in which they were looked at: it goes from where the
// one before it was put. Otherwise each would go past all who were looked at since, and two crowds of a hundred
// thousand would take minutes to become one.
func (o *operator) join(users []user, id int32) {
	from := o.newest
	if o.joined >= 0 && users[from].looked > users[id].looked {
		from = o.joined
	}
	o.put(users, id, from)
	o.joined = id
}

// put puts a user where its last look belongs, which is near from.
func (o *operator) put(users []user, id, from int32) {
	after := from
	for after >= 0 && users[after].newer >= 0 && users[users[after].newer].looked <= users[id].looked {
		after = users[after].newer
	}
	for after >= 0 && users[after].looked > users[id].looked {
		after = users[after].older
	}
	if after == o.newest {
		o.append(users, id)
		return
	}
	u := &users[id]
	u.older = after
	if after >= 0 {
		u.newer = users[after].newer
		users[after].newer = id
	} else {
		u.newer, o.oldest = o.oldest, id
	}
	users[u.newer].older = id
	o.users++
}

func (o *operator) unlink(users []user, id int32) {
	u := &users[id]
	if o.joined == id {
		o.joined = u.older
	}
	if u.older >= 0 {
		users[u.older].newer = u.newer
	} else {
		o.oldest = u.newer
	}
	if u.newer >= 0 {
		users[u.newer].older = u.older
	} else {
		o.newest = u.older
	}
	u.older, u.newer = -1, -1
	o.users--
}

// crowd is the mean of the keys at the head of the heap: the smaller, the more a call of this operator is worth.
func (o *operator) crowd() float64 {
	n, sum := min(len(o.heap), 1+arity+arity*arity), 0.0
	if n == 0 {
		return math.Inf(1)
	}
	for _, node := range o.heap[:n] {
		sum += node.key
	}
	return sum / float64(n)
}

// line is a queue in front of the turn. Who leaves it otherwise than as the first leaves a stale entry behind.
type line struct {
	queue[entry]
	live int // entries that are not stale
}

type entry struct {
	id      int32
	version uint16
	since   float64
}
