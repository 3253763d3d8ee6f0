package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// maxListedUIDs is more than a page can show, and less than a mistyped range can ask for.
const maxListedUIDs = 10_000

// list takes what was separated by commas, with or without blanks, as a list.
func list(values []string) (items []string) {
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
	}
	return items
}

// expandUIDs writes out ranges like user-0001..user-0200.
func expandUIDs(variable string, items []string) (uids []string, err error) {
	for _, item := range items {
		more, err := expandUID(item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
		if uids = append(uids, more...); len(uids) > maxListedUIDs {
			return nil, fmt.Errorf("%s names more than %d users", variable, maxListedUIDs)
		}
	}
	return uids, nil
}

// watchedUIDs is a list that expandUIDs has found nothing wrong with.
func watchedUIDs(items []string) []bridge.UID {
	names, _ := expandUIDs("WATCH_UIDS", items)
	uids, _ := bridge.ParseUIDs(names)
	return uids
}

func expandUID(item string) ([]string, error) {
	first, last, ranged := strings.Cut(item, "..")
	if !ranged {
		uid, err := bridge.ParseUID(item)
		return []string{string(uid)}, err // which names the item
	}
	prefix, from, width := numbered(first)
	lastPrefix, to, lastWidth := numbered(last)
	switch {
	case width == 0 || lastWidth == 0 || prefix != lastPrefix:
		return nil, fmt.Errorf("%q is no user and no range like user-0001..user-0200", item)
	case to < from:
		return nil, fmt.Errorf("%s runs backwards", item)
	case to-from >= maxListedUIDs:
		return nil, fmt.Errorf("%s is more than %d users", item, maxListedUIDs)
	}
	var uids []string
	for n := from; n <= to; n++ {
		uid, err := bridge.ParseUID(fmt.Sprintf("%s%0*d", prefix, width, n))
		if err != nil {
			return nil, err
		}
		uids = append(uids, string(uid))
	}
	return uids, nil
}

// mostDigits is of numbers that can be counted up from without running over.
const mostDigits = 18

// numbered takes the number off a name's end; width is 0 where there is none, or one of more than mostDigits.
func numbered(name string) (prefix string, n, width int) {
	prefix = strings.TrimRight(name, "0123456789")
	n, err := strconv.Atoi(name[len(prefix):])
	if err != nil || len(name)-len(prefix) > mostDigits {
		return name, 0, 0
	}
	return prefix, n, len(name) - len(prefix)
}

// checkListen tells whether an address can be listened on, as far as its spelling shows.
func checkListen(variable, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%s is %q: want host:port, or :port for every interface", variable, address)
	}
	return nil
}
