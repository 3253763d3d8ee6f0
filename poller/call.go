package poller

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// call makes a call and brings what it shows into the log. Every user of it is back in line afterwards.
func (t *term) call(ctx context.Context, f flight) {
	at := time.Now()
	answer, err := t.p.vendor.GetNow(ctx, f.operator, f.uids())
	switch {
	case ctx.Err() != nil: // our time is over, and the schedule with it
	case err != nil:
		t.failed(f, at, err)
	default:
		t.answered(f)
		again := t.observe(ctx, f, at, answer)
		t.landed(f, at, answer, again)
	}
}

func (f flight) uids() []string {
	uids := make([]string, len(f.picks))
	for i, pick := range f.picks {
		uids[i] = string(pick.uid)
	}
	return uids
}

// observe hands the journal what the answer shows, and lists of whom nothing was concluded.
func (t *term) observe(ctx context.Context, f flight, at time.Time, answer easemob.Answer) map[bridge.UID]bool {
	out, err := t.p.journal.Observe(ctx, t.observations(f, at, answer))
	t.p.metrics.published("observed", out.Published)
	switch {
	case err == nil:
		t.p.unwritten.success(time.Now())
	case ctx.Err() == nil:
		t.p.unwritten.fail(time.Now(), err)
	}
	again := make(map[bridge.UID]bool, len(out.Again))
	for _, uid := range out.Again {
		again[uid] = true
	}
	return again
}

// observations leaves out who is missing from the answer, which proves nothing, and who is not watched any more.
func (t *term) observations(f flight, at time.Time, answer easemob.Answer) []bridge.Observation {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	observations := make([]bridge.Observation, 0, len(f.picks))
	for _, pick := range f.picks {
		if p, ok := answer.Presences[string(pick.uid)]; ok && t.list.has(pick.uid) {
			observations = append(observations, bridge.Observation{UID: pick.uid, State: bridge.StateOf(p.Status, p.Ext, bridge.Millis(p.LastTime)), At: at, Source: pick.source})
		}
	}
	return observations
}

// answered notes a call that the vendor has answered, before its changes are written: how NATS does is another
// matter.
func (t *term) answered(f flight) {
	now := time.Now()
	t.p.failures.success(now)
	t.p.metrics.called(f, nil)
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.answers.success(now)
	t.trouble(f.operator).success()
	t.schedule.Release(f.operator)
	t.nudge()
}

// landed puts the users of an answered call back in line.
func (t *term) landed(f flight, at time.Time, answer easemob.Answer, again map[bridge.UID]bool) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	now, gaps := time.Now(), 0
	for _, pick := range f.picks {
		o := seen
		if _, ok := answer.Presences[string(pick.uid)]; !ok {
			o, gaps = missing, gaps+1
		} else if again[pick.uid] {
			o = overtaken
		}
		t.list.looked(pick.uid, at, o == missing, now)
		t.learn(pick.uid)
		t.land(pick.uid, look{at, o})
	}
	t.p.metrics.missing.Add(float64(gaps))
	t.nudge()
}

// failed puts the users of a failed call back where they were: it has shown nothing. Only a user for whose
// sake alone a call is refused has to wait for the next turn, like one whom an answer leaves out.
func (t *term) failed(f flight, at time.Time, err error) {
	now := time.Now()
	t.p.failures.fail(now, err)
	t.p.metrics.called(f, err)
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.answers.failure(err)
	o, trouble := failed, t.trouble(f.operator)
	if aboutTheCall(err) {
		trouble.refused(len(f.picks))
		if len(f.picks) == 1 {
			o = missing
			t.list.looked(f.picks[0].uid, at, true, now)
		}
	}
	for _, pick := range f.picks {
		t.land(pick.uid, look{at, o})
	}
	if d, ok := trouble.fail(f.era); ok {
		t.schedule.Hold(f.operator, now.Add(d))
	}
	t.nudge()
}

func (t *term) land(uid bridge.UID, l look) {
	delete(t.flying, uid)
	t.schedule.Done(uid, l)
	if t.leaving[uid] {
		signal(t.left)
	}
}
