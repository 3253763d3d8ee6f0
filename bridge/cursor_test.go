package bridge

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCursorsComeBack(t *testing.T) {
	for _, c := range []Cursor{{}, {1, 1, 0}, {math.MaxInt64, math.MaxUint64, math.MinInt64}, {-1, 1 << 40, 1 << 50}} {
		back, err := ParseCursor(c.String())
		require.NoError(t, err)
		require.Equal(t, c, back)
	}
}

func TestDamagedAndForeignCursorsAreRefused(t *testing.T) {
	good := Cursor{Stream: 1790000000123456789, Seq: 4711, Stored: 1790000900123456789}.String()
	for i := range good {
		for _, c := range []byte("A_z") {
			bad := good[:i] + string(c) + good[i+1:]
			if bad == good {
				continue
			}
			_, err := ParseCursor(bad)
			require.Error(t, err, "byte %d as %c", i, c)
		}
		_, err := ParseCursor(good[:i])
		require.Error(t, err, "the first %d bytes", i)
		_, err = ParseCursor(good[:i] + "\n" + good[i:])
		require.Error(t, err, "a line break at %d", i)
	}
	for _, foreign := range []string{"", "12", "AAAAAAAAAAAAAAAAAAAA", "not base64!", good + good} {
		_, err := ParseCursor(foreign)
		require.Error(t, err, foreign)
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(Cursor{Stream: 1, Seq: 300}.String())
	f.Add(Cursor{Stream: 1, Seq: 300, Stored: 1 << 40}.String())
	f.Add("AQAAAAAAAAABgAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseCursor(s); err == nil {
			require.Equal(t, s, c.String(), "one place has one cursor")
		}
	})
}

// TestALogHoldsItsOwnCursors: one whose message has made room for newer ones of its user is as good as any.
func TestALogHoldsItsOwnCursors(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	foreign(t, b, "alice", encoded(t, change("alice", "")))
	m, err := b.stream.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	c := Cursor{Stream: 1, Seq: 1, Stored: m.Time.UnixNano()}
	other := c
	other.Stored++
	holds := func(c Cursor) bool {
		is, err := b.Holds(t.Context(), c)
		require.NoError(t, err)
		return is
	}
	require.True(t, holds(c))
	require.False(t, holds(other), "another message is where it points to")
	require.NoError(t, b.stream.DeleteMsg(t.Context(), 1))
	require.True(t, holds(c))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.Holds(gone, c)
	require.ErrorIs(t, err, context.Canceled, "nobody can tell")
}
