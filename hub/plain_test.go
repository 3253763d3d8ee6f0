package hub

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// FuzzPlain: what is read in one go is what encoding/json reads, and nothing that it would refuse.
func FuzzPlain(f *testing.F) {
	for _, list := range []string{`["a","b"]`, `["a"]`, `[]`, `[""]`, `["",""]`, `["a" ,"b"]`, `[ "a"]`, `["a\"","b"]`, `["a]"]`, `["a,","b"]`,
		`["a","b",1]`, `["a",null]`, `null`, `"a"`, `{"a":"b"}`, `[["a"]]`, `["ü","环"]`, `["a","b"] `, `["\u0061"]`, `["a","b",]`, `["a" "b"]`} {
		f.Add([]byte(`{"type":"subscribe","uids":` + list + `}`))
	}
	for _, s := range []string{`{"id":"1","id":"2"}`, `{"ID":"1"}`, `{"uids":["a"],"uids":["b","c"]}`, `{"type":"ping"}x`, `{"type":"ping",}`, `{}`, `{"`,
		` { "type" : "ping" } `, "{\"type\":\"p\ning\"}", "{\"type\":\"\xff\"}", `{"more":"1"}`, `{"type":"set","resource":"r","status":"1","ext":"e","token":"t","since":"s"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want message
		got, plain := readPlain(data, []bridge.UID{"of another", "message"})
		if !plain {
			require.Zero(t, got)
			return
		}
		require.NoError(t, json.Unmarshal(data, &want), "%s", data)
		require.Equal(t, want, got)
	})
}

// TestPlainMessagesAreReadInOneGo, as JavaScript writes them and as Python does, with what reads them making one thing.
func TestPlainMessagesAreReadInOneGo(t *testing.T) {
	want := message{Type: "subscribe", ID: "1", UIDs: []bridge.UID{"a", "b", "c"}, Since: "s"}
	for _, s := range []string{`{"type":"subscribe","id":"1","uids":["a","b","c"],"since":"s"}`,
		`{"type": "subscribe", "id": "1", "uids": ["a", "b", "c"], "since": "s"}`} {
		m, plain := readPlain([]byte(s), nil)
		require.True(t, plain)
		require.Equal(t, want, m)
	}
	data := encode(fields{"type": "subscribe", "uids": names(0, 100)})
	room := make([]bridge.UID, 0, 100)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = decodeMessage(data, room) }), 1.0)
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
