package emulator

import "time"

// The vendor's rules for a receiver that fails (ED+ callback_postsending): ninety times within thirty seconds,
// and nothing is posted for five minutes; each further ban within a day is five minutes longer, up to 25.
const (
	banFailures = 90
	banWindow   = 30 * time.Second
	banStep     = 5 * time.Minute
	banSteps    = 5
	banMemory   = 24 * time.Hour
)

// ban says whether a callback rule is banned. It has no clock.
type ban struct {
	failures []time.Time // within banWindow, oldest first
	begun    []time.Time // bans within banMemory, oldest first
	until    time.Time
}

func (b *ban) on(now time.Time) bool { return now.Before(b.until) }

// fail hears of a failure, and says whether it begins a ban. What was on its way when a ban began no longer
// counts.
func (b *ban) fail(now time.Time) bool {
	if b.on(now) {
		return false
	}
	b.failures = append(since(b.failures, now.Add(-banWindow)), now)
	if len(b.failures) < banFailures {
		return false
	}
	b.failures = nil
	b.begun = append(since(b.begun, now.Add(-banMemory)), now)
	b.until = now.Add(time.Duration(min(len(b.begun), banSteps)) * banStep)
	return true
}

// since drops from times, oldest first, what is not after start.
func since(times []time.Time, start time.Time) []time.Time {
	for len(times) > 0 && !times[0].After(start) {
		times = times[1:]
	}
	return times
}
