package hub

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func TestFeedIsToldWhenItChanges(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	h := w.hub()
	h.hears(bridge.FeedLive)
	c := h.dial()
	welcome := c.expect("welcome")
	require.Equal(t, bridge.FeedLive, welcome.Feed.State)
	require.Positive(t, welcome.Feed.AsOf)
	w.look.feed.Store(&bridge.Feed{State: bridge.FeedDegraded, AsOf: 7, Reason: "the vendor answers 429", Codes: []bridge.FeedCode{bridge.FeedCallFailed, bridge.FeedOldLooks}})
	f := c.expectFeed(bridge.FeedDegraded)
	require.Equal(t, int64(7), f.AsOf)
	require.Equal(t, "the vendor answers 429", f.Reason)
	require.Equal(t, []bridge.FeedCode{bridge.FeedCallFailed, bridge.FeedOldLooks}, f.Codes)
	w.look.say(bridge.FeedLive)
	c.expectFeed(bridge.FeedLive)
}

// TestFeedSilence: a poller that says nothing is no poller, and every client learns it within three seconds. What was said before is told as the time up to which states were verified.
func TestFeedSilence(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		c := h.dial()
		require.Equal(t, bridge.FeedDown, c.expect("welcome").Feed.State)
		for range 10 {
			h.hear(bridge.Feed{State: bridge.FeedLive, AsOf: 42})
			time.Sleep(bridge.FeedEvery)
		}
		c.expectFeed(bridge.FeedLive)
		last := time.Now().Add(-bridge.FeedEvery)
		f := c.expectFeed(bridge.FeedDown)
		require.Equal(t, int64(42), f.AsOf)
		require.Equal(t, noPoller, f.Reason)
		require.Equal(t, []bridge.FeedCode{bridge.FeedNoPoller}, f.Codes)
		require.LessOrEqual(t, time.Since(last), 3*time.Second)
		synctest.Wait()
		require.Empty(t, c.frames, "once live, once down")
	})
}

// TestFeedWithoutNATS: a hub that cannot hear a poller does not say that there is none.
func TestFeedWithoutNATS(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	h := w.hub()
	h.hears(bridge.FeedLive)
	c := h.dial()
	c.expect("welcome")
	w.server.Stop()
	f := c.expectFeed(bridge.FeedDown)
	require.Equal(t, natsAway, f.Reason)
	require.Equal(t, []bridge.FeedCode{bridge.FeedNATSAway}, f.Codes)
}

// TestNobodyVouchesInSilence: between the last word of a poller and the moment the silence is noticed.
func TestNobodyVouchesInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := quietHub(t)
		h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
		h.hear(live())
		time.Sleep(bridge.FeedLost)
		s := greeted(t, h, grant{open: true})
		require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a"}, ""))
		require.Equal(t, []bridge.UID{"a"}, pulled(t, h, s)[0].Pending)
		h.hear(bridge.Feed{State: bridge.FeedDegraded})
		for _, f := range pulled(t, h, s) {
			require.Equal(t, "feed", f.Type, "nor does one that does not manage to look at everybody")
		}
	})
}

// TestTheFeedIsNotForStrangers: who has shown no token is told nothing, and then in the welcome how the feed is.
func TestTheFeedIsNotForStrangers(t *testing.T) {
	inBubble(t, func(c *Config) { c.Auth = hmacAuth }, func(t *testing.T, h *bubbleHub) {
		c := h.dial()
		h.hear(live())
		synctest.Wait()
		require.Empty(t, c.frames)
		c.say(fields{"type": "auth", "token": token(t, fields{"sub": "me"})})
		first := c.any()
		require.Equal(t, "welcome", first.Type)
		require.Equal(t, bridge.FeedLive, first.Feed.State)
	})
}
