package hub

import (
	"context"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// recent is how many places of the log are remembered: those of clients that come back soon.
const recent = 4096

// archive is the log, for cursors that are older. It is the [bridge.Bus].
type archive interface {
	Holds(ctx context.Context, c bridge.Cursor) (bool, error)
}

// places are the newest places of the log, so that hardly any cursor has to be looked up in it.
type places struct{ ring []bridge.Cursor }

func (p *places) note(c bridge.Cursor) {
	if p.ring == nil {
		p.ring = make([]bridge.Cursor, recent)
	}
	p.ring[c.Seq%recent] = c
}

// at is the remembered place with a sequence.
func (p *places) at(seq uint64) (c bridge.Cursor, ok bool) {
	if p.ring == nil {
		return c, false
	}
	c = p.ring[seq%recent]
	return c, c.Seq == seq
}

// remembers says whether a cursor is one of the newest places of this log.
func (h *Hub) remembers(c bridge.Cursor) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	is, ok := h.places.at(c.Seq)
	return ok && is == c
}

// holds says whether a cursor that is not ahead of us is of this log: one that has lost its tail, in a crash of NATS or
// by a copy that was put back, has other messages now where the cursor points to. When nobody can tell, it is not.
func (h *Hub) holds(ctx context.Context, c bridge.Cursor) bool {
	if c.Seq == 0 {
		return true
	}
	h.mu.Lock()
	is, ok := h.places.at(c.Seq)
	h.mu.Unlock()
	if ok {
		return is == c
	}
	holds, err := h.archive.Holds(ctx, c)
	return err == nil && holds
}
