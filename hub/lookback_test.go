package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// looksBack asks for a history that must be granted.
func (h *testHub) looksBack(uid string) (got historyAnswer) {
	h.t.Helper()
	a := h.ask("GET", "/v1/presence/"+uid+"/history", "")
	require.Equal(h.t, http.StatusOK, a.status, "%s", a.body)
	require.Contains(h.t, a.header.Get("Content-Type"), "application/json")
	require.NoError(h.t, json.Unmarshal(a.body, &got))
	return got
}

func TestLookBack(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	h := w.hub()
	h.hears(bridge.FeedLive)
	got := h.looksBack("new")
	require.Equal(t, bridge.UID("new"), got.UID)
	require.Equal(t, bridge.FeedLive, got.Feed.State)
	require.Empty(t, got.Changes)
	require.Nil(t, got.Subscription)
	body := string(h.ask("GET", "/v1/presence/new/history", "").body)
	require.Contains(t, body, `{"uid":"new","changes":[],"subscription":null,"feed":{"state":"live","as_of":`)
	require.False(t, h.watches("new"), "to ask is not to watch")

	for i := range bridge.MessagesPerUser + 2 {
		w.look.see("c2", online(fmt.Sprint(i)))
	}
	until := time.Now().Add(time.Hour).UnixMilli()
	require.NoError(t, w.look.bus.Subscribed(t.Context(), "c2", bridge.Subscription{Operator: "svc-secret", Since: 1, Until: until}))
	require.NoError(t, w.look.bus.Subscribed(t.Context(), "gone", bridge.Subscription{Operator: "svc-secret", Until: 1}))
	got = h.looksBack("C2")
	require.Len(t, got.Changes, bridge.MessagesPerUser)
	for i, c := range got.Changes {
		require.Equal(t, fmt.Sprint(bridge.MessagesPerUser+1-i), c.Ext, "the newest first")
		require.Equal(t, []string{bridge.ChangedExt}, c.Changed)
		require.Equal(t, fmt.Sprint(bridge.MessagesPerUser-i), c.Prev.Ext)
	}
	require.Equal(t, &subscribedUntil{Until: until}, got.Subscription)
	require.NotContains(t, string(h.ask("GET", "/v1/presence/c2/history", "").body), "svc-secret")
	require.Nil(t, h.looksBack("gone").Subscription, "what has ended is none")
	require.Equal(t, "bad_uid", h.ask("GET", "/v1/presence/a%20b/history", "").code(t))

	// A device may have that name all the same.
	require.Equal(t, "read_only", h.ask("PUT", "/v1/presence/c2/history", `{"status":"1"}`).code(t))
}

func TestLookBackRights(t *testing.T) {
	w := newWorld(t)
	w.look.see("team-7", online("1"))
	h := w.hub(func(c *Config) { c.Auth, c.AllowedOrigins = hmacAuth, []string{"https://app.example"} })
	ask := func(uid string, header ...string) answer {
		t.Helper()
		return h.ask("GET", "/v1/presence/"+uid+"/history", "", header...)
	}
	require.Equal(t, "token", ask("team-7").code(t))
	require.Equal(t, http.StatusUnauthorized, ask("team-7").status)
	mine := "Bearer " + token(t, fields{"watch": []string{"Alice", "team-*"}})
	for uid, status := range map[string]int{
		"team-7": 200, "TEAM-7": 200, "alice": 200, "team": 403, "alice2": 403, "me": 403,
	} {
		got := ask(uid, "Authorization", mine)
		require.Equal(t, status, got.status, "%s: %s", uid, got.body)
		if status != http.StatusOK {
			require.Equal(t, "not_allowed", got.code(t))
			require.NotContains(t, string(got.body), "changes")
		}
	}
	got := ask("team-7", "Authorization", mine, "Origin", "https://app.example")
	require.Equal(t, "https://app.example", got.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "origin_not_allowed", ask("team-7", "Authorization", mine, "Origin", "https://evil.example").code(t))
}

// TestLookBackIsBounded: one user has few places of many, and who finds none free is told so in time.
func TestLookBackIsBounded(t *testing.T) {
	h := newWorld(t).hub()
	look := func(key string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := h.lookBack(ctx, grant{open: true, key: key}, "a")
		return err
	}
	var done []func()
	for range lookingBackOfOne {
		free, err := h.startLookingBack(t.Context(), "mallory")
		require.NoError(t, err)
		done = append(done, free)
	}
	require.Equal(t, "over_a_limit", refusalOf(look("mallory")).Code)
	require.NoError(t, h.lookBackSoon("alice"), "others are not held up")
	for len(h.looking) < lookingBack {
		free, err := h.startLookingBack(t.Context(), "")
		require.NoError(t, err)
		done = append(done, free)
	}
	require.Equal(t, "over_a_limit", refusalOf(look("alice")).Code)
	for _, free := range done {
		free()
	}
	require.NoError(t, h.lookBackSoon("mallory"))
	h.peek(func() { require.Empty(t, h.subjects, "nobody is remembered") })
	require.Empty(t, h.looking)
}

// TestWhoLooksBackAndGoes is not told that NATS is away, and neither is the operator.
func TestWhoLooksBackAndGoes(t *testing.T) {
	log := &logged{}
	h := quietHub(t, func(c *Config) { c.Logger = log.logger() })
	gone := fmt.Errorf("reading: %w", context.Canceled)
	require.Equal(t, gone, h.lookBackRefusal(gone))
	require.Empty(t, log.String())
}

// TestWhoWaitsForAPlaceIsToldInTime that there is none.
func TestWhoWaitsForAPlaceIsToldInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, begun := quietHub(t), time.Now()
		for range lookingBack {
			h.looking <- struct{}{}
		}
		_, err := h.lookBack(t.Context(), grant{open: true, key: "me"}, "a")
		require.Equal(t, "over_a_limit", refusalOf(err).Code)
		require.Equal(t, lookBackWithin, time.Since(begun))
		require.Empty(t, h.subjects)
	})
}

func (h *testHub) lookBackSoon(key string) error {
	_, err := h.lookBack(h.t.Context(), grant{open: true, key: key}, "a")
	return err
}

// TestLookBackWhileNATSIsAway is told so at once, and the operator once.
func TestLookBackWhileNATSIsAway(t *testing.T) {
	w := newWorld(t)
	h := w.hub()
	w.server.Stop()
	require.Eventually(t, h.bus.Away, soon, often)
	begun := time.Now()
	for range 3 {
		got := h.ask("GET", "/v1/presence/a/history", "")
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.Equal(t, "nats_away", got.code(t))
		require.Equal(t, retryAfter, got.header.Get("Retry-After"))
	}
	require.Less(t, time.Since(begun), lookBackWithin)
	require.Contains(t, h.logged.String(), "reading a history")
	h.stop()
	require.Equal(t, 1, strings.Count(h.logged.String(), "reading a history"))
}

// TestWhatAHistoryMayShow within a grace: nothing that has yet to come here, and nothing of what is held back, also where
// the message that browsers are shown is gone and only the one that ended it tells where that was.
func TestWhatAHistoryMayShow(t *testing.T) {
	graceful := quietHub(t, func(c *Config) { c.OfflineGrace = time.Minute })
	here, away := online("here"), gone
	known := func(held *hold) *user {
		return &user{last: 5, change: &bridge.Change{UID: "u", State: away}, held: held}
	}
	for name, tt := range map[string]struct {
		hub    *Hub
		user   *user
		seq    uint64
		state  bridge.State
		unseen bool
	}{
		"the newest":              {graceful, known(nil), 5, away, false},
		"newer than the newest":   {graceful, known(nil), 6, here, true},
		"what is shown":           {graceful, known(&hold{seq: 4}), 4, here, false},
		"before what is shown":    {graceful, known(&hold{seq: 4}), 3, away, false},
		"what is held back":       {graceful, known(&hold{seq: 4}), 5, away, true},
		"the end of what is gone": {graceful, known(&hold{seq: 5}), 5, away, true},
		"of somebody unknown":     {graceful, nil, 9, away, false},
		"of whom nothing came":    {graceful, &user{}, 9, away, false},
		"without a grace":         {quietHub(t), known(nil), 6, here, false},
	} {
		require.Equal(t, tt.unseen, tt.hub.unseen(tt.user, entry(tt.seq, "u", tt.state, bridge.ChangedStatus)), name)
	}
}
