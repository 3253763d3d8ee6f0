package schedule

// front says in which of the lines in front of the turn somebody is, or is to be when they may be looked at again.
type front uint8

const (
	none   front = iota
	own          // who has set a status of their own wants to see it
	again        // who was in a call that failed
	fresh        // of whom nothing is known, or whose last look came to nothing
	hinted       // of whom the vendor's callback told
	fronts
)

// where is where a user is.
type where uint8

const (
	away    where = iota // not in the schedule
	lined                // in a line in front, and nowhere else
	inTurn               // in the heap of its operator
	cooling              // looked at just now
	inCall
)

// user is what the schedule knows of one. There are a million of them: no pointers, and no more than a cache line.
type user struct {
	key     float64 // virtual time of its turn
	looked  float64 // last look that counts; -Inf: none
	began   float64 // of the state that it is in
	record  Record
	weight  float32
	spot    int32 // in the heap, -1: not in it
	older   int32 // who was looked at before it, and after it, of the same operator
	newer   int32
	where   where
	front   front // in this line
	after   front // in this line after cooling, or after the call
	flags   flags
	op      uint16
	version uint16 // of its entry in a line: older ones are stale
}

type flags uint8

const (
	online flags = 1 << iota
	known        // some look has shown its state
	quiet        // the last look was for a hint
)

func (u *user) has(f flags) bool { return u.flags&f != 0 }

func (u *user) set(f flags, on bool) {
	if on {
		u.flags |= f
	} else {
		u.flags &^= f
	}
}

func (u *user) online() int { return int(u.flags & online) }

// hazard is how likely the user is to change, a second.
func (u *user) hazard(h *hazards, now float64) float64 {
	if !u.has(known) {
		return h.of(0, ages-1)
	}
	return min(maxHazard, u.record.frailty(u.online())*h.of(u.online(), octave(now-u.began)))
}
