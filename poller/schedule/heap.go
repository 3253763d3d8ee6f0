package schedule

// heap holds users in the order of their keys. Four children a node take half the levels of two; with their keys
// beside them they are one cache line, and a cache miss is what a level costs where there are a million users.
type heap []node

type node struct {
	key float64
	id  int32
}

const arity = 4

func (h *heap) push(users []user, id int32) {
	*h = append(*h, node{users[id].key, id})
	h.up(users, len(*h)-1)
}

func (h *heap) remove(users []user, id int32) {
	i, last := int(users[id].spot), len(*h)-1
	moved := (*h)[last]
	*h = (*h)[:last]
	users[id].spot = -1
	if i == last {
		return
	}
	(*h)[i] = moved
	if h.up(users, i) == i {
		h.down(users, i)
	}
}

// up moves the node at i to where it belongs, if that is nearer to the root, and tells where that is.
func (h heap) up(users []user, i int) int {
	n := h[i]
	for i > 0 {
		parent := (i - 1) / arity
		if h[parent].key <= n.key {
			break
		}
		h.seat(users, i, h[parent])
		i = parent
	}
	h.seat(users, i, n)
	return i
}

func (h heap) down(users []user, i int) {
	n := h[i]
	for {
		first := i*arity + 1
		if first >= len(h) {
			break
		}
		least := first
		for c := first + 1; c < min(first+arity, len(h)); c++ {
			if h[c].key < h[least].key {
				least = c
			}
		}
		if h[least].key >= n.key {
			break
		}
		h.seat(users, i, h[least])
		i = least
	}
	h.seat(users, i, n)
}

func (h heap) seat(users []user, i int, n node) {
	h[i] = n
	users[n.id].spot = int32(i)
}
