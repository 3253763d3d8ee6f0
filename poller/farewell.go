package poller

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const farewellBatch = 1000 // messages published before their acknowledgements are waited for

// sayWhoWasLeftBehind tells the log of those who were left while nobody led, and returns when it knows; false:
// ctx was done first.
func (t *term) sayWhoWasLeftBehind(ctx context.Context) bool {
	t.findLeftBehind()
	for tries := 0; ; tries++ {
		uids := t.takeLeaving()
		if len(uids) == 0 {
			return ctx.Err() == nil
		}
		if t.bidFarewell(ctx, uids) {
			tries = -1
		} else if pause(ctx, backOff(tries)) != nil {
			return false
		}
	}
}

// findLeftBehind notes whom the log shows as watched though nobody watches them.
func (t *term) findLeftBehind() {
	uids := t.p.journal.LeftBehind(t.p.registry.Watched)
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	for _, uid := range uids {
		if !t.list.has(uid) {
			t.leave(uid)
		}
	}
}

// farewells tells the log, at once and until it knows, who is not watched any more.
func (t *term) farewells(ctx context.Context) error {
	for tries := 0; ; {
		uids := t.takeLeaving()
		switch {
		case len(uids) == 0:
			select {
			case <-t.left:
			case <-ctx.Done():
				return nil
			}
		case t.bidFarewell(ctx, uids):
			tries = 0
		case pause(ctx, backOff(tries)) != nil:
			return nil
		default:
			tries++
		}
	}
}

// takeLeaving takes some who are leaving. Whoever is in a call stays until it is over: what it showed must not
// be published after the farewell.
func (t *term) takeLeaving() []bridge.UID {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	var uids []bridge.UID
	for uid := range t.leaving {
		if len(uids) == farewellBatch {
			break
		}
		if !t.lineup.inCall(uid) {
			delete(t.leaving, uid)
			uids = append(uids, uid)
		}
	}
	return uids
}

// bidFarewell says whether the log knows of all of them; who is left stays on the list, unless watched again.
func (t *term) bidFarewell(ctx context.Context, uids []bridge.UID) bool {
	out, err := t.p.journal.Unwatch(ctx, uids)
	t.p.metrics.published(unwatched, out.Published)
	if err != nil && ctx.Err() == nil {
		t.p.log.Warn("telling the log who is not watched any more; it will be tried again", "users", len(out.Again), "error", err)
	}
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	for _, uid := range out.Again {
		if !t.list.has(uid) {
			t.leave(uid)
		}
	}
	for _, uid := range uids {
		t.learn(uid)
		t.lineup.hint(uid, bridge.SourcePoll, time.Now()) // who is watched again meanwhile is new
	}
	t.nudge()
	return len(out.Again) == 0
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
