package poller

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

func notActivated(t *testing.T) error {
	t.Helper()
	err := vendorSays(t, 400, `{"result":"the app not open presence"}`)
	require.True(t, easemob.IsNotActivated(err))
	return err
}

func TestHealth(t *testing.T) {
	away := &easemob.Error{Kind: easemob.KindGet, Status: 429, Code: "reach_limit", Message: "slow down"}
	well := figures{
		watched: 12000, oldest: noon.Add(-3 * time.Second), turn: 3 * time.Second, callsPerS: 40,
		began: noon.Add(-time.Hour), quietSince: noon, maxStaleness: 30 * time.Second, revisit: 500 * time.Millisecond, rate: 40, budget: 40,
	}
	for _, tt := range []struct {
		name   string
		but    func(*figures)
		state  bridge.FeedState
		asOf   time.Time
		reason []string // all of them in it; none: there is none
		codes  []bridge.FeedCode
	}{
		{"well", func(*figures) {}, bridge.FeedLive, noon.Add(-3 * time.Second), nil, nil},
		{"nobody watched", func(f *figures) { *f = figures{rate: 40, budget: 40, maxStaleness: time.Second} }, bridge.FeedLive, noon, nil, nil},
		{"nobody known yet", func(f *figures) { f.oldest, f.unknown = time.Time{}, 12000 }, bridge.FeedLive, noon, nil, nil},
		{"another machine's clock", func(f *figures) { f.oldest = noon.Add(time.Hour) }, bridge.FeedLive, noon, nil, nil},
		{"at the edge", func(f *figures) { f.oldest = noon.Add(-30 * time.Second) }, bridge.FeedLive, noon.Add(-30 * time.Second), nil, nil},
		{"one failed call", func(f *figures) { f.err = away }, bridge.FeedLive, noon.Add(-3 * time.Second), nil, nil},
		{"users without an answer", func(f *figures) { f.oldest, f.gaps = noon.Add(-41*time.Second), 37 },
			bridge.FeedDegraded, noon.Add(-41 * time.Second), []string{"the oldest look is 41 s old, MAX_STALENESS is 30s", "leave out 37 users", "EASEMOB_OPERATORS"}, []bridge.FeedCode{bridge.FeedOldLooks, bridge.FeedUsersLeftOut}},
		{"calls fail now and then", func(f *figures) { f.oldest, f.err = noon.Add(-41*time.Second), away },
			bridge.FeedDegraded, noon.Add(-41 * time.Second), []string{"the last call failed: easemob get: 429 reach_limit"}, []bridge.FeedCode{bridge.FeedOldLooks, bridge.FeedCallFailed}},
		{"just taken over", func(f *figures) { f.oldest, f.began = noon.Add(-24*time.Hour), noon.Add(-2*time.Second) },
			bridge.FeedDegraded, noon.Add(-24 * time.Hour), []string{"took over 2.0 s ago", "86,400 s old"}, []bridge.FeedCode{bridge.FeedOldLooks, bridge.FeedTakenOver}},
		{"newcomers wait", func(f *figures) { f.waiting = noon.Add(-31 * time.Second) },
			bridge.FeedDegraded, noon.Add(-3 * time.Second), []string{"somebody has waited 31 s for the first look, MAX_STALENESS is 30s"}, []bridge.FeedCode{bridge.FeedNewcomersWait}},
		{"a newcomer waits a little", func(f *figures) { f.waiting = noon.Add(-30 * time.Second) }, bridge.FeedLive, noon.Add(-3 * time.Second), nil, nil},
		{"NATS takes nothing", func(f *figures) { f.unwritten = noon.Add(-6 * time.Second) },
			bridge.FeedDegraded, noon.Add(-3 * time.Second), []string{"what was seen could not be written to NATS for 6.0 s"}, []bridge.FeedCode{bridge.FeedNotWritten}},
		{"slow answers", func(f *figures) { f.oldest, f.turn = noon.Add(-41*time.Second), 41*time.Second },
			bridge.FeedDegraded, noon.Add(-41 * time.Second), []string{"looking at all 12,000 users takes 41 s"}, []bridge.FeedCode{bridge.FeedOldLooks, bridge.FeedSlowAnswers}},
		{"too many users", func(f *figures) { f.watched, f.oldest = 200000, noon.Add(-50*time.Second) },
			bridge.FeedDegraded, noon.Add(-50 * time.Second), []string{"200,000 users at 40 calls a second take 50 s: raise EASEMOB_RATE to 67, or MAX_STALENESS (30s) to 50s"}, []bridge.FeedCode{bridge.FeedOldLooks, bridge.FeedRateTooLow}},
		{"too many users, not yet late", func(f *figures) { f.watched = 200000 },
			bridge.FeedDegraded, noon.Add(-3 * time.Second), []string{"200,000 users at 40 calls a second take 50 s"}, []bridge.FeedCode{bridge.FeedRateTooLow}},
		{"the app's own clients call", func(f *figures) { f.budget = 3.2 },
			bridge.FeedDegraded, noon.Add(-3 * time.Second), []string{"12,000 users at 3.2 calls a second take 37 s: the vendor refuses more", "so that 4 go through, or raise MAX_STALENESS (30s) to 38s"}, []bridge.FeedCode{bridge.FeedLimitTooLow}},
		{"no call has succeeded of late", func(f *figures) { f.quietSince, f.err = noon.Add(-4*time.Second), away },
			bridge.FeedDegraded, noon.Add(-3 * time.Second), []string{"no call to the vendor has succeeded for 4.0 s: easemob get: 429"}, []bridge.FeedCode{bridge.FeedVendorFails}},
		{"no call has come back of late", func(f *figures) { f.quietSince = noon.Add(-4 * time.Second) },
			bridge.FeedDegraded, noon.Add(-3 * time.Second), []string{"the vendor has answered no call for 4.0 s: is EASEMOB_URL reachable?"}, []bridge.FeedCode{bridge.FeedVendorSilent}},
		{"no call succeeds", func(f *figures) { f.quietSince, f.err, f.unknown = noon.Add(-8*time.Second), away, 1 },
			bridge.FeedDown, noon.Add(-3 * time.Second), []string{"no call to the vendor has succeeded for 8.0 s", "429", "1 user wait"}, []bridge.FeedCode{bridge.FeedVendorFails, bridge.FeedUnknownUsers}},
		{"no call comes back", func(f *figures) { f.quietSince = noon.Add(-80 * time.Second) },
			bridge.FeedDown, noon.Add(-3 * time.Second), []string{"the vendor has answered no call for 80 s"}, []bridge.FeedCode{bridge.FeedVendorSilent}},
		{"no call succeeds, for nobody", func(f *figures) { f.quietSince, f.watched = noon.Add(-8*time.Second), 0 },
			bridge.FeedLive, noon.Add(-3 * time.Second), nil, nil},
		{"a budget of a call in ten seconds", func(f *figures) { f.quietSince, f.rate, f.watched = noon.Add(-8*time.Second), 0.1, 90 },
			bridge.FeedLive, noon.Add(-3 * time.Second), nil, nil},
		{"users without an answer, whom no operator asks for", func(f *figures) { f.oldest, f.gaps, f.nameless = noon.Add(-41*time.Second), 37, true },
			bridge.FeedDegraded, noon.Add(-41 * time.Second), []string{"leave out 37 users: do they exist?"}, []bridge.FeedCode{bridge.FeedOldLooks, bridge.FeedUsersLeftOut}},
		{"refused for good", func(f *figures) { f.err = notActivated(t) },
			bridge.FeedDown, noon.Add(-3 * time.Second), []string{"the vendor refuses us", "EASEMOB_STATUS=online"}, []bridge.FeedCode{bridge.FeedVendorRefuses}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := well
			tt.but(&f)
			got := health(noon, f)
			require.Equal(t, tt.state, got.State, got.Reason)
			require.Equal(t, tt.asOf.UnixMilli(), got.AsOf)
			require.Equal(t, f.watched, got.Watched)
			require.Equal(t, f.turn.Milliseconds(), got.SweepMS)
			require.Equal(t, len(tt.reason) == 0, got.Reason == "", got.Reason)
			require.Equal(t, tt.codes, got.Codes, "what is said in words is said for programs")
			for _, part := range tt.reason {
				require.Contains(t, got.Reason, part)
			}
		})
	}
}

// TestDegradedComesBeforeDown where the vendor falls silent, whatever the settings are: told once a second, at whatever
// moment of it.
func TestDegradedComesBeforeDown(t *testing.T) {
	for _, rate := range []float64{0.1, 1, 40} {
		for _, f := range []figures{
			{maxStaleness: time.Second, revisit: 100 * time.Millisecond}, {maxStaleness: 30 * time.Second, revisit: 500 * time.Millisecond},
			{maxStaleness: time.Hour, revisit: time.Second}, {maxStaleness: time.Hour, revisit: time.Minute},
		} {
			for late := range 10 {
				f.watched, f.rate, f.budget, f.oldest, f.quietSince = 1, rate, rate, noon, noon
				told := []bridge.FeedState{bridge.FeedLive}
				for now := noon.Add(time.Duration(late) * bridge.FeedEvery / 10); told[len(told)-1] != bridge.FeedDown; now = now.Add(bridge.FeedEvery) {
					if state := health(now, f).State; state != told[len(told)-1] {
						told = append(told, state)
					}
				}
				require.Equal(t, []bridge.FeedState{bridge.FeedLive, bridge.FeedDegraded, bridge.FeedDown}, told, "%+v", f)
			}
		}
	}
}

func TestASuccessForgivesTheFailureBefore(t *testing.T) {
	a := answers{quietSince: noon}
	a.failure(notActivated(t))
	require.Error(t, a.err)
	require.Equal(t, noon, a.quietSince)
	a.success(noon.Add(time.Second))
	require.NoError(t, a.err)
	require.Equal(t, noon.Add(time.Second), a.quietSince)
	require.Equal(t, 1, a.count)
}
