package bridge

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The file is the example that the documentation shows to backends, byte for byte.
func TestChangeIsTheDocumentedMessage(t *testing.T) {
	golden, err := os.ReadFile("testdata/change.json")
	require.NoError(t, err)
	prev := State{Status: map[string]string{"android": "0"}, LastTime: 1644460000000}
	want := &Change{
		UID: "c2", State: StateOf(map[string]string{"android": "1", "web_1": "0"}, "busy", 1644466063000),
		ObservedAt: 1644466070123, NotBefore: 1644466065100, Changed: []string{"status"}, Prev: &prev, Source: SourcePoll,
	}
	got, err := DecodeChange(golden)
	require.NoError(t, err)
	require.Equal(t, want, got)

	var wantFields, gotFields map[string]any // every field of the one is a field of the other
	require.NoError(t, json.Unmarshal(golden, &wantFields))
	require.NoError(t, json.Unmarshal(encoded(t, want), &gotFields))
	require.Equal(t, wantFields, gotFields)
}

func TestPresenceHasTheFieldsThatBrowsersGet(t *testing.T) {
	c := Change{UID: "a", State: StateOf(nil, "", 0), ObservedAt: 5, NotBefore: 3, Changed: []string{ChangedFirst}}
	require.JSONEq(t, `{"uid":"a","online":false,"status":{},"ext":"","last_time":0,"observed_at":5}`, string(encoded(t, c.Presence())))
}

func TestOnlineIsAnyDeviceNotOffline(t *testing.T) {
	require.False(t, StateOf(nil, "", 0).Online)
	require.False(t, StateOf(map[string]string{"a": "0", "b": "0"}, "", 0).Online)
	require.True(t, StateOf(map[string]string{"a": "0", "b": "100"}, "", 0).Online)
}

func TestWhatReadersRelyOnIsThere(t *testing.T) {
	for _, data := range []string{
		``, `null`, `[]`, `{}`, `"x"`, `{"uid":"a"}`, `{"uid":"","observed_at":1}`, `{"uid":"a b","observed_at":1}`,
		`{"uid":"a","observed_at":-1}`, `{"uid":"a","observed_at":1,"not_before":2}`, `{"uid":"a","observed_at":1,"not_before":-2}`,
		`{"uid":"a","observed_at":"1"}`, `{"uid":"a","observed_at":1,"status":["1"]}`, `{"uid":"a","observed_at":1} {}`,
	} {
		_, err := DecodeChange([]byte(data))
		require.Error(t, err, data)
	}
	c, err := DecodeChange([]byte(`{"uid":"A","observed_at":1,"of_the_future":{"x":1}}`))
	require.NoError(t, err)
	require.Equal(t, UID("a"), c.UID)
	require.NotNil(t, c.Status)
	require.False(t, c.Unwatched())
}

func FuzzDecodeChange(f *testing.F) {
	golden, err := os.ReadFile("testdata/change.json")
	require.NoError(f, err)
	f.Add(golden)
	f.Add([]byte(`{"uid":"a","observed_at":1,"changed":["unwatched"],"prev":null}`))
	f.Add([]byte(`{"uid":"a","observed_at":9223372036854775807,"status":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeChange(data)
		if err != nil {
			return
		}
		require.LessOrEqual(t, c.NotBefore, c.ObservedAt)
		again, err := DecodeChange(encoded(t, c))
		require.NoError(t, err)
		require.True(t, c.Equal(again.State), "what was read and written reads the same")
		require.Equal(t, c.UID, again.UID)
		require.Equal(t, c.Unwatched(), again.Unwatched())
	})
}
