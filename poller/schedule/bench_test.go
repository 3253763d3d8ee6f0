package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkLook is the cost of one look: to be picked, learned from and put back.
func BenchmarkLook(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, now := inTurns(n), start
			picks := make([]Pick, 0, 100)
			dice := rand.New(rand.NewPCG(1, 1))
			b.ReportAllocs()
			b.ResetTimer()

			for i := 0; i < b.N; i += len(picks) {
				now = now.Add(20 * time.Millisecond)
				_, picks = s.Next(now, picks[:0])
				for _, p := range picks {
					s.Done(p.ID, Look{At: now, Online: dice.IntN(2) == 0, Changed: dice.IntN(50) == 0})
				}
			}
			b.ReportMetric(float64(unsafe.Sizeof(user{})+unsafe.Sizeof(node{})), "B/user")
		})
	}
}

// inTurns are so many, all of whom have been looked at.
func inTurns(n int) *Schedule {
	s := New(Config{Operators: 1, Batch: 100, Rate: 50, MaxStaleness: time.Hour, Revisit: time.Second, Start: start})
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		looked := start.Add(-time.Duration(n-i) * 200 * time.Microsecond)
		s.Add(0, float64(1+dice.IntN(3)), Known{Looked: looked, Online: i%2 == 0, Since: looked.Add(-time.Duration(dice.IntN(100_000)) * time.Second)}, start)
	}
	return s
}
