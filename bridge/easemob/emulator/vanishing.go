package emulator

import (
	"context"
	"maps"
	"time"
)

// A vanishing is a device that went off the network without a word: a tunnel, a flat battery. The vendor shows it
// online until it has missed its heartbeats, for up to five minutes (ED+ product_user_presence). So do we,
// everywhere: what is shown is the truth of the API, and so of the admin endpoints.
type vanishing struct {
	who    *person
	device *device
	number int // in device.gone for as long as nothing has come in between
}

// vanish is called within a step, with mu held.
func (l *living) vanish(t turn) {
	after := time.Duration(t.part * float64(l.vanishFor))
	l.vanished.add(time.Now().Add(after), vanishing{t.who, t.vanished, t.vanished.gone})
	select {
	case l.stir <- struct{}{}:
	default:
	}
}

// notice lets vanished devices be found out when their time has come, until ctx is done.
func (l *living) notice(ctx context.Context) {
	for ctx.Err() == nil {
		next, any := l.findOut(time.Now())
		timer := time.NewTimer(time.Until(next))
		later := timer.C
		if !any {
			later = nil
		}
		select {
		case <-later:
		case <-l.stir:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// findOut makes those offline whose time has come, and returns when the next one's does. While nobody lives
// nothing happens, and what was due meanwhile happens afterwards.
func (l *living) findOut(now time.Time) (next time.Time, any bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.now.lives() {
		return next, false
	}
	for v := range l.vanished.due(now) {
		if v.device.gone != v.number {
			continue // it has come back, after something else had made it offline
		}
		v.device.gone = 0
		if v.who.number <= l.crowd.n { // others live no more, and stay as they were
			l.people.move(v.end)
		}
	}
	return l.vanished.next()
}

// end declines where somebody has set the device to offline by hand.
func (v vanishing) end(at func(uid string) User) (uid string, status map[string]string, ext string) {
	user := at(v.who.uid)
	if !isOnline(user.Status[v.device.key]) {
		return "", nil, ""
	}
	status = maps.Clone(user.Status)
	status[v.device.key] = "0"
	return v.who.uid, status, user.Ext
}
