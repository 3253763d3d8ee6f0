package bridge

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFeedAndHintsReachEverybody(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	from, to := busAt(t, srv, quick), busAt(t, srv, quick)
	feeds, hints := make(chan Feed, 8), make(chan Hint, 8)
	feedSub, err := to.SubscribeFeed(func(f Feed) { feeds <- f })
	require.NoError(t, err)
	hintSub, err := to.SubscribeHints(func(h Hint) { hints <- h })
	require.NoError(t, err)
	require.NoError(t, to.nc.Flush())

	require.NoError(t, from.nc.Publish(demoApp.FeedSubject(), []byte("garbage")))
	require.NoError(t, from.nc.Publish(demoApp.HintSubject(), []byte("garbage")))
	feed := Feed{State: FeedDegraded, AsOf: 1644466065100, Watched: 12345, SweepMS: 3100, CallsPerS: 39.5, Reason: "429"}
	require.NoError(t, from.PublishFeed(feed))
	require.NoError(t, from.PublishHint(Hint{UID: "alice", Source: SourceBridge}))
	require.Equal(t, feed, <-feeds, "what does not decode is passed over")
	require.Equal(t, Hint{UID: "alice", Source: SourceBridge}, <-hints)
	require.NoError(t, feedSub.Unsubscribe())
	require.NoError(t, hintSub.Unsubscribe())
}

func TestFeedHasTheDocumentedFields(t *testing.T) {
	require.JSONEq(t, `{"state":"live","as_of":1,"watched":2,"sweep_ms":3,"calls_per_s":4,"reason":"r","codes":["old_looks"]}`,
		string(encoded(t, Feed{State: FeedLive, AsOf: 1, Watched: 2, SweepMS: 3, CallsPerS: 4, Reason: "r", Codes: []FeedCode{FeedOldLooks}})))
}

// TestFeedCodesAreBounded: every browser is sent them, whoever said them.
func TestFeedCodesAreBounded(t *testing.T) {
	long, many := strings.Repeat("x", maxFeedCode+1), strings.Repeat(`,"y"`, 2*maxFeedCodes)
	f, err := DecodeFeed([]byte(`{"state":"down","codes":["","` + long + `"` + many + `]}`))
	require.NoError(t, err)
	require.Equal(t, slices.Repeat([]FeedCode{"y"}, maxFeedCodes-2), f.Codes)
}

func FuzzDecodeFeed(f *testing.F) {
	f.Add([]byte(`{"state":"live","as_of":1,"watched":2}`))
	f.Add([]byte(`{"state":"fine"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if feed, err := DecodeFeed(data); err == nil {
			require.Contains(t, []FeedState{FeedLive, FeedDegraded, FeedDown}, feed.State)
		}
	})
}

func FuzzDecodeHint(f *testing.F) {
	f.Add([]byte(`{"uid":"Alice","source":"hint"}`))
	f.Add([]byte(`{"uid":"a","source":"poll"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := DecodeHint(data)
		if err != nil {
			return
		}
		uid, err := ParseUID(string(h.UID))
		require.NoError(t, err)
		require.Equal(t, uid, h.UID)
		require.Contains(t, []Source{SourceHint, SourceBridge}, h.Source)
	})
}
