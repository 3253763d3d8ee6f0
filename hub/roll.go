package hub

import "iter"

// roll numbers what it holds. A number is half of what a pointer is, and nothing that the garbage collector has to look at:
// a hub has millions of ties. Whose number was given back may have given it to another.
type roll[T any] struct {
	places []*T
	free   []uint32 // places that nobody has
}

// enter gives x a number.
func (r *roll[T]) enter(x *T) uint32 {
	last := len(r.free) - 1
	if last < 0 {
		r.places = append(r.places, x)
		return uint32(len(r.places) - 1)
	}
	n := r.free[last]
	r.places[n], r.free = x, r.free[:last]
	return n
}

// leave takes a number back.
func (r *roll[T]) leave(n uint32) {
	r.places[n], r.free = nil, append(r.free, n)
}

func (r *roll[T]) at(n uint32) *T { return r.places[n] }

func (r *roll[T]) len() int { return len(r.places) - len(r.free) }

// all is who has a number.
func (r *roll[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, x := range r.places {
			if x != nil && !yield(x) {
				return
			}
		}
	}
}
