package poller

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// learnedSomething is a lineup of ten, of whom two have changed at every look.
func learnedSomething(t testing.TB) *lineup {
	l, now := newTestLineup("a"), noon
	for _, uid := range uidsFrom(0, 10) {
		l.watch(uid, 1, known(noon), now)
	}
	for i := range 50 {
		now = now.Add(time.Minute)
		for _, p := range l.next(now).picks {
			l.done(p.uid, schedule.Look{At: now, Online: i%2 == 0, Changed: p.uid <= "u00001"})
		}
	}
	require.False(t, l.schedule.Record(l.members["u00000"].number).Empty())
	return l
}

func TestAMemoryIsReadAsItWasWritten(t *testing.T) {
	l := learnedSomething(t)
	want := map[bridge.UID]schedule.Record{}
	for uid, m := range l.members {
		want[uid] = l.schedule.Record(m.number)
	}
	l.unwatch("u00000") // who is not here is remembered too
	m, err := readMemory(l.learned())
	require.NoError(t, err)
	require.Equal(t, want, m.records)

	other := newLineup([]string{"a"}, Config{}.schedule(noon), m)
	other.watch("u00000", 1, known(noon), noon)
	require.Equal(t, want["u00000"], other.schedule.Record(other.members["u00000"].number))
	require.NotContains(t, other.memory.records, bridge.UID("u00000"), "an old record would be written after the new one")
	require.Equal(t, l.schedule.Hazards().Append(nil), other.schedule.Hazards().Append(nil))
}

func TestADamagedMemoryIsNoMemory(t *testing.T) {
	b := learnedSomething(t).learned()
	for i := range b {
		damaged := append([]byte(nil), b...)
		damaged[i] ^= 1
		_, err := readMemory(damaged)
		require.Error(t, err, "byte %d", i)
		_, err = readMemory(b[:i])
		require.Error(t, err, "%d bytes", i)
	}
	_, err := readMemory([]byte("presence-bridge learned 2\nsomething better"))
	require.ErrorIs(t, err, errForeign)
}

func TestAMemoryIsBounded(t *testing.T) {
	m := memory{records: map[bridge.UID]schedule.Record{}}
	l := learnedSomething(t)
	r := l.schedule.Record(l.members["u00000"].number)
	for i := range maxRecords + 10 {
		m.keep(bridge.UID(fmt.Sprint("u", i)), r)
	}
	require.Len(t, m.records, maxRecords)
	m.keep("nothing-learned", schedule.Record{})
	require.NotContains(t, m.records, bridge.UID("nothing-learned"))
}

func FuzzReadMemory(f *testing.F) {
	f.Add(learnedSomething(f).learned())
	f.Add([]byte(memoryHead))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := readMemory(b); err == nil {
			l := newLineup([]string{"a"}, Config{}.schedule(noon), m)
			for uid := range m.records {
				l.watch(uid, 1, known(noon), noon)
			}
			again, err := readMemory(l.learned())
			require.NoError(t, err)
			require.Equal(t, m.hazards, again.hazards)
		}
	})
}
