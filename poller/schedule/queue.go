package schedule

// queue is first come, first served.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) push(x T) {
	if q.head > 1024 && q.head > len(q.items)/2 { // what has been taken is more than what is there
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, x)
}

// first is who comes next, if anybody does.
func (q *queue[T]) first() (x T, ok bool) {
	if q.head == len(q.items) {
		return x, false
	}
	return q.items[q.head], true
}

func (q *queue[T]) pop() { q.head++ }
