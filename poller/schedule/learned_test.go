package schedule

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWhatWasLearnedCanBeWrittenAndRead: another schedule that is given it knows the same.
func TestWhatWasLearnedCanBeWrittenAndRead(t *testing.T) {
	s, dice, now := inTurns(1000), rand.New(rand.NewPCG(1, 1)), start
	for range 1000 {
		now = now.Add(20 * time.Millisecond)
		_, picks := s.Next(now, nil)
		for _, p := range picks {
			s.Done(p.ID, Look{At: now, Online: dice.IntN(2) == 0, Changed: p.ID%10 == 0 && dice.IntN(3) == 0})
		}
	}
	hazards, err := ReadHazards(s.Hazards().Append(nil))
	require.NoError(t, err)
	other := New(Config{Operators: 1, Batch: 100, Rate: 50, MaxStaleness: time.Hour, Start: start, Hazards: hazards})
	kept := 0
	for id := range int32(1000) {
		r, err := ReadRecord(s.Record(id).Append(nil))
		require.NoError(t, err)
		require.Equal(t, s.Record(id), r)
		if !r.Empty() {
			kept++
		}
		u := s.users[id]
		since := start.Add(time.Duration(u.began * 1e9))
		if u.looked-u.began < 1 {
			continue // rounding may put it into another octave
		}
		x := other.Add(0, float64(u.weight), Known{Looked: start.Add(time.Duration(u.looked * 1e9)), Online: u.has(online), Since: since, Record: r}, now)
		require.InEpsilon(t, s.Place(id, now).Hazard, other.Place(x, now).Hazard, 1e-5)
	}
	require.Positive(t, kept)
	require.Less(t, kept, 1000, "most have done nothing worth telling")
}

func FuzzReadLearned(f *testing.F) {
	f.Add(newHazards(Hazards{}).Append(nil))
	f.Add(Record{events: [2]float32{1, 2}, expected: [2]float32{3, 4}}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := ReadHazards(b); err == nil {
			require.Equal(t, b[:HazardsSize], h.Append(nil))
			require.Positive(t, newHazards(h).of(1, ages-1))
		}
		if r, err := ReadRecord(b); err == nil {
			require.Equal(t, b[:RecordSize], r.Append(nil))
			require.Positive(t, r.frailty(0))
		}
	})
}
