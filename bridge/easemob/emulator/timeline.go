package emulator

import (
	"iter"
	"slices"
	"time"
)

// timeline holds what is to happen later, the earliest first; of two at the same time the older.
type timeline[T any] []moment[T]

type moment[T any] struct {
	due  time.Time
	what T
}

func (l *timeline[T]) add(due time.Time, what T) {
	i := len(*l) // nearly everything comes in the order in which it is due
	for i > 0 && (*l)[i-1].due.After(due) {
		i--
	}
	*l = slices.Insert(*l, i, moment[T]{due, what})
}

// due takes out what is due, the earliest first, as long as it is asked for more.
func (l *timeline[T]) due(now time.Time) iter.Seq[T] {
	return func(yield func(T) bool) {
		for len(*l) > 0 && !(*l)[0].due.After(now) {
			what := (*l)[0].what
			(*l)[0] = moment[T]{} // nothing here keeps it
			*l = (*l)[1:]
			if !yield(what) {
				return
			}
		}
	}
}

// next is when the earliest is due; false: nothing ever is.
func (l timeline[T]) next() (time.Time, bool) {
	if len(l) == 0 {
		return time.Time{}, false
	}
	return l[0].due, true
}
