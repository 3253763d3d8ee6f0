package bridge

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUIDsAreFoldedAndChecked(t *testing.T) {
	for in, want := range map[string]UID{
		"a": "a", "Alice.B_c-9": "alice.b_c-9", strings.Repeat("X", MaxUIDBytes): UID(strings.Repeat("x", MaxUIDBytes)),
	} {
		got, err := ParseUID(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got)
	}
	for in, why := range map[string]string{
		"":                                 "empty",
		".":                                "path",
		"..":                               "path",
		strings.Repeat("x", MaxUIDBytes+1): "65 bytes",
		"a b":                              "byte at 1",
		"a*":                               "byte at 1",
		"é":                                "byte at 0",
		"\u212a":                           "byte at 0", // the Kelvin sign, which folds to k
		"a\x00":                            "byte at 1",
		"\xff":                             "byte at 0",
	} {
		_, err := ParseUID(in)
		require.ErrorIs(t, err, ErrUID, "%q", in)
		require.ErrorContains(t, err, why)
	}
}

func TestUIDListsKeepTheirOrderAndTellAllThatIsWrong(t *testing.T) {
	uids, err := ParseUIDs([]string{"b", "A", "B", "a", "c"})
	require.NoError(t, err)
	require.Equal(t, []UID{"b", "a", "c"}, uids)

	uids, err = ParseUIDs([]string{"b", "*", "", "a"})
	require.Equal(t, []UID{"b", "a"}, uids)
	require.ErrorIs(t, err, ErrUID)
	require.ErrorContains(t, err, `"*"`)
	require.ErrorContains(t, err, "empty")

	_, err = ParseUIDs(strings.Split(strings.Repeat("*,", 1000), ","))
	require.Len(t, strings.Split(err.Error(), "\n"), 8)
}

func FuzzParseUID(f *testing.F) {
	for _, s := range []string{"", "a", "Alice", "a.b", "a b", "İ", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		uid, err := ParseUID(s)
		if err != nil {
			require.ErrorIs(t, err, ErrUID)
			return
		}
		require.True(t, strings.EqualFold(s, string(uid)))
		again, err := ParseUID(string(uid))
		require.NoError(t, err)
		require.Equal(t, uid, again)
		back, err := demoApp.UIDOf(demoApp.Subject(uid))
		require.NoError(t, err)
		require.Equal(t, uid, back)
	})
}
