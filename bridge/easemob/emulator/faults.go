package emulator

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const maxLatency = 10 * time.Minute

// Faults is what goes wrong with vendor calls and callbacks, never with the admin endpoints. The zero value of
// each field switches it off; rates are probabilities, 0 to 1. TestFaults and TestCallbackFaults prove that each
// of them fires.
type Faults struct {
	LatencyMS        int     `json:"latency_ms"`         // an answer is made, and then waits so long
	ErrorRate        float64 `json:"error_rate"`         // a call is answered with ErrorStatus and does nothing
	ErrorStatus      int     `json:"error_status"`       // 503; 429 says reach_limit; 5xx is at times not JSON
	ResetRate        float64 `json:"reset_rate"`         // a call does its work, and the connection is reset
	MalformedRate    float64 `json:"malformed_rate"`     // an answer is cut short or garbled on its way
	DropEntryRate    float64 `json:"drop_entry_rate"`    // a user is left out of an answer
	DuplicateKeyRate float64 `json:"duplicate_key_rate"` // a device is in a status twice, with the same value (SEED)
	EmptyUIDRate     float64 `json:"empty_uid_rate"`     // a user's uid is "" (SEED)
	NotOKRate        float64 `json:"not_ok_rate"`        // a set or unsubscribe answers 200 with a reason for "ok", and does nothing (SEED)

	ResourceLimitedRate float64 `json:"resource_limited_rate"` // 429 that no waiting cures: the app's plan is used up
	TooManyQueriesRate  float64 `json:"too_many_queries_rate"` // 400 that says 429 (ED23, AG)
	CorruptTokenRate    float64 `json:"corrupt_token_rate"`    // 401, though the token is good

	Outage          bool `json:"outage"`             // calls are reset or answered with 503, in turns
	LimitPerS       int  `json:"limit_per_s"`        // calls a second of each kind; 0: what Options say
	ClientCallsPerS int  `json:"client_calls_per_s"` // what the app's own clients take of that

	CallbackLostRate   float64 `json:"callback_lost_rate"`   // an event is never posted
	CallbackLateRate   float64 `json:"callback_late_rate"`   // an event is posted CallbackLateMS too late
	CallbackLateMS     int     `json:"callback_late_ms"`     // 10000
	CallbackRepeatRate float64 `json:"callback_repeat_rate"` // an event is posted again, with the same callId
	CallbackSwapRate   float64 `json:"callback_swap_rate"`   // an event is posted after the next one
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
	NotOK        int `json:"not_ok"`

	ResourceLimited int `json:"resource_limited"`
	TooManyQueries  int `json:"too_many_queries"`
	CorruptToken    int `json:"corrupt_token"`

	Outage int `json:"outage"`
	Limit  int `json:"limit"` // calls over a limit that is not the one of Options

	CallbackLost   int `json:"callback_lost"`
	CallbackLate   int `json:"callback_late"`
	CallbackRepeat int `json:"callback_repeat"`
	CallbackSwap   int `json:"callback_swap"`
}

// Validate returns everything that is wrong with the faults, joined.
func (f Faults) Validate() error {
	var wrong []error
	rate := func(name string, p float64) {
		if !(p >= 0 && p <= 1) { // NaN too
			wrong = append(wrong, fmt.Errorf("%s is %v: want 0 to 1", name, p))
		}
	}
	rate("error_rate", f.ErrorRate)
	rate("reset_rate", f.ResetRate)
	rate("malformed_rate", f.MalformedRate)
	rate("drop_entry_rate", f.DropEntryRate)
	rate("duplicate_key_rate", f.DuplicateKeyRate)
	rate("empty_uid_rate", f.EmptyUIDRate)
	rate("not_ok_rate", f.NotOKRate)
	rate("resource_limited_rate", f.ResourceLimitedRate)
	rate("too_many_queries_rate", f.TooManyQueriesRate)
	rate("corrupt_token_rate", f.CorruptTokenRate)
	rate("callback_lost_rate", f.CallbackLostRate)
	rate("callback_late_rate", f.CallbackLateRate)
	rate("callback_repeat_rate", f.CallbackRepeatRate)
	rate("callback_swap_rate", f.CallbackSwapRate)
	if f.CallbackLateMS < 0 || f.CallbackLateMS > int(maxLate.Milliseconds()) {
		wrong = append(wrong, fmt.Errorf("callback_late_ms is %d: want 0 to %d", f.CallbackLateMS, maxLate.Milliseconds()))
	}
	if f.LatencyMS < 0 || f.LatencyMS > int(maxLatency.Milliseconds()) {
		wrong = append(wrong, fmt.Errorf("latency_ms is %d: want 0 to %d", f.LatencyMS, maxLatency.Milliseconds()))
	}
	if f.ErrorStatus != 0 && (f.ErrorStatus < 400 || f.ErrorStatus > 599) {
		wrong = append(wrong, fmt.Errorf("error_status is %d: want 400 to 599", f.ErrorStatus))
	}
	if f.LimitPerS < 0 {
		wrong = append(wrong, fmt.Errorf("limit_per_s is %d: want 0 or more", f.LimitPerS))
	}
	if f.ClientCallsPerS < 0 {
		wrong = append(wrong, fmt.Errorf("client_calls_per_s is %d: want 0 or more", f.ClientCallsPerS))
	}
	return errors.Join(wrong...)
}

// A fate is what one call will meet, drawn when it arrives. A call that is given an answer or a refusal does
// nothing; of what is to go wrong there is one thing at most.
type fate struct {
	done   *answer  // said instead of doing any work
	no     *refusal // the same, for what can be refused in more than one shape
	reset  bool     // the connection, once the call has done its work if it does any
	mangle mangling
	wait   time.Duration
}

// A mangling is a way in which an answer is spoilt on its way.
type mangling int

const (
	intact    mangling = iota
	truncated          // ends early, and its length says so
	garbled            // one byte is wrong
	brokenOff          // ends before the length that was promised
	endMangling
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
func (d *dice) draw(k kind) fate {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.faults.Outage {
		d.down++
		d.fired.Outage++
		return fate{no: &outOfService, reset: d.down%2 == 1}
	}
	var f fate
	switch {
	case d.roll(d.faults.ErrorRate, &d.fired.Error):
		f = d.failure(d.faults.errorStatus())
	case d.roll(d.faults.ResetRate, &d.fired.Reset):
		f.reset = true
	case d.roll(d.faults.MalformedRate, &d.fired.Malformed):
		f.mangle = 1 + mangling(d.rng.IntN(int(endMangling)-1))
	case k != kindToken:
		f = d.quarrel(k)
	}
	if f.wait = time.Duration(d.faults.LatencyMS) * time.Millisecond; f.wait > 0 {
		d.fired.Latency++
	}
	return f
}

// failure is an error that was thrown at a call.
func (d *dice) failure(status int) fate {
	if status >= 500 && d.rng.IntN(3) == 0 {
		return fate{done: webPage(status)}
	}
	no := ofStatus(status)
	return fate{no: &no}
}

// quarrel is what the vendor may hold against a call that is in order.
func (d *dice) quarrel(k kind) fate {
	switch {
	case d.roll(d.faults.CorruptTokenRate, &d.fired.CorruptToken):
		return fate{no: &badToken}
	case d.roll(d.faults.ResourceLimitedRate, &d.fired.ResourceLimited):
		return fate{no: &planUsedUp}
	case k.presence() && d.roll(d.faults.TooManyQueriesRate, &d.fired.TooManyQueries):
		return fate{no: &tooMany}
	case (k == kindSet || k == kindUnsubscribe) && d.roll(d.faults.NotOKRate, &d.fired.NotOK):
		return fate{done: &notDone}
	}
	return fate{}
}

// spoil does to the users of an answer what is to go wrong with them.
func (d *dice) spoil(entries []entry) []entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := lose(d, entries, func(e *entry) *string { return &e.UID })
	for i := range kept {
		status := &kept[i].Status
		if len(status.values) > 0 && d.roll(d.faults.DuplicateKeyRate, &d.fired.DuplicateKey) {
			status.twice = anyKey(status.values)
		}
	}
	return kept
}

// spoilList is spoil for the answer of a sublist, which has no status.
func (d *dice) spoilList(entries []listed) []listed {
	d.mu.Lock()
	defer d.mu.Unlock()
	return lose(d, entries, func(l *listed) *string { return &l.UID })
}

// lose leaves users out, and others without a name. The caller holds d.mu.
func lose[T any](d *dice, entries []T, uid func(*T) *string) []T {
	kept := entries[:0]
	for i := range entries {
		if d.roll(d.faults.DropEntryRate, &d.fired.DropEntry) {
			continue
		}
		if d.roll(d.faults.EmptyUIDRate, &d.fired.EmptyUID) {
			*uid(&entries[i]) = ""
		}
		kept = append(kept, entries[i])
	}
	return kept
}

// shuffle puts users in an order of no meaning.
func (d *dice) shuffle(entries []entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rng.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
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
