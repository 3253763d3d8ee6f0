package emulator

import (
	"slices"
	"testing"
	"time"
)

func TestTimelineIsInOrder(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	var l timeline[int]
	_, any := l.next()
	check(t, !any, "something is due on an empty timeline")
	for i, after := range []int{3, 1, 4, 1, 5, 2, 6} {
		l.add(start.Add(time.Duration(after)*time.Second), after*10+i)
	}
	next, any := l.next()
	check(t, any && next.Equal(start.Add(time.Second)), "the next is due at %v", next)
	equal(t, slices.Collect(l.due(start)), nil)
	for first := range l.due(start.Add(time.Hour)) {
		equal(t, first, 11)
		break // the others stay
	}
	equal(t, slices.Collect(l.due(start.Add(3*time.Second))), []int{13, 25, 30})
	equal(t, slices.Collect(l.due(start.Add(time.Hour))), []int{42, 54, 66})
	equal(t, len(l), 0)
}
