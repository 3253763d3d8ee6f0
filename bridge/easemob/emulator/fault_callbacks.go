package emulator

import "time"

const (
	lateByDefault = 10 * time.Second
	maxLate       = time.Hour
)

// callbackFate is what an event is to meet on its way to the receiver. That it is repeated or overtaken counts
// when it happens.
type callbackFate struct {
	lost   bool
	late   time.Duration
	repeat bool
	swap   bool
}

// drawCallback decides what an event will meet.
func (d *dice) drawCallback() callbackFate {
	d.mu.Lock()
	defer d.mu.Unlock()
	var f callbackFate
	if f.lost = d.roll(d.faults.CallbackLostRate, &d.fired.CallbackLost); f.lost {
		return f
	}
	if d.roll(d.faults.CallbackLateRate, &d.fired.CallbackLate) {
		f.late = time.Duration(d.faults.callbackLateMS()) * time.Millisecond
	}
	f.repeat = d.roll(d.faults.CallbackRepeatRate, new(int))
	f.swap = d.roll(d.faults.CallbackSwapRate, new(int))
	return f
}

func (d *dice) repeated() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fired.CallbackRepeat++
}

func (d *dice) swapped() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fired.CallbackSwap++
}

func (f Faults) callbackLateMS() int {
	if f.CallbackLateMS == 0 {
		return int(lateByDefault.Milliseconds())
	}
	return f.CallbackLateMS
}
