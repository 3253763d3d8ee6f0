package hub

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// origin is where a change that is on its way to clients began, in Unix milliseconds; 0 where nobody knows, or where
// it is no news.
type origin struct {
	since int64 // when the user logged in or out, as the vendor tells
	seen  int64 // when the look began that saw it
}

// originOf is that of a message of the log that has just come. A first message tells of a login of long ago, which
// nobody waited for: it is under way only since it was seen.
func originOf(c *bridge.Change) origin {
	o := origin{seen: c.ObservedAt}
	if c.Prev != nil && c.LastTime > c.Prev.LastTime && !slices.Contains(c.Changed, bridge.ChangedFirst) {
		o.since = c.LastTime
	}
	return o
}

// ageBounds are the upper bounds of the buckets of ages, in milliseconds.
var ageBounds = [...]int64{50, 100, 250, 500, 1000, 1500, 2000, 3000, 5000, 7500, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000}

// ages is a histogram of the ages of what clients are told. It is filled for every state that every client is told, with
// the hub's mutex held, so it does without the atomics of [prometheus.Histogram]. It is a [prometheus.Collector].
type ages struct {
	desc *prometheus.Desc
	hub  *sync.Mutex // guards what follows

	counts [len(ageBounds) + 1]uint64 // by bucket, the last is what is older
	total  int64                      // in milliseconds
}

func newAges(hub *sync.Mutex, name, help string) *ages {
	return &ages{hub: hub, desc: prometheus.NewDesc("presence_bridge_hub_"+name, help, nil, nil)}
}

// note counts what began at a time, in Unix milliseconds. A clock elsewhere may be ahead of ours. The caller holds mu.
func (a *ages) note(from, now int64) {
	if from == 0 {
		return
	}
	age, i := max(now-from, 0), 0
	for i < len(ageBounds) && age > ageBounds[i] {
		i++
	}
	a.counts[i]++
	a.total += age
}

// Describe implements [prometheus.Collector].
func (a *ages) Describe(to chan<- *prometheus.Desc) { to <- a.desc }

// Collect implements [prometheus.Collector].
func (a *ages) Collect(to chan<- prometheus.Metric) {
	a.hub.Lock()
	counts, total := a.counts, a.total
	a.hub.Unlock()
	buckets, n := make(map[float64]uint64, len(ageBounds)), uint64(0)
	for i, bound := range ageBounds {
		n += counts[i]
		buckets[float64(bound)/1000] = n
	}
	to <- prometheus.MustNewConstHistogram(a.desc, n+counts[len(ageBounds)], float64(total)/1000, buckets)
}

// aMoment is how many clients are told in what counts as one moment: to read the clock for each costs more than to count.
const aMoment = 32

// setMoment says what time it is for who is told next; 0: they have to look.
func (h *Hub) setMoment(at int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moment = at
}

// now is the time in Unix milliseconds. The caller holds mu.
func (h *Hub) now() int64 {
	if h.moment != 0 {
		return h.moment
	}
	return time.Now().UnixMilli()
}

// delivered counts what a client is told now. The caller holds mu.
func (m *metrics) delivered(news []*user, now int64) {
	m.deliveries.Add(float64(len(news)))
	for _, u := range news {
		m.staleness.note(u.origin.since, now)
		m.way.note(u.origin.seen, now)
	}
}
