package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func TestExpandUIDs(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"Alice, bob,,", "alice bob"},
		{"user-0008..user-0011", "user-0008 user-0009 user-0010 user-0011"},
		{"a1..a1,b", "a1 b"},
		{"9..11", "9 10 11"},
		{"a999999999999999998..a999999999999999999", "a999999999999999998 a999999999999999999"},
	} {
		got, err := expandUIDs("PAGE_UIDS", list([]string{test.in}))
		if err != nil || !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%q: %q, %v", test.in, got, err)
		}
	}
	for bad, want := range map[string]string{
		"user-0009..user-0001": "PAGE_UIDS: user-0009..user-0001 runs backwards",
		"a1..a99999":           "PAGE_UIDS: a1..a99999 is more than 10000 users",
		"a1..b2":               `PAGE_UIDS: "a1..b2" is no user and no range like user-0001..user-0200`,
	} {
		if _, err := expandUIDs("PAGE_UIDS", []string{bad}); err == nil || err.Error() != want {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"a..b", "a1..b2", "a2..a1", "a1..", "..a1", "a b", "a1..a99999",
		"a1..a99999999999999999999", "a1000000000000000000..a1000000000000000001", "a9223372036854775800..a9223372036854775807"} {
		if got, err := expandUIDs("PAGE_UIDS", []string{bad}); err == nil || !strings.Contains(err.Error(), "PAGE_UIDS") {
			t.Fatalf("%q: %d uids, %v", bad, len(got), err) // the last would not end
		}
	}
}

func FuzzExpandUIDs(f *testing.F) {
	for _, seed := range []string{"alice", "user-0001..user-0200", "u1..u3,x", "a..b", "9..1", "..", "u00000000000000000000001..u2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		uids, err := expandUIDs("PAGE_UIDS", list([]string{s}))
		if err != nil {
			return
		}
		if len(uids) > maxListedUIDs {
			t.Fatalf("%q is %d users", s, len(uids))
		}
		for _, uid := range uids {
			if _, err := bridge.ParseUID(uid); err != nil {
				t.Fatalf("%q: %v", s, err)
			}
		}
	})
}
