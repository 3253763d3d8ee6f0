package main

import (
	"slices"
	"strings"
	"testing"
)

func TestExpandUIDs(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"Alice, bob,,", "alice bob"},
		{"user-0008..user-0011", "user-0008 user-0009 user-0010 user-0011"},
		{"a1..a1,b", "a1 b"},
		{"9..11", "9 10 11"},
	} {
		got, err := expandUIDs("PAGE_UIDS", list([]string{test.in}))
		if err != nil || !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%q: %q, %v", test.in, got, err)
		}
	}
	for _, bad := range []string{"a..b", "a1..b2", "a2..a1", "a1..", "..a1", "a b", "a1..a99999", "a1..a99999999999999999999"} {
		if got, err := expandUIDs("PAGE_UIDS", []string{bad}); err == nil || !strings.Contains(err.Error(), "PAGE_UIDS") {
			t.Errorf("%q: %d uids, %v", bad, len(got), err)
		}
	}
}
