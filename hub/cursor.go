package hub

import (
	"errors"
	"strings"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// cursor is a place from which a client may resume. It has been told what the log held up to at, but for those
// whose state nobody vouched for: of them, nothing after from. Both count. A hub that starts after at would
// leave those out, and one that has not come to at yet would take all others back in time.
type cursor struct {
	at   bridge.Cursor
	from uint64 // at most at.Seq
}

// String is the cursor as clients carry it: one place, or two where they differ.
func (c cursor) String() string {
	var space [128]byte // more than it takes
	return string(c.Append(space[:0]))
}

// Append writes what String says.
func (c cursor) Append(b []byte) []byte {
	b = c.at.Append(b)
	if c.from != c.at.Seq {
		b = bridge.Cursor{Stream: c.at.Stream, Seq: c.from}.Append(append(b, '.'))
	}
	return b
}

func parseCursor(s string) (cursor, error) {
	first, second, two := strings.Cut(s, ".")
	at, err := bridge.ParseCursor(first)
	if err != nil || !two {
		return cursor{at: at, from: at.Seq}, err
	}
	from, err := bridge.ParseCursor(second)
	if err != nil || from.Stream != at.Stream || from.Seq >= at.Seq {
		return cursor{}, errors.New("this is no cursor of ours")
	}
	return cursor{at: at, from: from.Seq}, nil
}

// cursor is where the session is. The caller holds mu.
func (h *Hub) cursor(s *session) cursor {
	c := cursor{at: h.position, from: h.position.Seq}
	for u := range s.unknown {
		if u.last > 0 { // else it was of another log, and this one has yet to be read
			c.from = min(c.from, u.last-1)
		}
	}
	return c
}
