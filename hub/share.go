package hub

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

const (
	shareEvery = 2 * time.Second // the hubs that set presences are counted

	// gently is the part of its share that a hub takes until the others have heard of it: together they stay within
	// the budget.
	gently    = 40
	gentlyFor = 2 * shareEvery

	// atOnce is how many hubs may begin at the same moment without knowing of each other, as those that are deployed
	// together do.
	atOnce = 4

	// unheardFor is how long a hub may be away from NATS and keep its share: well before the others take it for dead.
	unheardFor = 10 * time.Second
)

// Sharer is a [Setter] whose budget is that of all hubs together, as *easemob.Client is.
type Sharer interface {
	// Share takes one part of so many of the budget of a kind of call.
	Share(kind easemob.Kind, parts int)
}

// shareSets divides the vendor's budget for setting presences by how many hubs there are.
func (h *Hub) shareSets(ctx context.Context) error {
	if h.sharer == nil {
		return nil
	}
	tick := time.NewTicker(shareEvery)
	defer tick.Stop()
	since, others := time.Now(), 0 // when we began, or were away from NATS last
	for heard := since; ; {
		if n, err := h.otherSetters(ctx); err == nil {
			heard, others = time.Now(), n
		} else if ctx.Err() == nil {
			h.log.Warn("sharing the budget for setting presences", "error", err)
			if time.Since(heard) > unheardFor {
				since = time.Now()
			}
		}
		h.sharer.Share(easemob.KindSet, parts(others, time.Since(since)))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// otherSetters counts the hubs beside this one, which may or may not have said that it lives.
func (h *Hub) otherSetters(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, shareEvery)
	defer cancel()
	return h.bus.Setters(ctx, h.holder.ID())
}

// parts is of how many parts of the budget a hub takes one. Where no other is known one may have begun at the same moment.
func parts(others int, lived time.Duration) int {
	switch {
	case lived >= gentlyFor:
		return others + 1
	case others == 0:
		return atOnce
	}
	return gently * (others + 1)
}
