package bridge

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/nats-io/nats.go/jetstream"
)

const cursorVersion = 1

// Cursor is a place in the log. Stream is the stream's time of creation in Unix nanoseconds: a stream made
// anew counts from 1 again, so the number alone would point into another log. Stored is when the stream took the message
// at Seq, in Unix nanoseconds, 0 where nobody needs it: a log that has lost its tail counts again from where it ends,
// so the number alone would point to another message. See [Bus.Holds].
type Cursor struct {
	Stream int64
	Seq    uint64
	Stored int64
}

// String is the cursor as clients carry it: opaque, URL-safe, with a checksum so that a damaged one is seen.
func (c Cursor) String() string {
	var space [96]byte // more than it takes
	return string(c.Append(space[:0]))
}

// Append writes what [Cursor.String] says.
func (c Cursor) Append(to []byte) []byte {
	n := len(to)
	b := append(to, cursorVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Stream))
	b = binary.AppendUvarint(b, c.Seq)
	if c.Stored != 0 {
		b = binary.AppendVarint(b, c.Stored-c.Stream)
	}
	b = binary.BigEndian.AppendUint16(b, checksum(b[n:]))
	m := len(b) // as text it is longer than as bytes, so it is made behind them and then takes their place
	b = base64.RawURLEncoding.AppendEncode(b, b[n:])
	return append(b[:n], b[m:]...)
}

// ParseCursor reads what [Cursor.String] wrote.
func ParseCursor(s string) (Cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 12 || b[0] != cursorVersion {
		return Cursor{}, errors.New("this is no cursor of ours")
	}
	body, sum := b[:len(b)-2], binary.BigEndian.Uint16(b[len(b)-2:])
	c := Cursor{Stream: int64(binary.BigEndian.Uint64(body[1:9]))}
	var n, m int
	c.Seq, n = binary.Uvarint(body[9:])
	if n > 0 && n < len(body)-9 {
		c.Stored, m = binary.Varint(body[9+n:])
		c.Stored += c.Stream
	}
	if sum != checksum(body) || n <= 0 || n+m != len(body)-9 {
		return Cursor{}, errors.New("this cursor is damaged")
	}
	if c.String() != s { // base64 and varints have other spellings of the same
		return Cursor{}, errors.New("this cursor is damaged")
	}
	return c, nil
}

// Holds says whether a cursor of this stream is of this log: whether its message is there, or may have been until newer
// ones of its user took its place.
func (b *Bus) Holds(ctx context.Context, c Cursor) (bool, error) {
	msg, err := b.stream.GetMsg(ctx, c.Seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for a cursor's message: %w", err)
	}
	return msg.Time.UnixNano() == c.Stored, nil
}

func checksum(b []byte) uint16 { return uint16(crc32.ChecksumIEEE(b)) }
