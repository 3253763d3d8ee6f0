package emulator

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const maxLatency = 10 * time.Minute

// Faults is what goes wrong with vendor calls, never with the admin endpoints. The zero value of each field
// switches it off; rates are probabilities, 0 to 1. TestFaults proves that each of them fires.
type Faults struct {
	LatencyMS        int     `json:"latency_ms"`         // an answer is made, and then waits so long
	ErrorRate        float64 `json:"error_rate"`         // a call is answered with ErrorStatus and does nothing
	ErrorStatus      int     `json:"error_status"`       // 503; 429 says reach_limit; 5xx is at times not JSON
	ResetRate        float64 `json:"reset_rate"`         // a call does its work, and the connection is reset
	MalformedRate    float64 `json:"malformed_rate"`     // an answer is cut short or garbled on its way
	DropEntryRate    float64 `json:"drop_entry_rate"`    // a user is left out of an answer
	DuplicateKeyRate float64 `json:"duplicate_key_rate"` // a device is in a status twice, with the same value (SEED)
	EmptyUIDRate     float64 `json:"empty_uid_rate"`     // a user's uid is "" (SEED)
	Outage           bool    `json:"outage"`             // calls are reset or answered with 503, in turns
	LimitPerS        int     `json:"limit_per_s"`        // calls a second of each kind; 0: what Options say
	ClientCallsPerS  int     `json:"client_calls_per_s"` // what the app's own clients take of that
}

// Fired counts how often each fault did something, since the start.
type Fired struct {
	Latency      int `json:"latency"`
	Error        int `json:"error"`
	Reset        int `json:"reset"`
	Malformed    int `json:"malformed"`
	DropEntry    int `json:"drop_entry"`
	DuplicateKey int `json:"duplicate_key"`
	EmptyUID     int `json:"empty_uid"`
	Outage       int `json:"outage"`
	Limit        int `json:"limit"` // calls over a limit that is not the one of Options
}

// Validate returns everything that is wrong with the faults, joined.
func (f Faults) Validate() error {
	var wrong []error
	rate := func(name string, p float64) {
		if !(p >= 0 && p <= 1) { // NaN too
			wrong = append(wrong, fmt.Errorf("%s %v is not within 0 and 1", name, p))
		}
	}
	rate("error_rate", f.ErrorRate)
	rate("reset_rate", f.ResetRate)
	rate("malformed_rate", f.MalformedRate)
	rate("drop_entry_rate", f.DropEntryRate)
	rate("duplicate_key_rate", f.DuplicateKeyRate)
	rate("empty_uid_rate", f.EmptyUIDRate)
	if f.LatencyMS < 0 || f.LatencyMS > int(maxLatency.Milliseconds()) {
		wrong = append(wrong, fmt.Errorf("latency_ms %d is not within 0 and %d", f.LatencyMS, maxLatency.Milliseconds()))
	}
	if f.ErrorStatus != 0 && (f.ErrorStatus < 400 || f.ErrorStatus > 599) {
		wrong = append(wrong, fmt.Errorf("error_status %d is not within 400 and 599", f.ErrorStatus))
	}
	if f.LimitPerS < 0 || f.ClientCallsPerS < 0 {
		wrong = append(wrong, errors.New("limit_per_s and client_calls_per_s cannot be negative"))
	}
	return errors.Join(wrong...)
}

// A fate is what one call will meet, drawn when it arrives. At most one of outage, fail, reset and mangle is set.
type fate struct {
	reset  bool // the connection, once the call has done its work
	outage bool // the call does no work; with reset: no answer either
	fail   int  // HTTP status instead of doing any work; 0: none
	html   bool // with fail: the body is a web server's page
	mangle mangling
	wait   time.Duration
}

// A mangling is a way in which an answer is spoilt on its way.
type mangling int

const (
	intact      mangling = iota
	truncated            // ends early, and its length says so
	garbled              // one byte is wrong
	brokenOff            // ends before the length that was promised
	endMangling          //
)

// dice decide what goes wrong, and count it.
type dice struct {
	mu     sync.Mutex
	rng    *rand.Rand
	faults Faults
	fired  Fired
	down   int // calls met by an outage
}

func newDice(seed uint64, f Faults) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, 0xfa017)), faults: f}
}

func (d *dice) set(f Faults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = f
}

func (d *dice) get() (Faults, Fired) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults, d.fired
}

// limited counts a call that went over a limit which was lowered (or raised) on purpose.
func (d *dice) limited() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.faults.LimitPerS > 0 || d.faults.ClientCallsPerS > 0 {
		d.fired.Limit++
	}
}

// draw decides what a call will meet.
func (d *dice) draw() fate {
	d.mu.Lock()
	defer d.mu.Unlock()
	var f fate
	switch {
	case d.faults.Outage:
		d.down++
		f.outage, f.reset = true, d.down%2 == 1
		d.fired.Outage++
		return f
	case d.roll(d.faults.ErrorRate, &d.fired.Error):
		f.fail = d.faults.errorStatus()
		f.html = f.fail >= 500 && d.rng.IntN(3) == 0
	case d.roll(d.faults.ResetRate, &d.fired.Reset):
		f.reset = true
	case d.roll(d.faults.MalformedRate, &d.fired.Malformed):
		f.mangle = 1 + mangling(d.rng.IntN(int(endMangling)-1))
	}
	if f.wait = time.Duration(d.faults.LatencyMS) * time.Millisecond; f.wait > 0 {
		d.fired.Latency++
	}
	return f
}

// spoil does to the users of an answer what is to go wrong with them.
func (d *dice) spoil(entries []entry) []entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := entries[:0]
	for _, e := range entries {
		if d.roll(d.faults.DropEntryRate, &d.fired.DropEntry) {
			continue
		}
		if len(e.Status.values) > 0 && d.roll(d.faults.DuplicateKeyRate, &d.fired.DuplicateKey) {
			e.Status.twice = anyKey(e.Status.values)
		}
		if d.roll(d.faults.EmptyUIDRate, &d.fired.EmptyUID) {
			e.UID = ""
		}
		kept = append(kept, e)
	}
	return kept
}

// spoilList is spoil for the answer of a sublist, which has no status.
func (d *dice) spoilList(entries []listed) []listed {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := entries[:0]
	for _, e := range entries {
		if d.roll(d.faults.DropEntryRate, &d.fired.DropEntry) {
			continue
		}
		if d.roll(d.faults.EmptyUIDRate, &d.fired.EmptyUID) {
			e.UID = ""
		}
		kept = append(kept, e)
	}
	return kept
}

func (d *dice) roll(p float64, count *int) bool {
	hit := p > 0 && d.rng.Float64() < p
	if hit {
		*count++
	}
	return hit
}

func (f Faults) errorStatus() int {
	if f.ErrorStatus == 0 {
		return 503
	}
	return f.ErrorStatus
}

func anyKey(m map[string]string) string {
	for key := range m {
		return key
	}
	return ""
}
