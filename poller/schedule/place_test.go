package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPlaceTellsTheLane(t *testing.T) {
	s := small(1)
	newcomer, hint, turn, late := s.Add(0, 1, Known{}, start), s.Add(0, 1, lookedAt(time.Second), start), s.Add(0, 1, lookedAt(time.Second), start), s.Add(0, 1, lookedAt(time.Hour), start)
	s.Hint(hint, false, start)
	require.Equal(t, LaneFront, s.Place(newcomer, start).Lane)
	require.Equal(t, LaneHint, s.Place(hint, start).Lane)
	require.Equal(t, LaneTurn, s.Place(turn, start).Lane)
	require.Equal(t, LaneGuarantee, s.Place(late, start).Lane)
	s.Next(start, nil)
	require.True(t, s.Place(turn, start).InCall)
	s.Done(turn, Look{At: start})
	require.Equal(t, start.Add(600*time.Millisecond), s.Place(turn, start).Due, "not before Revisit and the slack")
}

// TestDueIsWhenTheLookComes: of those in turn, the estimate is right within a third for nine of ten.
func TestDueIsWhenTheLookComes(t *testing.T) {
	s := New(Config{Operators: 1, Batch: 100, Rate: 40, MaxStaleness: time.Hour, Revisit: 500 * time.Millisecond, Start: start})
	for i := range 20_000 {
		s.Add(0, float64(1+i%50), Known{Looked: start, Since: start.Add(-time.Hour)}, start)
	}
	now, due, off, n := start, map[int32]time.Time{}, 0, 0
	for second := range 60 {
		for range 40 {
			now = now.Add(25 * time.Millisecond)
			_, picks := s.Next(now, nil)
			for _, p := range picks {
				if at, ok := due[p.ID]; ok {
					n++
					if wait, want := now.Sub(start.Add(30*time.Second)), at.Sub(start.Add(30*time.Second)); wait > want*4/3+time.Second/2 || wait < want*2/3-time.Second/2 {
						off++
					}
					delete(due, p.ID)
				}
				s.Done(p.ID, Look{At: now})
			}
		}
		if second == 29 {
			for id := range s.users {
				due[int32(id)] = s.Place(int32(id), now).Due
			}
		}
	}
	require.Greater(t, n, 15_000)
	require.LessOrEqual(t, off, n/10)
	require.InDelta(t, 5*time.Second, s.Turn(), float64(100*time.Millisecond))
}
