package poller

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// call makes a call and brings what it shows into the log. Every user of it is back in line afterwards.
func (t *term) call(ctx context.Context, f flight) {
	at := time.Now()
	answer, err := t.p.vendor.GetNow(ctx, f.operator, f.uids())
	took := time.Since(at)
	switch {
	case ctx.Err() != nil: // our time is over, and the schedule with it
	case err != nil:
		t.failed(f, at, took, err)
	default:
		t.answered(f, took)
		before := t.entries(f)
		again := t.observe(ctx, f, answer)
		t.landed(f, answer, before, again)
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
func (t *term) observe(ctx context.Context, f flight, answer easemob.Answer) map[bridge.UID]bool {
	began := time.Now()
	out, err := t.p.journal.Observe(ctx, t.observations(f, answer))
	t.p.metrics.published(observed, out.Published)
	if out.Published > 0 {
		t.p.metrics.wrote.Observe(time.Since(began).Seconds())
	}
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
func (t *term) observations(f flight, answer easemob.Answer) []bridge.Observation {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	observations := make([]bridge.Observation, 0, len(f.picks))
	for _, pick := range f.picks {
		if p, ok := answer.Presences[string(pick.uid)]; ok && t.list.has(pick.uid) {
			observations = append(observations, bridge.Observation{UID: pick.uid, State: stateOf(p), At: answer.Asked, Source: pick.source})
		}
	}
	return observations
}

// stateOf is what the vendor says of a user, by devices or by a word.
func stateOf(p easemob.Presence) bridge.State {
	if p.Status == nil {
		return bridge.OnlineOnly(p.Online)
	}
	return bridge.StateOf(p.Status, p.Ext, bridge.Millis(p.LastTime))
}

// answered notes a call that the vendor has answered, before its changes are written: how NATS does is another
// matter.
func (t *term) answered(f flight, took time.Duration) {
	now := time.Now()
	t.p.failures.success(now)
	t.p.metrics.called(f, took, nil)
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.answers.success(now)
	t.trouble(f.operator).success()
	t.lineup.release(f.operator)
	t.lineup.limit(f.operator, t.trouble(f.operator).size)
	t.nudge()
}

// entries notes where the log stands of those in a call.
func (t *term) entries(f flight) []bridge.Entry {
	entries := make([]bridge.Entry, len(f.picks))
	for i, pick := range f.picks {
		entries[i], _, _ = t.p.journal.Last(pick.uid)
	}
	return entries
}

// landed puts the users of an answered call back in line.
func (t *term) landed(f flight, answer easemob.Answer, before []bridge.Entry, again map[bridge.UID]bool) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	at, now := answer.Asked, time.Now()
	t.lateBy(now.Sub(at))
	for i, pick := range f.picks {
		_, there := answer.Presences[string(pick.uid)]
		k := schedule.Look{At: at, Outcome: outcomeOf(there, again[pick.uid])}
		after, _, _ := t.p.journal.Last(pick.uid)
		if k.Outcome == schedule.Seen && after.Change != nil {
			k.Online, k.Changed = after.Online, after.Seq != before[i].Seq
		}
		if k.Changed {
			k.Since = since(after.Change)
		}
		t.p.metrics.landed(pick, k, before[i], after, now)
		t.list.looked(pick.uid, at, !there)
		t.learn(pick.uid)
		t.land(pick.uid, k)
	}
	t.nudge()
}

// outcomeOf tells what became of a look of an answered call.
func outcomeOf(there, again bool) schedule.Outcome {
	switch {
	case !there:
		return schedule.Missing
	case again:
		return schedule.Overtaken
	}
	return schedule.Seen
}

// lateBy notes how long a look took to reach the log. It follows the slow ones at once and the quick ones slowly.
func (t *term) lateBy(d time.Duration) {
	t.late = max(d, t.late-(t.late-d)/50)
	t.lineup.schedule.Late(t.late)
}

// failed puts the users of a failed call back where they were: it has shown nothing. Only a user for whose
// sake alone a call is refused has to wait for the next turn, like one whom an answer leaves out.
func (t *term) failed(f flight, at time.Time, took time.Duration, err error) {
	now := time.Now()
	t.p.failures.fail(now, err)
	t.p.metrics.called(f, took, err)
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.answers.failure(err)
	o, trouble := schedule.Failed, t.trouble(f.operator)
	if aboutTheCall(err) {
		trouble.refused(len(f.picks))
		t.lineup.limit(f.operator, trouble.size)
		if len(f.picks) == 1 {
			o = schedule.Missing
			t.list.looked(f.picks[0].uid, at, true)
		}
	}
	for _, pick := range f.picks {
		t.land(pick.uid, schedule.Look{At: at, Outcome: o})
	}
	if d, ok := trouble.fail(f.era); ok {
		t.lineup.hold(f.operator, now.Add(d))
	}
	t.nudge()
}

func (t *term) land(uid bridge.UID, k schedule.Look) {
	t.lineup.done(uid, k)
	if t.leaving[uid] {
		signal(t.left)
	}
}
