package keeper

import (
	"container/heap"
	"time"
)

// agenda is a heap of entries, the one whose time comes first in front. An entry is in one at most.
type agenda []*entry

func (a *agenda) put(e *entry, at time.Time) {
	e.at = at
	heap.Push(a, e)
}

func (a *agenda) drop(e *entry) { heap.Remove(a, e.index) }

// first is when the first entry's time comes.
func (a agenda) first() (at time.Time, ok bool) {
	if len(a) == 0 {
		return at, false
	}
	return a[0].at, true
}

// Len and the other four are what container/heap asks for.
func (a agenda) Len() int { return len(a) }

func (a agenda) Less(i, j int) bool {
	if c := a[i].at.Compare(a[j].at); c != 0 {
		return c < 0
	}
	return a[i].uid < a[j].uid
}

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

func (a *agenda) Push(x any) {
	e := x.(*entry)
	e.index = len(*a)
	*a = append(*a, e)
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return e
}
