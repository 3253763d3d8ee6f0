package hub

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// A hub that stops lets its clients go one after the other, as fast as the other hubs like to take them. Until its
// turn a client is served as ever, so nobody is blind for longer than it takes to connect. Those whose turn would
// come after the time that the hub has to stop are let go at its end, and are told to wait for their turn elsewhere:
// what is fixed is how many come to the other hubs in a second, not how long that takes.
const (
	leavePerS    = 1100                   // clients that may come back in a second
	comeBackFrom = 10 * time.Millisecond  // after goodbye, for the connection to be closed
	scatter      = 100 * time.Millisecond // beyond that, by chance: who is let go together does not come back together
	dismissEvery = 20 * time.Millisecond
	longestStep  = 100 * time.Millisecond // of the time by which turns come
	byeTakes     = 100 * time.Microsecond // to tell one client and hear its answer, generously, where many are told at once

	drainByDefault = 10 * time.Second
)

// MaxDrain is the most that a hub may take to let its clients go.
const MaxDrain = 10 * time.Minute

// turn is when the i-th client has its turn to leave, counted from when a hub begins to stop.
func turn(i int) time.Duration { return time.Duration(i) * time.Second / leavePerS }

// comeBackAfter is how long the i-th client, let go at now, waits for its turn and beyond it. dice is 0 to 1.
func comeBackAfter(i int, now time.Duration, dice float64) time.Duration {
	return max(turn(i)-now, 0) + comeBackFrom + time.Duration(dice*float64(scatter))
}

// advance is the time by which turns come, so long after now. A hub that was held up does not make up for all of it: its
// clients would come to the others in a heap.
func advance(now, elapsed time.Duration) time.Duration { return now + min(elapsed, longestStep) }

// TurnAway makes the hub unready and lets nobody in any more, at once: neither browsers nor backends. Who is there
// is served on, until Serve lets them go.
func (h *Hub) TurnAway() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.draining {
		h.draining = true
		close(h.leaving)
	}
}

// sayGoodbye lets everybody go who is there, in turn, and returns when the last was told or nobody is left. rest is how
// many were told at the end, before their turn.
func (h *Hub) sayGoodbye() (rest int) {
	h.TurnAway()
	all := h.everybody()
	if len(all) == 0 {
		return 0
	}
	h.log.Info("clients are let go", "clients", len(all), "within", min(turn(len(all)), h.patience),
		"back_elsewhere_within", turn(len(all))+comeBackFrom+scatter)
	over := time.After(h.patience)
	tick := time.NewTicker(dismissEvery)
	defer tick.Stop()
	last, now := time.Now(), time.Duration(0)
	for gone := h.dismiss(all, 0, now); gone < len(all); gone = h.dismiss(all, gone, now) {
		select {
		case <-tick.C:
			now, last = advance(now, time.Since(last)), time.Now()
		case <-over:
			h.dismissRest(all, gone, now)
			return len(all) - gone
		case <-h.empty:
			return 0
		}
	}
	return 0
}

// dismiss lets those go whose turn has come, and says how many have had theirs.
func (h *Hub) dismiss(all []*session, gone int, now time.Duration) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; gone < len(all) && turn(gone) <= now; gone++ {
		h.sayBye(all[gone], comeBackAfter(gone, now, rand.Float64()))
	}
	return gone
}

// dismissRest lets everybody else go, to come back elsewhere in turn.
func (h *Hub) dismissRest(all []*session, gone int, now time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; gone < len(all); gone++ {
		h.sayBye(all[gone], comeBackAfter(gone, now, rand.Float64()))
	}
}

// sayBye ends a session; what it has not been told yet comes before. The caller holds mu.
func (h *Hub) sayBye(s *session, after time.Duration) {
	h.tellChanges(s)
	s.reply(encode(byeMessage{Type: "bye", Reason: "draining", ReconnectAfterMS: after.Milliseconds()}))
	h.end(s, closeRestarting.because("this hub is stopping"))
}

// everybody is who is there.
func (h *Hub) everybody() (all []*session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.sessions.all() {
		all = append(all, s)
	}
	return all
}

// checkDrain says whether a hub can take that long to let its clients go; 0 is the default.
func checkDrain(d time.Duration) error {
	if d < 0 || d > MaxDrain {
		return fmt.Errorf("a hub lets its clients go within 0 to %s, %s is neither", MaxDrain, d)
	}
	return nil
}

// DrainWithin is how long Serve may take to return once its context is done, with the clients that there are now.
func (h *Hub) DrainWithin() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.patience + goodbyes(h.sessions.len()) + 2*cutOffWithin
}

// goodbyes is how long the last clients have to take their leave, if so many of them were told at once.
func goodbyes(n int) time.Duration { return goodbyeWithin + time.Duration(n)*byeTakes }
