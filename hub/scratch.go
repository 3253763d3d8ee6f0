package hub

import "github.com/presence-bridge/presence-bridge/bridge"

// scratch is the room that a subscribe takes while it is answered, and leaves to the next: a crowd that comes would make
// more garbage by it than by anything else. The hub's mutex guards it.
type scratch struct {
	users     []*user // whom the message names
	presences presences
	pending   []bridge.UID
	frames    [][]byte // of answers that were sent
}

// keep takes back what a subscribe has used, and lets go of what is in it.
func (r *scratch) keep(users []*user, m *subscribedMessage) {
	clear(users)
	clear(m.Presences)
	clear(m.Pending)
	r.users, r.presences, r.pending = users[:0], m.Presences[:0], m.Pending[:0]
}

const (
	spareFrames  = 16 // for those who answer at the same time
	spareAtLeast = 1 << 10
	spareAtMost  = 64 << 10
)

// frame is room for an answer of so many bytes.
func (r *scratch) frame(n int) []byte {
	last := len(r.frames) - 1
	if last < 0 {
		return make([]byte, 0, n)
	}
	b := r.frames[last]
	r.frames[last], r.frames = nil, r.frames[:last]
	if cap(b) < n {
		return make([]byte, 0, n)
	}
	return b[:0]
}

// sent takes back an answer that has gone where it was to go, if another may fit into it.
func (r *scratch) sent(frame []byte) {
	if n := cap(frame); len(r.frames) < spareFrames && n >= spareAtLeast && n <= spareAtMost {
		r.frames = append(r.frames, frame)
	}
}
