package emulator

import (
	"maps"
	"strconv"
	"sync"
	"time"
)

// Stats counts what vendor calls did since the start or the last [Server.ResetStats]. Maps are keyed by kind of
// call: set, subscribe, get, unsubscribe, sublist, token, batch_status, group_count, status, resources.
type Stats struct {
	Calls         map[string]int     `json:"calls"`         // answered, whatever the answer
	UIDs          map[string]int     `json:"uids"`          // users named in calls that were served
	Rejected      map[string]int     `json:"rejected"`      // by HTTP status: answers of 400 and more
	PeakPerS      map[string]int     `json:"peak_per_s"`    // most arrivals within any second, exactly
	Batches       map[string]Batches `json:"batches"`       // how well calls that were served were filled
	Subscriptions map[string]int     `json:"subscriptions"` // by operator; what is, not a count of calls
	Callbacks     CallbackStats      `json:"callbacks"`
}

// Batches counts calls by how many users they name: 100, or fewer.
type Batches struct {
	Full    int `json:"full"`
	Partial int `json:"partial"`
}

type counts struct {
	mu       sync.Mutex
	stats    Stats
	arrivals map[kind]*window
}

func newCounts() *counts {
	c := new(counts)
	c.reset()
	return c
}

// arrived counts a call in, before anything is known of its fate. The most arrivals of any second are those
// of a second that ends with one.
func (c *counts) arrived(k kind) {
	if k == kindNone {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.arrivals[k].add(time.Now())
	c.stats.PeakPerS[string(k)] = max(c.stats.PeakPerS[string(k)], n)
}

// served counts the users of a call that is neither refused nor limited.
func (c *counts) served(k kind, uids int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.UIDs[string(k)] += uids
	batches := c.stats.Batches[string(k)]
	if uids >= maxBatch {
		batches.Full++
	} else {
		batches.Partial++
	}
	c.stats.Batches[string(k)] = batches
}

// answered counts a call out.
func (c *counts) answered(k kind, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k != kindNone {
		c.stats.Calls[string(k)]++
	}
	if status >= 400 {
		c.stats.Rejected[strconv.Itoa(status)]++
	}
}

func (c *counts) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrivals = make(map[kind]*window)
	c.stats = Stats{
		Calls:    make(map[string]int),
		UIDs:     map[string]int{string(kindGet): 0, string(kindSubscribe): 0},
		Rejected: map[string]int{"429": 0, "401": 0},
		PeakPerS: make(map[string]int),
		Batches:  map[string]Batches{string(kindGet): {}},
	}
	for _, k := range kinds {
		c.stats.Calls[string(k)] = 0
		c.arrivals[k] = new(window)
	}
}

func (c *counts) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Calls = maps.Clone(s.Calls)
	s.UIDs = maps.Clone(s.UIDs)
	s.Rejected = maps.Clone(s.Rejected)
	s.PeakPerS = maps.Clone(s.PeakPerS)
	s.Batches = maps.Clone(s.Batches)
	return s
}
