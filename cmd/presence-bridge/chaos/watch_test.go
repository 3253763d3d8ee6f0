//go:build linux

package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// audience is who is watched, by one holder. It notes since when and until when.
type audience struct {
	holder *bridge.Holder

	mu    sync.Mutex
	spans map[bridge.UID][]span
}

func newAudience(h *bridge.Holder) *audience {
	return &audience{holder: h, spans: map[bridge.UID][]span{}}
}

func (a *audience) watch(uids ...bridge.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, uid := range uids {
		if !a.isWatched(uid) {
			a.spans[uid] = append(a.spans[uid], span{from: time.Now()})
		}
	}
	a.holder.Watch(uids...)
}

func (a *audience) unwatch(uid bridge.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isWatched(uid) {
		a.spans[uid][len(a.spans[uid])-1].to = time.Now()
	}
	a.holder.Unwatch(uid)
}

// isWatched says whether somebody is watched now. The caller holds mu.
func (a *audience) isWatched(uid bridge.UID) bool {
	spans := a.spans[uid]
	return len(spans) > 0 && spans[len(spans)-1].to.IsZero()
}

func (a *audience) watched(uid bridge.UID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.isWatched(uid)
}

// of is when somebody was watched.
func (a *audience) of(uid bridge.UID) []span {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]span(nil), a.spans[uid]...)
}

// waver watches and unwatches the fickle ones, until ctx is done.
func (a *audience) waver(ctx context.Context, dice *rand.Rand, fickle []bridge.UID) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(50+dice.IntN(200)) * time.Millisecond):
		}
		uid := fickle[dice.IntN(len(fickle))]
		if a.watched(uid) {
			a.unwatch(uid)
		} else {
			a.watch(uid)
		}
	}
}
