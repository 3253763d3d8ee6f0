package hub

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	tendEvery   = time.Second
	listenEvery = 250 * time.Millisecond // how late silence is noticed
	noPoller    = "no poller is active"
	natsAway    = "NATS is away"
)

// hear takes in what the active poller says of the feed.
func (h *Hub) hear(f bridge.Feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feedHeard = time.Now()
	h.setFeed(feedState{State: f.State, AsOf: f.AsOf, Reason: f.Reason, Codes: f.Codes})
	h.vouch()
}

// setFeed takes a state of the feed for the present one, and tells everybody where it is another: browsers
// need to know that what they show is stale, not each second how well it goes. The caller holds mu.
func (h *Hub) setFeed(f feedState) {
	other := f.State != h.feed.State
	h.feed = f
	h.metrics.feed(f.State)
	if !other {
		return
	}
	for s := range h.sessions.all() {
		if s.greeted {
			s.feed = true
			h.nudge(s)
		}
	}
}

// feedLive says whether the poller vouches for everybody watched. The caller holds mu.
func (h *Hub) feedLive() bool {
	return h.feed.State == bridge.FeedLive && time.Since(h.feedHeard) < bridge.FeedLost
}

// tend does what nobody's message makes happen: it notices that the poller has fallen silent, and lets go of
// users whom nobody watches any more.
func (h *Hub) tend(ctx context.Context) error {
	tick, listen := time.NewTicker(tendEvery), time.NewTicker(listenEvery)
	defer tick.Stop()
	defer listen.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-listen.C:
			h.mu.Lock()
			h.noticeSilence(now)
			h.mu.Unlock()
		case now := <-tick.C:
			h.mu.Lock()
			h.endLeases(now)
			h.letGo(now)
			h.forgetSetters(now)
			h.metrics.gauges(h.sessions.len(), len(h.wanted), len(h.unvouched), h.grace.size())
			h.mu.Unlock()
		}
	}
}

func (h *Hub) noticeSilence(now time.Time) {
	if h.feed.State == bridge.FeedDown || now.Sub(h.feedHeard) < bridge.FeedLost {
		return
	}
	down := unheardOf()
	if h.bus.Away() {
		down.Reason, down.Codes = natsAway, []bridge.FeedCode{bridge.FeedNATSAway}
	}
	down.AsOf = h.feed.AsOf
	h.setFeed(down)
}

// unheardOf is the feed while no poller is heard.
func unheardOf() feedState {
	return feedState{State: bridge.FeedDown, Reason: noPoller, Codes: []bridge.FeedCode{bridge.FeedNoPoller}}
}
