package bridge

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// MaxUIDBytes is the longest user id the vendor takes.
const MaxUIDBytes = 64

// ErrUID is wrapped by every error of [ParseUID].
var ErrUID = errors.New("not a user id")

// UID names one user of the vendor's app, lower-cased: the vendor folds case, so "Aa" and "aa" are one
// person and must be one subject. Make one with [ParseUID].
type UID string

// ParseUID folds and checks what somebody gave as a user id: 1 to 64 bytes of a-z 0-9 _ - . and upper case,
// which is folded. The error wraps [ErrUID] and says what is wrong with it.
func ParseUID(s string) (UID, error) {
	switch {
	case s == "":
		return "", fmt.Errorf("%w: it is empty", ErrUID)
	case len(s) > MaxUIDBytes:
		return "", fmt.Errorf("%w: %.16q... has %d bytes, %d is the most", ErrUID, s, len(s), MaxUIDBytes)
	}
	if s == "." || s == ".." { // each user is a segment of the vendor's paths, where these two are directions
		return "", fmt.Errorf("%w: %q means something else in a path", ErrUID, s)
	}
	for i := range len(s) {
		if notInUID(s[i]) {
			return "", fmt.Errorf("%w: %q has a byte at %d that is none of a-z 0-9 . _ -", ErrUID, s, i)
		}
	}
	return UID(strings.ToLower(s)), nil
}

// ParseUIDs is ParseUID for a list: repeated ids are kept once, in the order first seen. It tells all that
// are wrong, at most eight by name.
func ParseUIDs(list []string) ([]UID, error) {
	uids := make([]UID, len(list))
	for i, s := range list {
		uids[i] = UID(s)
	}
	return FoldUIDs(uids)
}

// FoldUIDs is ParseUIDs of a list that need not be kept as it is: what it returns is in its place.
func FoldUIDs(given []UID) ([]UID, error) {
	uids, named := given[:0], sets.Get().(map[UID]bool)
	defer func() { clear(named); sets.Put(named) }()
	var wrong []error
	for _, s := range given {
		uid, err := ParseUID(string(s))
		switch {
		case err != nil && len(wrong) < 8:
			wrong = append(wrong, err)
		case err == nil && !named[uid]:
			named[uid] = true
			uids = append(uids, uid)
		}
	}
	return uids, errors.Join(wrong...)
}

// sets are for finding out who is named twice: making one costs more than using it.
var sets = sync.Pool{New: func() any { return map[UID]bool{} }}

func notInUID(b byte) bool {
	return !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b == '.')
}
