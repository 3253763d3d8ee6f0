package bridge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var t0 = time.UnixMilli(1644466000000)

func after(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }

// holding is what is known after our own message of t0+at, seen again at t0+looked.
func holding(s State, at, looked int, changed ...string) known {
	c := &Change{UID: "a", State: s, ObservedAt: Millis(after(at)), Changed: changed}
	return known{}.wrote(Entry{Change: c, Seq: 7}, after(looked), time.Time{})
}

// hearing is what is known after another writer's message of t0+at, which reached us at t0+learned.
func hearing(s State, at, learned int, changed ...string) known {
	c := &Change{UID: "a", State: s, ObservedAt: Millis(after(at)), Changed: changed}
	return known{}.learn(Entry{Change: c, Seq: 7}, after(learned))
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name  string
		known known
		state State
		at    int
		want  verdict
	}{
		{"nobody is known", known{}, online, 5, publish},
		{"taken out of the log, and the look is older than our learning so", known{}.learn(Entry{}, after(9)), online, 5, overtaken},
		{"the same", holding(online, 1, 2), online, 5, nothingNew},
		{"another", holding(online, 1, 2), offline, 5, publish},
		{"the same, by a look older than our newest", holding(online, 1, 6), online, 5, overtaken},
		{"another, by a look older than our newest", holding(online, 1, 6), offline, 5, overtaken},
		{"the same look again", holding(online, 1, 5), online, 5, nothingNew},
		{"heard the same after the look began", hearing(online, 1, 6), online, 5, overtaken},
		{"heard another after the look began", hearing(online, 1, 6), offline, 5, overtaken},
		{"heard in the very moment", hearing(online, 1, 5), offline, 5, overtaken},
		{"heard before the look began, from a clock in the future", hearing(online, 999, 4), offline, 5, publish},
		{"nobody looked meanwhile, the same", hearing(online, 1, 2, ChangedUnwatched), online, 5, publish},
		{"nobody looked meanwhile, another", hearing(online, 1, 2, ChangedUnwatched), offline, 5, publish},
		{"we said that nobody looks after the look began", known{}.wrote(Entry{Change: &Change{Changed: []string{ChangedUnwatched}}}, after(1), after(6)), online, 5, overtaken},
	} {
		require.Equal(t, c.want, judge(c.known, Observation{UID: "a", State: c.state, At: after(c.at)}), c.name)
	}
}

func TestChangesTellAnHonestInterval(t *testing.T) {
	for _, c := range []struct {
		name                  string
		known                 known
		state                 State
		at                    int
		notBefore, observedAt int64 // seconds after t0
		changed               []string
	}{
		{"between our last look and this one", holding(online, 1, 4), busy, 5, 4, 5, []string{ChangedStatus, ChangedExt}},
		{"between another's message and this look", hearing(busy, 1, 3), offline, 5, 1, 5, []string{ChangedStatus, ChangedExt, ChangedLastTime}},
		{"our clock is behind the other's", hearing(online, 60, 3), offline, 5, 60, 60, []string{ChangedStatus, ChangedLastTime}},
		{"our clock was put back", holding(online, 1, 60), offline, 5, 5, 5, []string{ChangedStatus, ChangedLastTime}},
		{"first after nobody looked", hearing(online, 1, 3, ChangedUnwatched), online, 5, 1, 5, []string{ChangedFirst}},
	} {
		got := changeFrom(c.known, Observation{UID: "a", State: c.state, At: after(c.at), Source: SourceHint})
		prev := c.known.entry.State
		want := &Change{
			UID: "a", State: c.state, Source: SourceHint, Changed: c.changed, Prev: &prev,
			NotBefore: Millis(t0) + 1000*c.notBefore, ObservedAt: Millis(t0) + 1000*c.observedAt,
		}
		require.Equal(t, want, got, c.name)
	}
	first := changeFrom(known{}, Observation{UID: "a", State: online, At: t0, Source: SourcePoll})
	require.Equal(t, &Change{UID: "a", State: online, ObservedAt: Millis(t0), Changed: []string{ChangedFirst}, Source: SourcePoll}, first)
}

func TestObservedAtRemembersWhatTheLogHasLost(t *testing.T) {
	k := hearing(online, 60, 1).learn(Entry{Seq: 8}, after(2)) // somebody wrote what nobody can read
	got := changeFrom(k, Observation{UID: "a", State: offline, At: after(5)})
	require.Equal(t, Millis(after(60)), got.ObservedAt)
	require.Nil(t, got.Prev)
}

func TestUnwatchedRepeatsTheStateAsLastKnown(t *testing.T) {
	got := unwatchedFrom(holding(busy, 1, 4))
	require.True(t, got.Unwatched())
	require.Equal(t, busy, got.State)
	require.Equal(t, busy, *got.Prev)
	require.Equal(t, []int64{Millis(after(1)), Millis(after(4))}, []int64{got.NotBefore, got.ObservedAt})
	got = unwatchedFrom(hearing(busy, 60, 4))
	require.Equal(t, Millis(after(60)), got.ObservedAt)
}

func BenchmarkJudge(b *testing.B) {
	k, obs := holding(busy, 1, 2), Observation{UID: "a", State: busy, At: after(3)}
	b.ReportAllocs()
	for b.Loop() {
		if judge(k, obs) != nothingNew {
			b.Fatal("it is the same")
		}
	}
}
