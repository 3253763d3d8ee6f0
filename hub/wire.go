package hub

import (
	"encoding/binary"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// The WebSocket frames that a hub builds itself (RFC 6455, 5.2), whole and not masked. The answers to a handshake,
// to broken frames and to a peer's goodbye are coder/websocket's.
const (
	finalText  = 0x81
	finalClose = 0x88
	finalPing  = 0x89
	finalPong  = 0x8a
	maxHeader  = 10 // bytes before a payload
)

// appendHeader begins a frame whose payload has n bytes.
func appendHeader(b []byte, kind byte, n int) []byte {
	switch {
	case n < 126:
		return append(b, kind, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, kind, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, kind, 127), uint64(n))
}

func appendFrame(b []byte, kind byte, payload []byte) []byte {
	return append(appendHeader(b, kind, len(payload)), payload...)
}

// What a changes message is, around the cursor and the presences.
const (
	changesHead = `{"type":"changes","cursor":"`
	changesMid  = `","presences":[`
	changesTail = `]}`
)

// presence is what browsers are shown of a user, in JSON. The caller holds mu.
func (h *Hub) presence(u *user) []byte {
	if u.held != nil {
		return u.held.presence()
	}
	return h.newest(u)
}

// newest is what the log says of a user, in JSON, encoded once for all who watch. The caller holds mu.
func (h *Hub) newest(u *user) []byte {
	frame := h.frame(u)
	return frame[u.from : len(frame)-len(changesTail)]
}

// frame is a changes message of this user alone as it goes over the wire, built once for all who watch. Its cursor is
// the hub's place when it was built, after the state came: whoever is told of it now has been told of all before it.
// It is for those whose every user is known, so that none of them is held back. The caller holds mu.
func (h *Hub) frame(u *user) []byte {
	if u.frame == nil {
		var space [512]byte
		presence := bridge.AppendPresence(space[:0], u.change.Presence())
		cursor := h.position.Append(nil)
		n := len(changesHead) + len(cursor) + len(changesMid) + len(presence) + len(changesTail)
		b := appendHeader(make([]byte, 0, maxHeader+n), finalText, n)
		b = append(append(append(b, changesHead...), cursor...), changesMid...)
		u.from = uint32(len(b))
		u.frame = append(append(b, presence...), changesTail...)
	}
	return u.frame
}

// appendChanges writes a changes message, the news of a session. The caller holds mu.
func (h *Hub) appendChanges(b []byte, s *session, news []*user) []byte {
	b = append(h.cursor(s).Append(append(b, changesHead...)), changesMid...)
	for i, u := range news {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, h.presence(u)...)
	}
	return append(b, changesTail...)
}

// take is everything that waits to be told, as it goes over the wire; nothing is nil. It is in buf, or where a single
// user has changed it is the frame that all who watch share. The caller holds mu.
func (h *Hub) take(s *session, buf *[]byte) []byte {
	s.touched = false
	news := h.news(s)
	if len(news) == 1 && len(s.replies) == 0 && !s.feed && !s.pulse.waits() && len(s.unknown) == 0 && s.opening == nil {
		h.metrics.frames.Inc()
		return h.frame(news[0])
	}
	b := append((*buf)[:0], s.opening...)
	s.opening = nil
	b = s.pulse.take(b)
	for _, frame := range h.answers(s) {
		h.metrics.frames.Inc()
		b = appendFrame(b, finalText, frame)
		h.scratch.sent(frame)
	}
	if len(news) > 0 {
		h.metrics.frames.Inc()
		b = h.appendNews(b, s, news)
	}
	*buf = b
	if len(b) == 0 {
		return nil
	}
	return b
}

// appendNews writes a changes message with its header, which tells its length: room for it is left, and what is too
// much closed up. The caller holds mu.
func (h *Hub) appendNews(b []byte, s *session, news []*user) []byte {
	var room [maxHeader]byte
	at := len(b)
	b = h.appendChanges(append(b, room[:]...), s, news)
	payload := b[at+maxHeader:]
	header := appendHeader(room[:0], finalText, len(payload))
	copy(b[at:], header)
	n := copy(b[at+len(header):], payload)
	return b[:at+len(header)+n]
}

func closeFrame(why *closing) []byte {
	payload := binary.BigEndian.AppendUint16(nil, uint16(why.code))
	return appendFrame(nil, finalClose, append(payload, why.reason...))
}
