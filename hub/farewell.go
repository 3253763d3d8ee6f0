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
	leavePerS    = 1200                   // clients that may come back in a second
	comeBackFrom = 10 * time.Millisecond  // after goodbye, for the connection to be closed
	scatter      = 200 * time.Millisecond // beyond that, by chance: who is let go together does not come back together
	dismissEvery = 20 * time.Millisecond

	drainByDefault = 10 * time.Second
)

// MaxDrain is the most that a hub may take to let its clients go.
const MaxDrain = 10 * time.Minute

// farewell is when a client is let go, counted from when a hub begins to stop, and how much later it may come back.
type farewell struct{ at, after time.Duration }

// farewellOf is that of the i-th who leaves a hub that lets the last go at patience. dice is 0 to 1.
func farewellOf(i int, patience time.Duration, dice float64) farewell {
	turn := time.Duration(i) * time.Second / leavePerS
	at := min(turn, patience)
	return farewell{at, turn - at + comeBackFrom + time.Duration(dice*float64(scatter))}
}

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

// sayGoodbye lets everybody go who is there, in turn, and returns when the last was told or nobody is left.
func (h *Hub) sayGoodbye() {
	h.TurnAway()
	all := h.everybody()
	if len(all) == 0 {
		return
	}
	last := farewellOf(len(all)-1, h.patience, 1)
	h.log.Info("clients are let go", "clients", len(all), "within", last.at, "back_elsewhere_within", last.at+last.after)
	tick := time.NewTicker(dismissEvery)
	defer tick.Stop()
	begun := time.Now()
	for gone := h.dismiss(all, 0, 0); gone < len(all); gone = h.dismiss(all, gone, time.Since(begun)) {
		select {
		case <-tick.C:
		case <-h.empty:
			return
		}
	}
}

// dismiss lets those go whose turn has come, and says how many have had theirs.
func (h *Hub) dismiss(all []*session, gone int, now time.Duration) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; gone < len(all); gone++ {
		f := farewellOf(gone, h.patience, rand.Float64())
		if f.at > now {
			break
		}
		s := all[gone]
		s.reply(encode(byeMessage{Type: "bye", Reason: "draining", ReconnectAfterMS: f.after.Milliseconds()}))
		s.end(closeRestarting.because("this hub is stopping"))
	}
	return gone
}

// everybody is who is there, in no order.
func (h *Hub) everybody() (all []*session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.sessions {
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

// DrainWithin is how long Serve may take to return once its context is done.
func (h *Hub) DrainWithin() time.Duration { return h.patience + goodbyeWithin + 2*cutOffWithin }
