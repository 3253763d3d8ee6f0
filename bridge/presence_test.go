package bridge

import (
	"encoding/json"
	"fmt"
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

// TestOnlineWithoutDevices: what the vendor says by a word is kept as it was said, and told apart from what it says
// by devices.
func TestOnlineWithoutDevices(t *testing.T) {
	for _, online := range []bool{true, false} {
		s := OnlineOnly(online)
		require.Equal(t, online, s.Online)
		written := Change{UID: "a", State: s, ObservedAt: 5, Changed: []string{ChangedFirst}, Source: SourcePoll}
		read, err := DecodeChange(encoded(t, written))
		require.NoError(t, err)
		require.Equal(t, &written, read)
		require.JSONEq(t, fmt.Sprintf(`{"uid":"a","online":%t,"status":{},"ext":"","last_time":0,"observed_at":5}`, online), string(encoded(t, read.Presence())))
	}
	byDevice := StateOf(map[string]string{"android": "1"}, "busy", 1000)
	require.Equal(t, []string{ChangedStatus}, OnlineOnly(true).differences(OnlineOnly(false)))
	require.Empty(t, OnlineOnly(true).differences(OnlineOnly(true)))
	require.False(t, byDevice.Equal(OnlineOnly(true)), "another vendor's call that knows less is a change")
	require.Equal(t, []string{ChangedStatus, ChangedExt, ChangedLastTime}, byDevice.differences(OnlineOnly(true)))
	require.True(t, StateOf(nil, "", 0).Equal(OnlineOnly(false)), "who was never there is the same in both")
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
