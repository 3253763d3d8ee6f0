package easemob_test

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// start runs an emulator and a client of it, who share nothing but the wire.
func start(t *testing.T, o emulator.Options, c easemob.Config) (*easemob.Client, *emulator.Server) {
	t.Helper()
	o.Org, o.App, o.Paused, o.Users, o.ListLag = "demo", "presence", true, -1, -1
	server, err := emulator.New(o)
	require.NoError(t, err)
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	c.URL = web.URL
	if c.AppID == "" {
		c.Org, c.App = "demo", "presence"
	}
	if c.Token == "" && c.ClientID == "" {
		c.ClientID, c.ClientSecret = "id", "secret"
	}
	client, err := easemob.New(c)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client, server
}

// TestConformance makes every call against the emulator, in each of the shapes that it can answer in.
func TestConformance(t *testing.T) {
	for name, tt := range map[string]struct {
		o emulator.Options
		c easemob.Config
	}{
		"strings":          {},
		"numbers":          {o: emulator.Options{Numbers: true}},
		"app id":           {o: emulator.Options{AppID: "x1"}, c: easemob.Config{AppID: "x1"}},
		"fixed token":      {o: emulator.Options{Token: "fixed"}, c: easemob.Config{Token: "fixed"}},
		"double keys":      {o: emulator.Options{Faults: emulator.Faults{DuplicateKeyRate: 1}}},
		"short-lived":      {o: emulator.Options{TokenTTL: time.Second}},
		"must subscribe":   {o: emulator.Options{NeedSubscription: true}},
		"milliseconds":     {o: emulator.Options{Milliseconds: true}},
		"and numbers":      {o: emulator.Options{Milliseconds: true, Numbers: true}},
		"keeps case":       {o: emulator.Options{KeepCase: true}},
		"any order":        {o: emulator.Options{AnyOrder: true, Seed: 3}},
		"unknown left out": {o: emulator.Options{OmitUnknown: true}},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := start(t, tt.o, tt.c)
			everyCall(t, client)
		})
	}
}

func everyCall(t *testing.T, c *easemob.Client) {
	ctx, began := t.Context(), time.Now().Add(-2*time.Second)
	require.NoError(t, c.SetPresence(ctx, "C1", "web_1", "1", `busy "你"`))
	require.NoError(t, c.SetPresence(ctx, "c2", "android", "0", ""))

	sub, err := c.Subscribe(ctx, "svc", []string{"c1", "C2"}, time.Hour)
	require.NoError(t, err)
	assert.Empty(t, sub.Missing)
	assert.Equal(t, map[string]string{"web_1": "1"}, sub.Presences["c1"].Status)
	assert.WithinDuration(t, time.Now().Add(time.Hour), sub.Presences["c2"].Expiry, 10*time.Second)

	got, err := c.Get(ctx, "svc", []string{"c1", "C2"})
	require.NoError(t, err)
	assert.Empty(t, got.Missing)
	assert.Equal(t, `busy "你"`, got.Presences["c1"].Ext)
	assert.True(t, got.Presences["c1"].LastTime.After(began))
	assert.Equal(t, map[string]string{"android": "0"}, got.Presences["c2"].Status)

	list, err := c.AllSubscriptions(ctx, "svc", nil)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.NoError(t, c.Unsubscribe(ctx, "svc", []string{"c2"}))
	page, err := c.Subscriptions(ctx, "svc", 1, 100)
	require.NoError(t, err)
	require.Len(t, page.Subscriptions, 1)
	assert.Equal(t, 1, page.Total)
	assert.Equal(t, "c1", page.Subscriptions[0].UID)
	assert.Equal(t, sub.Presences["c1"].Expiry, page.Subscriptions[0].Expiry)

	words, err := c.Online().GetNow(ctx, "", []string{"C1", "c2", "nobody"})
	require.NoError(t, err)
	assert.Equal(t, map[string]easemob.Presence{"c1": {UID: "c1", Online: true}, "c2": {UID: "c2"}, "nobody": {UID: "nobody"}}, words.Presences)
}

// TestAppsWithoutPresence have batch status all the same.
func TestAppsWithoutPresence(t *testing.T) {
	c, server := start(t, emulator.Options{NotActivated: true}, easemob.Config{})
	server.SetUser("c1", map[string]string{"web": "100"}, "")
	got, err := c.Online().GetNow(t.Context(), "", []string{"c1", "c2"})
	require.NoError(t, err)
	assert.Equal(t, map[string]easemob.Presence{"c1": {UID: "c1", Online: true}, "c2": {UID: "c2"}}, got.Presences)
	assert.Empty(t, got.Missing)
	_, err = c.Get(t.Context(), "svc", []string{"c1"})
	assert.True(t, easemob.IsNotActivated(err), err)
	assert.ErrorContains(t, err, "EASEMOB_STATUS=online")
}

// TestTokensRevokedAtTheVendor under many calls are replaced by one.
func TestTokensRevokedAtTheVendor(t *testing.T) {
	c, server := start(t, emulator.Options{LimitPerS: -1, TokenBan: 5}, easemob.Config{Rate: 1e4})
	_, err := c.Get(t.Context(), "svc", []string{"a"})
	require.NoError(t, err)
	server.RevokeTokens()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, err := c.Get(t.Context(), "svc", []string{"a"})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	stats := server.Stats()
	assert.Equal(t, 2, stats.Calls["token"])
	assert.Positive(t, stats.Rejected["401"])
}

func TestUnknownUsersAreOfflineNotMissing(t *testing.T) {
	c, _ := start(t, emulator.Options{}, easemob.Config{})
	got, err := c.Get(t.Context(), "svc", []string{"u10000"})
	require.NoError(t, err)
	require.Contains(t, got.Presences, "u10000")
	assert.Empty(t, got.Presences["u10000"].Status)
	assert.Zero(t, got.Presences["u10000"].LastTime)
}

func TestUsersLeftOutAreMissing(t *testing.T) {
	for name, o := range map[string]emulator.Options{
		"lost":           {Faults: emulator.Faults{DropEntryRate: 1}},
		"not subscribed": {NeedSubscription: true},
		"nameless":       {Faults: emulator.Faults{EmptyUIDRate: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t, o, easemob.Config{})
			got, err := c.Get(t.Context(), "svc", []string{"a", "B"})
			require.NoError(t, err)
			assert.Empty(t, got.Presences)
			assert.Equal(t, []string{"a", "b"}, got.Missing)
		})
	}
}

func TestOneNamelessUserIsFound(t *testing.T) {
	c, _ := start(t, emulator.Options{Faults: emulator.Faults{EmptyUIDRate: 1}}, easemob.Config{})
	got, err := c.Get(t.Context(), "svc", []string{"a"})
	require.NoError(t, err)
	assert.Contains(t, got.Presences, "a")
}

func TestFaultsAreToldApart(t *testing.T) {
	for name, tt := range map[string]struct {
		o  emulator.Options
		c  easemob.Config
		is func(error) bool
	}{
		"not switched on":   {emulator.Options{NotActivated: true}, easemob.Config{}, easemob.IsNotActivated},
		"as the platform":   {emulator.Options{NotActivated: true, ErrorShape: "platform"}, easemob.Config{}, easemob.IsNotActivated},
		"too many queries":  {emulator.Options{LimitPerS: 1, TooManyQueries: true, Faults: emulator.Faults{ClientCallsPerS: 1}}, easemob.Config{}, easemob.IsThrottled},
		"too many, bare":    {emulator.Options{LimitPerS: 1, TooManyQueries: true, ErrorShape: "bare", Faults: emulator.Faults{ClientCallsPerS: 1}}, easemob.Config{}, easemob.IsThrottled},
		"too many, of both": {emulator.Options{LimitPerS: 1, TooManyQueries: true, ErrorShape: "platform", Faults: emulator.Faults{ClientCallsPerS: 1}}, easemob.Config{}, easemob.IsThrottled},
		"reach_limit":       {emulator.Options{Faults: emulator.Faults{ErrorRate: 1, ErrorStatus: 429}}, easemob.Config{}, easemob.IsThrottled},
		"busy":              {emulator.Options{Faults: emulator.Faults{ErrorRate: 1, ErrorStatus: 503}}, easemob.Config{}, easemob.IsThrottled},
		"broken":            {emulator.Options{Faults: emulator.Faults{ErrorRate: 1, ErrorStatus: 502}}, easemob.Config{}, easemob.IsRetryable},
		"reset":             {emulator.Options{Faults: emulator.Faults{ResetRate: 1}}, easemob.Config{}, easemob.IsRetryable},
		"outage":            {emulator.Options{Faults: emulator.Faults{Outage: true}}, easemob.Config{}, easemob.IsRetryable},
		"slow":              {emulator.Options{Faults: emulator.Faults{LatencyMS: 2000}}, easemob.Config{Timeout: 50 * time.Millisecond}, easemob.IsRetryable},
		"another secret":    {emulator.Options{}, easemob.Config{ClientID: "id", ClientSecret: "wrong"}, easemob.IsUnauthorized},
		"another's token":   {emulator.Options{}, easemob.Config{Token: "wrong"}, easemob.IsUnauthorized},
		"another's app id":  {emulator.Options{}, easemob.Config{AppID: "nobody"}, func(err error) bool { return err != nil && !easemob.IsRetryable(err) }},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t, tt.o, tt.c)
			_, err := c.Get(t.Context(), "svc", []string{"a"})
			require.Error(t, err)
			assert.True(t, tt.is(err), err)
		})
	}
}

// TestFaultsNeverInventAState: under everything that goes wrong at once, the whole call fails, or single users
// are missing, or all is as it truly is.
func TestFaultsNeverInventAState(t *testing.T) {
	c, server := start(t, emulator.Options{LimitPerS: -1}, easemob.Config{Rate: 1e4})
	uids := make([]string, 20)
	for i := range uids {
		uids[i] = fmt.Sprintf("u%d", i)
		require.NoError(t, c.SetPresence(t.Context(), uids[i], "web", "1", uids[i]))
	}
	require.NoError(t, server.SetFaults(emulator.Faults{
		MalformedRate: 0.3, ResetRate: 0.1, ErrorRate: 0.1, ErrorStatus: 502, DropEntryRate: 0.05, DuplicateKeyRate: 0.3, EmptyUIDRate: 0.05,
	}))
	var failed, missing, right int
	for range 300 {
		got, err := c.Get(t.Context(), "svc", uids)
		if err != nil {
			require.True(t, easemob.IsRetryable(err), err)
			failed++
			continue
		}
		missing += len(got.Missing)
		for uid, p := range got.Presences {
			require.Equal(t, map[string]string{"web": "1"}, p.Status)
			require.Equal(t, uid, p.Ext)
			right++
		}
	}
	assert.True(t, failed > 0 && missing > 0 && right > 0, "%d calls failed, %d users missing, %d right", failed, missing, right)
}

// TestBudgetIsKeptAtTheVendor asks as fast as it may, over real sockets and by the real clock, of a vendor with
// little patience. (To the call, the promise is held by TestServerNeverSeesMoreThanTheRate, where no busy machine
// comes between.)
func TestBudgetIsKeptAtTheVendor(t *testing.T) {
	c, _ := start(t, emulator.Options{LimitPerS: 44}, easemob.Config{Rate: 40})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, err := c.Get(t.Context(), "svc", []string{"a"})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
}
