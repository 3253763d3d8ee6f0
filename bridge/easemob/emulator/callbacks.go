package emulator

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	callbackBacklog = 10_000           // what happens while so many wait is told nobody
	swapPatience    = 10 * time.Second // an event that is to be overtaken waits so long for another
)

// CallbackStats counts what was told and what was not. Every event, and every repetition of one (a fault), is
// Sent, Merged, Lost, Banned, lost by a fault, Waiting, or InFlight: TestEveryCallbackIsAccountedFor.
type CallbackStats struct {
	Events   int `json:"events"`    // logins, logouts and replacements
	Merged   int `json:"merged"`    // not told, for a later one within Callback.Merge was
	Sent     int `json:"sent"`      // answered with 200
	Failed   int `json:"failed"`    // posts without such an answer; each event has two
	TooLong  int `json:"too_long"`  // answers of more than 1000 characters, which count towards a ban as failures do
	Lost     int `json:"lost"`      // failed twice, one too many waiting, or under way at the end of Run
	Banned   int `json:"banned"`    // not told, for the rule was banned
	Bans     int `json:"bans"`      // how often it was
	Waiting  int `json:"waiting"`   // what is, not a count
	InFlight int `json:"in_flight"` // what is, not a count
}

// delivery is an event that waits until it is told.
type delivery struct {
	event event
	fate  callbackFate
	drawn bool      // the fate is
	until time.Time // held: goes alone then
}

// callbacks tell a receiver who came and went. What happens is added under people's lock, and waits here until
// run posts it.
type callbacks struct {
	rule   Callback
	appKey string
	dice   *dice
	log    *slog.Logger
	wake   chan struct{} // something may be due earlier than run thinks

	mu      sync.Mutex
	waiting timeline[*delivery]
	merging map[string]*delivery // event.User -> what a later event takes the place of
	held    *delivery            // goes behind the next that is due; nil mostly
	ban     ban
	stats   CallbackStats
}

func newCallbacks(o Options, d *dice) *callbacks {
	return &callbacks{
		rule:    o.Callback,
		appKey:  o.Org + "#" + o.App,
		dice:    d,
		log:     o.Logger,
		wake:    make(chan struct{}, 1),
		merging: make(map[string]*delivery),
	}
}

// announce tells which devices came and went between two states: one that leaves as another of its platform
// comes was replaced. Logins are told before those whom they replaced (INF: whoever takes the last word
// for the truth is wrong).
func (c *callbacks) announce(uid string, before, after map[string]string) {
	if c.rule.URL == "" {
		return
	}
	came := make(map[string]bool) // platforms
	for _, device := range slices.Sorted(maps.Keys(after)) {
		if isOnline(after[device]) && !isOnline(before[device]) {
			came[platformOf(device)] = true
			c.add(uid, device, login)
		}
	}
	for _, device := range slices.Sorted(maps.Keys(before)) {
		if !isOnline(before[device]) || isOnline(after[device]) {
			continue
		}
		why := logout
		if came[platformOf(device)] {
			why = replaced
		}
		c.add(uid, device, why)
	}
}

// add lets an event wait for its time. That of several logins and logouts of a user within a second only the last
// is told the documents say of what is pushed to SDKs (ED24), and nowhere of callbacks: a rule merges when it is
// made to. It does so device by device (INF), or else nobody could ever hear of a replacement, for each comes with
// a login of the same user.
func (c *callbacks) add(uid, device string, why reason) {
	now := time.Now()
	e := newEvent(c.appKey, c.rule.Secret, uid, device, why, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Events++
	earlier := c.merging[e.User]
	switch {
	case c.ban.on(now): // what happens meanwhile is never told (ED+)
		c.stats.Banned++
	case earlier != nil:
		earlier.event = e
		c.stats.Merged++
	case c.backlog() >= callbackBacklog:
		c.stats.Lost++
	default:
		c.wait(&delivery{event: e}, now)
	}
}

func (c *callbacks) wait(d *delivery, now time.Time) {
	c.waiting.add(now.Add(c.rule.Merge), d)
	if c.rule.Merge > 0 {
		c.merging[d.event.User] = d
	}
	select {
	case c.wake <- struct{}{}:
	default: // run will look anyway
	}
}

func (c *callbacks) backlog() int {
	n := len(c.waiting)
	if c.held != nil {
		n++
	}
	return n
}

// due returns events that are to be posted now, one after another; where there are none, when there might
// be, without anything being added: the zero time is never.
func (c *callbacks) due(now time.Time) (events []event, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for d := range c.waiting.due(now) {
		if c.merging[d.event.User] == d {
			delete(c.merging, d.event.User)
		}
		if events = c.release(d, now); events != nil {
			return events, time.Time{}
		}
	}
	next, _ = c.waiting.next()
	if d := c.held; d != nil {
		if !d.until.After(now) { // nothing came that could overtake it
			c.held = nil
			return c.launch(d), time.Time{}
		}
		if next.IsZero() || d.until.Before(next) {
			next = d.until
		}
	}
	return nil, next
}

// release lets an event meet its fate, and returns what is to be posted: the event and whom it overtakes, or
// nothing, now or ever.
func (c *callbacks) release(d *delivery, now time.Time) []event {
	if !d.drawn {
		d.fate, d.drawn = c.dice.drawCallback(), true
		if d.fate.late > 0 {
			c.waiting.add(now.Add(d.fate.late), d)
		}
		if d.fate.late > 0 || d.fate.lost {
			return nil
		}
	}
	switch overtaken := c.held; {
	case overtaken != nil:
		c.held = nil
		c.dice.swapped()
		return append(c.launch(d), c.launch(overtaken)...)
	case d.fate.swap:
		c.held, d.until = d, now.Add(swapPatience)
		return nil
	}
	return c.launch(d)
}

// launch is what one delivery posts.
func (c *callbacks) launch(d *delivery) []event {
	events := []event{d.event}
	if d.fate.repeat {
		events = append(events, d.event) // the same callId
		c.dice.repeated()
	}
	c.stats.InFlight += len(events)
	return events
}

func (c *callbacks) snapshot() CallbackStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := c.stats
	stats.Waiting = c.backlog()
	return stats
}

func (c *callbacks) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats = CallbackStats{InFlight: c.stats.InFlight}
}
