package bridge

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzAppendChange holds it against encoding/json, which says what is right.
func FuzzAppendChange(f *testing.F) {
	f.Add("c2", "android", "1", "busy", true, int64(1644466063000), true)
	f.Add("ü", "a\"b\\c", "<&>", "line\nbreak\u2028\x00\x7f\xff", false, int64(-1), false)
	f.Fuzz(func(t *testing.T, uid, device, status, ext string, online bool, at int64, more bool) {
		c := &Change{UID: UID(uid), State: State{Online: online, Ext: ext, LastTime: at}, ObservedAt: at, NotBefore: -at, Source: Source(ext)}
		if more {
			prev := StateOf(map[string]string{device: status, "web": "0", uid: ext, "a": "", "b": ""}, uid, at)
			c.State.Status, c.Prev, c.Changed = map[string]string{device: status}, &prev, []string{status, ChangedExt}
		}
		want, err := json.Marshal(c)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendChange(nil, c)))
		want, err = json.Marshal(c.Presence())
		require.NoError(t, err)
		require.Equal(t, string(want), string(AppendPresence(nil, c.Presence())))
	})
}

func TestEncodingAChangeIsOneAllocationAtMost(t *testing.T) {
	prev := StateOf(map[string]string{"web": "1", "android": "0"}, "on a train", 1)
	c := &Change{UID: "alice", State: prev, Prev: &prev, ObservedAt: 2, NotBefore: 1, Changed: []string{ChangedExt}, Source: SourcePoll}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { appendChange(make([]byte, 0, 512), c) }), 1.0)
}
