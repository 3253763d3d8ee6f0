package bridge

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzReadPlain: what is read without encoding/json is what encoding/json reads.
func FuzzReadPlain(f *testing.F) {
	golden, err := os.ReadFile("testdata/change.json")
	require.NoError(f, err)
	f.Add(golden)
	prev := StateOf(map[string]string{"web_1": "0", "android": "1"}, "on a train", 1644460000000)
	c := &Change{UID: "c2", State: prev, ObservedAt: 1644466070123, Changed: []string{ChangedStatus, ChangedExt}, Source: SourcePoll}
	f.Add(appendChange(nil, c))
	c.Prev, c.State, c.Changed = &prev, OnlineOnly(false), []string{}
	f.Add(appendChange(nil, c))
	for _, data := range []string{
		`{"uid":"a","online":true,"status":{"a":"1","a":"2"},"ext":"","last_time":0,"observed_at":1,"not_before":0,"changed":[],"source":""}`,
		`{"uid":"a","online":true,"status":{"a":"1",},"ext":"","last_time":01,"observed_at":1,"not_before":0,"changed":["x",],"source":""}`,
		`{"uid":"a","online":true,"status":{},"ext":"","last_time":9223372036854775808,"observed_at":1,"not_before":-1,"changed":null,"source":""} `,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := readPlain(data)
		if !ok {
			return
		}
		var want Change
		require.NoError(t, json.Unmarshal(data, &want))
		require.Equal(t, want, got)
	})
}

// TestWhatWeWriteIsReadPlain: what the journal writes needs no encoding/json, unless a text needs it.
func TestWhatWeWriteIsReadPlain(t *testing.T) {
	prev := StateOf(map[string]string{"web_1": "0", "android": "1"}, "on a train", 1644460000000)
	for _, c := range []Change{
		{UID: "c2", State: prev, ObservedAt: 1644466070123, NotBefore: 1, Changed: []string{ChangedStatus, ChangedExt}, Prev: &prev, Source: SourcePoll},
		{UID: "c2", State: OnlineOnly(true), ObservedAt: 1, Changed: []string{ChangedFirst}, Source: SourceHint},
		{UID: "c2", State: OnlineOnly(false), ObservedAt: 1, Changed: []string{}},
	} {
		got, ok := readPlain(appendChange(nil, &c))
		require.True(t, ok)
		require.Equal(t, c, got)
	}
	_, ok := readPlain(appendChange(nil, &Change{UID: "c2", State: StateOf(nil, "in Köln", 0), Changed: []string{}}))
	require.False(t, ok)
}

// TestStatusesAreShared: as many as there is room for are made once, and only what is short is kept.
func TestStatusesAreShared(t *testing.T) {
	table := statusTable{known: map[string]map[string]string{}}
	for i := range 2 * maxStatuses {
		table.add(fmt.Sprintf(`"web":"%d"}`, i))
	}
	require.Len(t, table.known, maxStatuses)
	one, n := table.find(`"web":"7"},"ext":"}"`)
	require.Equal(t, map[string]string{"web": "7"}, one)
	require.Equal(t, len(`"web":"7"}`), n)
	again, _ := table.find(`"web":"7"}`)
	again["web"] = "8" // nobody may, but here
	require.Equal(t, "8", one["web"])
	for _, unknown := range []string{`"web":"7`, `"web":"7}"}`, `"web":"9999"}`, ``} {
		status, _ := table.find(unknown)
		require.Nil(t, status, unknown)
	}
	delete(table.known, `"web":"0"}`)
	table.add(`"web":"` + strings.Repeat("x", maxStatus) + `"}`)
	require.Len(t, table.known, maxStatuses-1)
}

// TestReadingAChangeAllocatesLittle: the change, its text, and the list of what changed.
func TestReadingAChangeAllocatesLittle(t *testing.T) {
	data := appendChange(nil, &Change{UID: "c2", State: busy, ObservedAt: 2, Changed: []string{ChangedExt}, Source: SourcePoll})
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = DecodeChange(data) }), 3.0)
}
