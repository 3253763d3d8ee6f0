package hub

import (
	"context"
	"time"
)

// pulse is what is known of a peer's being there. The hub's mutex guards it.
type pulse struct {
	asked bool   // a ping was sent and nothing was heard since
	ping  bool   // one waits to be sent
	owed  []byte // pongs that wait to be sent, as they go over the wire
}

// maxOwed bounds the pongs that wait, in bytes. Where they are more only the newest ping is answered, which says it all
// (RFC 6455, 5.5.3).
const maxOwed = 2 << 10

func (p *pulse) waits() bool { return p.ping || len(p.owed) > 0 }

// owe notes a ping to be answered.
func (p *pulse) owe(payload []byte) {
	if len(p.owed)+len(payload) > maxOwed {
		p.owed = p.owed[:0]
	}
	p.owed = appendFrame(p.owed, finalPong, payload)
}

// take adds what waits to what is sent.
func (p *pulse) take(b []byte) []byte {
	b = append(b, p.owed...)
	p.owed = nil
	if p.ping {
		p.ping = false
		b = appendHeader(b, finalPing, 0)
	}
	return b
}

// heart has every client's turn to be asked whether it is there: one place for each second of a heartbeat, so that
// pings are level. The hub's mutex guards it.
type heart struct {
	turns [heartbeat / time.Second]map[*session]bool
	at    int
}

// add gives a session the turn that is farthest away.
func (t *heart) add(s *session) {
	s.beat = (t.at + len(t.turns) - 1) % len(t.turns)
	if t.turns[s.beat] == nil {
		t.turns[s.beat] = map[*session]bool{}
	}
	t.turns[s.beat][s] = true
}

func (t *heart) remove(s *session) { delete(t.turns[s.beat], s) }

// next is whose turn it is.
func (t *heart) next() map[*session]bool {
	t.at = (t.at + 1) % len(t.turns)
	return t.turns[t.at]
}

// askAround asks, a second at a time, who is there.
func (h *Hub) askAround(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.askNext()
		}
	}
}

// askNext lets go of those who have not answered since they were asked last, and asks the others. Whose socket is full
// has a deadline already, and cannot have been asked.
func (h *Hub) askNext() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.heart.next() {
		switch {
		case s.line == nil || s.writing:
		case s.pulse.asked:
			s.cut()
		default:
			s.pulse.asked, s.pulse.ping = true, true
			h.nudge(s)
		}
	}
}

// pinged has a ping answered by the hub, which writes past the library: it is told not to.
func (k *socket) pinged(_ context.Context, payload []byte) bool {
	if k.controlled() {
		k.hub.mu.Lock()
		defer k.hub.mu.Unlock()
		k.session.pulse.owe(payload)
		k.hub.nudge(k.session)
	}
	return false
}

// ponged notes that a peer is there.
func (k *socket) ponged(context.Context, []byte) {
	if k.controlled() {
		k.hub.mu.Lock()
		defer k.hub.mu.Unlock()
		k.session.pulse.asked = false
	}
}
