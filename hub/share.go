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
	for s := newSharing(time.Now()); ; {
		others, err := h.otherSetters(ctx)
		if err != nil && ctx.Err() == nil && !h.bus.Away() {
			h.log.Warn("sharing the budget for setting presences", "error", err)
		}
		h.sharer.Share(easemob.KindSet, s.parts(others, err == nil, time.Now()))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sharing is what a hub knows of who shares the budget.
type sharing struct {
	since  time.Time // when it began, or was away from NATS last
	heard  time.Time // when it heard of the others last
	others int
}

func newSharing(now time.Time) *sharing { return &sharing{since: now, heard: now} }

// parts takes in a count of the others, if there was one, and is of how many parts of the budget the hub takes one now.
func (s *sharing) parts(others int, counted bool, now time.Time) int {
	switch {
	case counted:
		s.heard, s.others = now, others
	case now.Sub(s.heard) > unheardFor:
		s.since = now
	}
	return parts(s.others, now.Sub(s.since))
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
