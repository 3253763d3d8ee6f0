package bridge

import (
	"errors"
	"fmt"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// EncodeToken writes any bytes as one token that is legal in a NATS subject and in a KV key: A-Z a-z 0-9 _ -
// stand for themselves, every other byte is =XX in upper-case hex. [DecodeToken] reverses it.
func EncodeToken(s string) string {
	if allPlain(s) { // as nearly every name is
		return s
	}
	return string(appendToken(nil, s))
}

func appendToken(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if plain(c) {
			b = append(b, c)
			continue
		}
		b = append(b, '=', upperHex[c>>4], upperHex[c&15])
	}
	return b
}

// DecodeToken reverses [EncodeToken] and takes nothing else: two spellings of one name would be two subjects.
func DecodeToken(token string) (string, error) {
	if token == "" {
		return "", errors.New("an empty token names nothing")
	}
	if allPlain(token) {
		return token, nil
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		c := token[i]
		if plain(c) {
			b.WriteByte(c)
			continue
		}
		escaped, err := unescape(token[i:])
		if err != nil {
			return "", fmt.Errorf("token %q at %d: %w", token, i, err)
		}
		b.WriteByte(escaped)
		i += 2
	}
	return b.String(), nil
}

func unescape(s string) (byte, error) {
	if len(s) < 3 || s[0] != '=' {
		return 0, errors.New("want A-Z a-z 0-9 _ - or =XX")
	}
	hi, lo := strings.IndexByte(upperHex, s[1]), strings.IndexByte(upperHex, s[2])
	if hi < 0 || lo < 0 {
		return 0, errors.New("want two upper-case hex digits after =")
	}
	c := byte(hi<<4 | lo)
	if plain(c) {
		return 0, fmt.Errorf("%q stands for itself and is never escaped", c)
	}
	return c, nil
}

func plain(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func allPlain(s string) bool {
	for i := range len(s) {
		if !plain(s[i]) {
			return false
		}
	}
	return true
}
