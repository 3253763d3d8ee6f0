package emulator

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Each fault, alone and for certain.
func TestCallbackFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults Faults
		fired  Fired
		told   []string // swapped: in the order of coming
		after  time.Duration
	}{
		{"lost", Faults{CallbackLostRate: 1}, Fired{CallbackLost: 2}, nil, 0},
		{"late", Faults{CallbackLateRate: 1, CallbackLateMS: 700}, Fired{CallbackLate: 2}, []string{"ios", "win"}, 700 * time.Millisecond},
		{"late by default", Faults{CallbackLateRate: 1}, Fired{CallbackLate: 2}, []string{"ios", "win"}, 10 * time.Second},
		{"repeated", Faults{CallbackRepeatRate: 1}, Fired{CallbackRepeat: 2}, []string{"ios", "ios", "win", "win"}, 0},
		{"swapped", Faults{CallbackSwapRate: 1}, Fired{CallbackSwap: 1}, []string{"win", "ios"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := new(receiver)
			o := calling(r)
			o.Faults = c.faults
			inBubble(t, o, func(t *testing.T, s *Server) {
				start := time.Now()
				s.SetUser("a", on("ios"), "")
				s.SetUser("b", on("win"), "")
				time.Sleep(time.Hour)
				posts := r.got()
				if c.faults.CallbackSwapRate == 0 { // those at once come in any order
					slices.SortFunc(posts, func(a, b post) int { return strings.Compare(a.User, b.User) })
				}
				equal(t, len(posts), len(c.told))
				calls := make(map[string]string) // callId -> body
				for i, p := range posts {
					check(t, strings.HasSuffix(p.User, "/"+c.told[i]), "%d is of %s", i, p.User)
					equal(t, p.at.Sub(start), c.after)
					check(t, calls[p.CallID] == "" || calls[p.CallID] == p.body, "%s came as another", p.CallID)
					calls[p.CallID] = p.body
				}
				check(t, len(posts) == 0 || len(calls) == 2, "%d different events came", len(calls))
				equal(t, s.FaultsFired(), c.fired)

				noError(t, s.SetFaults(Faults{}))
				s.SetUser("c", on("ios"), "")
				synctest.Wait()
				equal(t, len(r.got()), len(posts)+1)
				equal(t, s.FaultsFired(), c.fired)
			})
		})
	}
}

// Where nothing follows there is nothing to be swapped with: the event comes alone, a little late.
func TestLastOneIsNotSwapped(t *testing.T) {
	r := new(receiver)
	o := calling(r)
	o.Faults = Faults{CallbackSwapRate: 1}
	inBubble(t, o, func(t *testing.T, s *Server) {
		start := time.Now()
		s.SetUser("a", on("ios"), "")
		time.Sleep(time.Hour)
		equal(t, r.told(), []string{"ios login"})
		equal(t, r.got()[0].at.Sub(start), swapPatience)
		equal(t, s.FaultsFired(), Fired{})
	})
}
