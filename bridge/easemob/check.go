package easemob

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// What the vendor takes in one call.
const (
	MaxUIDs     = 100                 // users
	MaxExt      = 1024                // bytes of ext (64 before July 2024)
	MaxTTL      = 30 * 24 * time.Hour // of a subscription
	MaxPage     = 100                 // subscriptions on a page; older pages say 500
	MaxUIDBytes = 64                  // of a user id
)

const (
	maxResource = 256 // bytes; the vendor names no limit, its own are below 64
	maxDigits   = 10  // of a status; the vendor names no limit
)

// argumentError says what is wrong with an argument, see [ErrInvalid].
type argumentError string

func invalid(format string, args ...any) error { return argumentError(fmt.Sprintf(format, args...)) }

func (e argumentError) Error() string { return "easemob: " + ErrInvalid.Error() + ": " + string(e) }

func (e argumentError) Unwrap() error { return ErrInvalid }

// fold is how the vendor tells users apart: "Aa" and "aa" are one (ED24). Whether it folds what stands in
// these calls is documented nowhere, so we do.
func fold(uid string) string { return strings.ToLower(uid) }

func checkUID(what, uid string) error {
	switch {
	case uid == "":
		return invalid("%s is empty", what)
	case len(uid) > MaxUIDBytes:
		return invalid("%s %.16q... has %d bytes, %d is the most", what, uid, len(uid), MaxUIDBytes)
	case !utf8.ValidString(uid):
		return invalid("%s %q is not valid UTF-8", what, uid)
	case uid == "." || uid == "..": // legal as a user id, but a path with it leads elsewhere
		return invalid("%s %q cannot stand in a path", what, uid)
	}
	return nil
}

// checkUIDs folds the list and drops repetitions, keeping the order.
func checkUIDs(list []string) ([]string, error) {
	if len(list) == 0 {
		return nil, invalid("no user ids")
	}
	uids := make([]string, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, uid := range list {
		if err := checkUID("user id", uid); err != nil {
			return nil, err
		}
		if uid = fold(uid); !seen[uid] {
			seen[uid] = true
			uids = append(uids, uid)
		}
	}
	if len(uids) > MaxUIDs {
		return nil, invalid("%d user ids, %d a call is the most", len(uids), MaxUIDs)
	}
	return uids, nil
}

func checkSet(uid, resource, status, ext string) error {
	if err := checkUID("user id", uid); err != nil {
		return err
	}
	switch {
	case len(resource) > maxResource:
		return invalid("resource has %d bytes, %d is the most", len(resource), maxResource)
	case !safeSegment(resource):
		return invalid("resource %q: it takes letters, digits, - _ and .", resource)
	case !digits(status) || len(status) > maxDigits:
		return invalid(`status %.20q: it takes 1 to %d decimal digits; "0" is offline, "1" online, others are your own`, status, maxDigits)
	case len(ext) > MaxExt:
		return invalid("ext has %d bytes, %d is the most", len(ext), MaxExt)
	case !utf8.ValidString(ext):
		return invalid("ext is not valid UTF-8")
	}
	return nil
}

func checkTTL(ttl time.Duration) error {
	if ttl < time.Second || ttl > MaxTTL {
		return invalid("a subscription of %v: it takes 1s to %v", ttl, MaxTTL)
	}
	return nil
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// safeSegment says whether s can be a path segment as it is.
func safeSegment(s string) bool {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	return s != "" && s != "." && s != ".." && strings.Trim(s, safe) == ""
}
