package hub

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzUIDList: what is read in one go is what encoding/json reads, also of lists that are not plain.
func FuzzUIDList(f *testing.F) {
	for _, s := range []string{`["a","b"]`, `["a"]`, `[]`, `[""]`, `["",""]`, `["a" ,"b"]`, `[ "a"]`, `["a\"","b"]`, `["a]"]`, `["a,","b"]`,
		`["a","b",1]`, `["a",null]`, `null`, `"a"`, `{"a":"b"}`, `[["a"]]`, `["ü","环"]`, `["a","b"] `, `["\u0061"]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) || !utf8.Valid(data) {
			return
		}
		var want []string
		var got uidList
		wrong, err := json.Unmarshal(data, &want), json.Unmarshal(data, &got)
		require.Equal(t, wrong == nil, err == nil, "%v, %v", wrong, err)
		if wrong == nil {
			require.Equal(t, want, []string(got))
		}
	})
}

func TestPlainListsAreReadInOneGo(t *testing.T) {
	list, plain := plainList([]byte(`["a","b","c"]`))
	require.True(t, plain)
	require.Equal(t, []string{"a", "b", "c"}, list)
}

// FuzzSubscribedMessage: it is written as encoding/json writes it.
func FuzzSubscribedMessage(f *testing.F) {
	f.Add("7", "s-1", 0, 1, 2, true)
	f.Add("", "s-1.2", 2, 0, 0, false)
	f.Add(`<"\`+"\u2028", "", 3, 3, 1, true)
	f.Fuzz(func(t *testing.T, id, cursor string, states, pending, denied int, complete bool) {
		m := subscribedMessage{Type: "subscribed", ID: id, Cursor: "c-1", Complete: complete, Presences: presences{},
			Pending: uidsOf(names(0, pending&7)), Denied: uidsOf(names(8, 8+denied&7))}
		for range states & 7 {
			m.Presences = append(m.Presences, json.RawMessage(`{"uid":"a"}`))
		}
		if complete {
			m.Feed = &feedState{State: "down", Reason: cursor}
		}
		type bare subscribedMessage
		want, err := json.Marshal(bare(m))
		require.NoError(t, err)
		require.Equal(t, string(want), string(m.encode()))
	})
}
