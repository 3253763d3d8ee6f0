package emulator

import (
	"sync"
	"time"
)

// window holds the times of what happened within the last second, oldest first. A second is half open: what
// happened at t is out of it at t+1s.
type window []time.Time

func (w *window) forget(now time.Time) {
	keep := 0
	for keep < len(*w) && now.Sub((*w)[keep]) >= time.Second {
		keep++
	}
	*w = (*w)[keep:]
}

func (w *window) add(now time.Time) int {
	w.forget(now)
	*w = append(*w, now)
	return len(*w)
}

// limits count the accepted calls of each kind over a sliding second: "50 times a second per app key" each
// (ED24, AG). What is rejected does not count.
type limits struct {
	mu       sync.Mutex
	accepted map[kind]*window
}

// accept says whether one more call of a kind is within its limit; a negative limit is none.
func (l *limits) accept(k kind, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.accepted[k]
	if w == nil {
		w = new(window)
		l.accepted[k] = w
	}
	now := time.Now() // under the lock, so that the window stays in order
	if w.forget(now); limit >= 0 && len(*w) >= limit {
		return false
	}
	w.add(now)
	return true
}

// fixed are limits that no option moves: an app's requests for tokens, and for the counts of groups (limitationapi).
var fixed = map[kind]int{kindToken: tokensPerS, kindGroupCount: countsPerS}

// limitOf is the limit of a kind of call. The app's own clients use up what they call, save of those kinds
// that count REST alone (limitationapi marks them *).
func limitOf(k kind, perS, clientsPerS int) int {
	if limit, ok := fixed[k]; ok {
		return limit
	}
	if perS < 0 || !k.five() {
		return perS
	}
	return max(perS-clientsPerS, 0)
}
