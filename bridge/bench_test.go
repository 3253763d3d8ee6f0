package bridge

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkObserve hands in the answers of one call, 100 users.
func BenchmarkObserve(b *testing.B) {
	for _, changing := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("changing=%d", changing), func(b *testing.B) {
			j := journalAt(b, newBus(b))
			batch := make([]Observation, 100)
			round := int64(0)
			observe := func() {
				round++
				for i := range batch {
					lastTime := int64(0)
					if i < changing {
						lastTime = round
					}
					batch[i] = Observation{UID: UID(fmt.Sprint("user-", i)), State: StateOf(map[string]string{"web": "1"}, "", lastTime), At: time.Now(), Source: SourcePoll}
				}
				if out, err := j.Observe(b.Context(), batch); err != nil || len(out.Again) > 0 {
					b.Fatal(out.Again, err)
				}
			}
			observe()
			b.ReportAllocs()
			for b.Loop() {
				observe()
			}
		})
	}
}

// BenchmarkDecodeChange reads one message of the log.
func BenchmarkDecodeChange(b *testing.B) {
	data := appendChange(nil, &Change{UID: "user-1", State: busy, ObservedAt: 2, Changed: []string{ChangedExt}, Prev: &online, Source: SourcePoll})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeChange(data); err != nil {
			b.Fatal(err)
		}
	}
}
