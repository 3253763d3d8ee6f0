package hub

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// fromHub makes, of each golden frame that a hub sends, the value that the hub would encode.
var fromHub = map[string]func() any{
	"welcome":                   func() any { return &welcomeMessage{} },
	"subscribed":                func() any { return &subscribedMessage{} },
	"subscribed-resumed":        func() any { return &subscribedMessage{} },
	"subscribed-denied":         func() any { return &subscribedMessage{} }, // by a renewal, unasked
	"subscribed-useless-cursor": func() any { return &subscribedMessage{} },
	"changes":                   func() any { return &changesMessage{} },
	"feed":                      func() any { return &feedMessage{} },
	"ok":                        func() any { return &okMessage{} },
	"pong":                      func() any { return &okMessage{} },
	"error":                     func() any { return &errorMessage{} },
	"bye":                       func() any { return &byeMessage{} },
}

var toHub = map[string]message{
	"auth":        {Type: "auth", ID: "1"},
	"subscribe":   {Type: "subscribe", ID: "1", UIDs: []bridge.UID{"c1", "c2"}, Since: "1rq9x2k4-48213"},
	"unsubscribe": {Type: "unsubscribe", ID: "2", UIDs: []bridge.UID{"c1"}},
	"set":         {Type: "set", ID: "3", Resource: "web_1", Status: "1", Ext: "busy"},
	"ping":        {Type: "ping", ID: "4"},
}

func TestGoldenFrames(t *testing.T) {
	files, err := filepath.Glob("testdata/frames/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(fromHub)+len(toHub))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			golden, err := os.ReadFile(file)
			require.NoError(t, err)
			if make, ok := fromHub[name]; ok {
				encodesAs(t, golden, make())
				return
			}
			want, ok := toHub[name]
			require.True(t, ok, "whose frame is this?")
			got, err := decodeMessage(golden, nil)
			require.NoError(t, err)
			if name == "auth" {
				require.NotEmpty(t, got.Token)
				got.Token = ""
			}
			require.Equal(t, want, got)
			known := json.NewDecoder(bytes.NewReader(golden))
			known.DisallowUnknownFields()
			require.NoError(t, known.Decode(new(message)))
		})
	}
}

// encodesAs reads a frame into the hub's own type, has the hub encode it and compares: same keys, same values.
func encodesAs(t *testing.T, golden []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(golden))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(v))
	require.JSONEq(t, string(golden), string(encode(v)))
	var list struct{ Presences []json.RawMessage }
	require.NoError(t, json.Unmarshal(golden, &list))
	for _, one := range list.Presences {
		var p bridge.Presence
		require.NoError(t, json.Unmarshal(one, &p))
		require.JSONEq(t, string(one), string(bridge.AppendPresence(nil, p)))
	}
}
