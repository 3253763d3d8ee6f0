package bridge

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

const cursorVersion = 1

// Cursor is a place in the log. Stream is the stream's time of creation in Unix nanoseconds: a stream made
// anew counts from 1 again, so the number alone would point into another log.
type Cursor struct {
	Stream int64
	Seq    uint64
}

// String is the cursor as clients carry it: opaque, URL-safe, with a checksum so that a damaged one is seen.
func (c Cursor) String() string {
	b := []byte{cursorVersion}
	b = binary.BigEndian.AppendUint64(b, uint64(c.Stream))
	b = binary.AppendUvarint(b, c.Seq)
	b = binary.BigEndian.AppendUint16(b, checksum(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads what [Cursor.String] wrote.
func ParseCursor(s string) (Cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 12 || b[0] != cursorVersion {
		return Cursor{}, errors.New("this is no cursor of ours")
	}
	body, sum := b[:len(b)-2], binary.BigEndian.Uint16(b[len(b)-2:])
	seq, n := binary.Uvarint(body[9:])
	if sum != checksum(body) || n != len(body)-9 {
		return Cursor{}, errors.New("this cursor is damaged")
	}
	c := Cursor{Stream: int64(binary.BigEndian.Uint64(body[1:9])), Seq: seq}
	if c.String() != s { // base64 and varints have other spellings of the same
		return Cursor{}, errors.New("this cursor is damaged")
	}
	return c, nil
}

func checksum(b []byte) uint16 { return uint16(crc32.ChecksumIEEE(b)) }
