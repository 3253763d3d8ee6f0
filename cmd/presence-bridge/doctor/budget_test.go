package doctor

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestBudget sets invented numbers of users against invented budgets.
func TestBudget(t *testing.T) {
	const said = "\n                → "
	for name, test := range map[string]struct {
		watched, operators int
		rate               float64
		staleness          time.Duration
		says               []string
	}{
		"enough": {12_345, 5, 40, 30 * time.Second, []string{
			"✔ budget        12,345 users watched by 2 processes; 40 calls a second ask about all of them within 3.1 s, MAX_STALENESS is 30s",
			"✔ capacity      5 operators: 15,000 subscriptions for 12,345 users watched, 5 subscribed now"}},
		"a slow rate": {12_345, 5, 2, 30 * time.Second, []string{
			"✘ budget        12,345 users watched by 2 processes; 2 calls a second ask about all of them in no less than 1m2s, MAX_STALENESS is 30s" + said +
				"raise EASEMOB_RATE to 5 or more, or MAX_STALENESS to 1m2s"}},
		"a little too slow": {121_600, 50, 40, 30 * time.Second, []string{
			"✘ budget        121,600 users watched by 2 processes; 40 calls a second ask about all of them in no less than 31s, MAX_STALENESS is 30s" + said +
				"raise EASEMOB_RATE to 41 or more, or MAX_STALENESS to 31s"}},
		"more than the vendor gives": {200_001, 70, 40, 30 * time.Second, []string{
			"✘ budget        200,001 users watched by 2 processes; 40 calls a second ask about all of them in no less than 51s, MAX_STALENESS is 30s" + said +
				"raise MAX_STALENESS to 51s, or buy more calls from the vendor and raise EASEMOB_RATE to 67"}},
		"a rate that the vendor does not document": {1, 1, 80, 30 * time.Second, []string{
			"✔ budget        1 user watched by 2 processes; 80 calls a second ask about all of them within 12 ms, MAX_STALENESS is 30s",
			"! budget        EASEMOB_RATE is 80: the vendor documents 50 calls a second of each kind for an app" + said +
				"lower EASEMOB_RATE, unless the vendor has sold you more"}},
		"too few operators": {6_001, 1, 40, 30 * time.Second, []string{
			"! capacity      1 operator: 3,000 subscriptions for 6,001 users watched, 5 subscribed now; 3,001 users without, to be polled all the same" + said +
				"name 2 operators more in EASEMOB_OPERATORS"}},
		"just as many as one more carries": {6_000, 1, 40, 30 * time.Second, []string{
			"! capacity      1 operator: 3,000 subscriptions for 6,000 users watched, 5 subscribed now; 3,000 users without, to be polled all the same" + said +
				"name 1 operator more in EASEMOB_OPERATORS"}},
		"one too few": {3_001, 1, 40, 30 * time.Second, []string{
			"! capacity      1 operator: 3,000 subscriptions for 3,001 users watched, 5 subscribed now; 1 user without, to be polled all the same" + said +
				"name 1 operator more in EASEMOB_OPERATORS"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := sound("", "")
			p.Rate, p.MaxStaleness, p.Operators = test.rate, test.staleness, make([]string, test.operators)
			census := bridge.Census{Holders: 2, Watched: test.watched, Subscribed: map[string]int{"a": 2, "b": 3}}
			var f findings
			p.tellBudget(&f, census)
			p.tellCapacity(&f, census)
			reported(t, f.list).says(test.says...)
		})
	}
}

func TestOnlineSubscribesNobody(t *testing.T) {
	p := sound("", "")
	p.Online, p.Keeps, p.Operators = true, false, nil
	var f findings
	p.tellCapacity(&f, bridge.Census{Watched: 5000})
	reported(t, f.list).says("– capacity      not needed: EASEMOB_STATUS=online subscribes nobody")
}

// TestTheAdviceHolds holds that who does as told has a budget that is enough.
func TestTheAdviceHolds(t *testing.T) {
	for watched := 1; watched < 300_000; watched += 997 {
		p := Plan{Rate: 3, MaxStaleness: 7 * time.Second}
		turn := p.turn(watched)
		if turn <= p.MaxStaleness {
			continue
		}
		faster, slower := p, p
		faster.Rate = p.rateFor(watched)
		require.LessOrEqual(t, faster.turn(watched), p.MaxStaleness)
		var err error
		slower.MaxStaleness, err = time.ParseDuration(ceilSeconds(turn))
		require.NoError(t, err)
		require.LessOrEqual(t, turn, slower.MaxStaleness)
	}
	p := Plan{Rate: 40, MaxStaleness: 30 * time.Second}
	require.LessOrEqual(t, p.turn(p.affords()), p.MaxStaleness)
	require.Greater(t, p.turn(p.affords()+1), p.MaxStaleness)
}

// TestWhoIsWatchedIsCounted is a real registry and a real ledger.
func TestWhoIsWatchedIsCounted(t *testing.T) {
	url, b := opened(t)
	ctx := within(t, 20*time.Second)
	h := bridge.NewHolder(b, "hub-1")
	h.Watch("alice", "bob", "carol")
	running, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(running) }()
	require.NoError(t, b.Subscribed(ctx, "alice", bridge.Subscription{Operator: "svc-1", Until: time.Now().Add(time.Hour).UnixMilli()}))
	const want = "✔ budget        3 users watched by 1 process; 0.05 calls a second ask about all of them within 20 s, MAX_STALENESS is 30s"
	var r report
	require.Eventually(t, func() bool {
		r = linked(t, url, func(p *Plan) { p.Rate = 0.05 })
		return r.contains(want)
	}, 15*time.Second, 20*time.Millisecond)
	r.says(want, "✔ capacity      1 operator: 3,000 subscriptions for 3 users watched, 1 subscribed now")
	stop()
	require.NoError(t, <-done)
}
