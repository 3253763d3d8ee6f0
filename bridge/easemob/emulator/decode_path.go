package emulator

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const maxResourceBytes = 256 // of a device; that there is a limit is INF

// legalNames are the users that a body names, unless one of them is illegal.
func (r rules) legalNames(names []string) ([]string, *refusal) {
	for _, name := range names {
		if _, no := r.legalName(name); no != nil {
			return nil, no
		}
	}
	return r.distinct(names), nil
}

// distinct are users in the order named. The first of those that are repeated is kept: whether the vendor does so
// is not documented.
func (r rules) distinct(names []string) []string {
	uids := make([]string, 0, len(names))
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if uid := r.fold(name); !seen[uid] || r.keepDuplicates {
			seen[uid] = true
			uids = append(uids, uid)
		}
	}
	return uids
}

func (r rules) legalName(name string) (string, *refusal) {
	if name == "" || len(name) > maxUIDBytes || !utf8.ValidString(name) { // no answer could name who is no UTF-8
		no := badName(name)
		return "", &no
	}
	return r.fold(name), nil
}

// fold is a name as it is known here: "Aa" and "aa" are one user, and answers have lower case alone (ED24, ED+),
// though URLs and bodies are said to be case-sensitive (ED+ overview).
func (r rules) fold(uid string) string {
	if r.keepCase {
		return uid
	}
	return strings.ToLower(uid)
}

func (r rules) folded(uids []string) []string {
	known := make([]string, len(uids))
	for i, uid := range uids {
		known[i] = r.fold(uid)
	}
	return known
}

// expiry reads for how long users are subscribed, in seconds. Up to 30 days are documented; what becomes of more
// is not, and nothing tells what 0 means (the SDKs let it through): here it is refused in either world.
func (r rules) expiry(s string) (time.Duration, *refusal) {
	seconds, err := strconv.ParseUint(s, 10, 31)
	long := errors.Is(err, strconv.ErrRange) || time.Duration(seconds)*time.Second > maxExpiry
	switch {
	case long && r.clampExpiry:
		return maxExpiry, nil
	case long, err != nil, seconds == 0:
		return 0, &badExpiry
	}
	return time.Duration(seconds) * time.Second, nil
}

// page reads pageNum and pageSize: from 1, 1 when absent (ED+). The vendor's own test sends page 0 without an
// error (TS5).
func (r rules) page(num, size string) (page, perPage int, no *refusal) {
	page, ok := atoi(num)
	perPage, ok2 := atoi(size)
	tooLarge := perPage > r.maxPage && !r.clampPages
	if !ok || !ok2 || (size != "" && perPage == 0) || tooLarge {
		return 0, 0, &badPage
	}
	return max(page, 1), min(max(perPage, 1), r.maxPage), nil
}

func atoi(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}

// isStatus says whether s is a number string: 0 offline, 1 online, more is the app's own (ED24).
func isStatus(s string) bool {
	n, err := strconv.ParseUint(s, 10, 31)
	return err == nil && strconv.FormatUint(n, 10) == s
}
