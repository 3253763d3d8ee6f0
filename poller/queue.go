package poller

import (
	"container/heap"
	"time"
)

// queue holds users in the order in which they are due; among those due at the same time, who came first is
// first. A user knows its queue and its index there, so that it can leave from anywhere.
type queue []*user

func (q *queue) push(u *user) {
	u.in = q
	heap.Push(q, u)
}

func (q *queue) remove(u *user) {
	heap.Remove(q, u.index)
	u.in = nil
}

// head is who is due first, nil when nobody is here.
func (q queue) head() *user {
	if len(q) == 0 {
		return nil
	}
	return q[0]
}

// ready says whether the head is due by then.
func (q queue) ready(then time.Time) bool { return len(q) > 0 && !q[0].due.After(then) }

// Len, Less, Swap, Push and Pop implement [heap.Interface].

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].before(q[j]) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	u := x.(*user)
	u.index = len(*q)
	*q = append(*q, u)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	u := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return u
}
