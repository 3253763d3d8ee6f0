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
	for began := time.Now(); ; {
		if others, err := h.otherSetters(ctx); err == nil {
			h.sharer.Share(easemob.KindSet, parts(others, time.Since(began)))
		} else if ctx.Err() == nil { // the share of before stands
			h.log.Warn("sharing the budget for setting presences", "error", err)
		}
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

// parts is of how many parts of the budget a hub takes one.
func parts(others int, lived time.Duration) int {
	if others > 0 && lived < gentlyFor {
		return gently * (others + 1)
	}
	return others + 1
}
