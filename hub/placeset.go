package hub

import (
	"iter"
	"math/bits"
)

// placeSet is a set of places in a list, a bit each: it takes no more room however often something is put into it, and
// what is in it twice is in it once. It holds places up to the last that it was told of by reach.
type placeSet []uint64

const perWord = 64

// reach makes room for a place.
func (p *placeSet) reach(i int) {
	for len(*p) <= i/perWord {
		*p = append(*p, 0)
	}
}

func (p placeSet) has(i int) bool { return p[i/perWord]&(1<<(i%perWord)) != 0 }
func (p placeSet) add(i int)      { p[i/perWord] |= 1 << (i % perWord) }
func (p placeSet) remove(i int)   { p[i/perWord] &^= 1 << (i % perWord) }

// cut takes a place out of the list, to which the last of the list moves.
func (p placeSet) cut(i, last int) {
	had := p.has(last)
	p.remove(last)
	switch {
	case i == last:
	case had:
		p.add(i)
	default:
		p.remove(i)
	}
}

// all is what is in the set, in order.
func (p placeSet) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for n, word := range p {
			for ; word != 0; word &= word - 1 {
				if !yield(n*perWord + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}
