package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestForecast(t *testing.T) {
	usual := Load{Watched: 50_000, Rate: 40, MaxStaleness: 30 * time.Second, SubscriptionTTL: 24 * time.Hour, MaxConnections: 100_000}
	const whence = "an estimate by this project's benchmark, which is of made-up people, without the time that the vendor takes"
	for name, c := range map[string]struct {
		change func(*Load)
		says   []string
		failed int
	}{
		"the usual": {func(*Load) {}, []string{
			"✔ looks         40 calls a second for 100 users each are 4,000 looks a second",
			"✔ turn          a look at each of 50,000 users takes 12.5 s: MAX_STALENESS of 30s holds, with calls for up to 120,000 users",
			"✔ lag           a change is seen after 0.94 s in the mean over all who watch, and 2.2 s over users, where turns in order would take 6.2 s; " + whence,
			"✔ operators     17 operators for 50,000 subscriptions, 3,000 each",
			"✔ renewal       0.52 to 0.69 calls a minute renew subscriptions of 24h; the first ones of all take 12.5 s",
			"– hubs          not told: --clients says how many browsers there are",
			"✔ disk          some 489 MiB at NATS, 10 KiB a user, in one copy",
		}, 0},
		"little room": {func(l *Load) { l.MaxStaleness = 15 * time.Second }, []string{
			"✔ lag           a change is seen after 0.94 to 6.2 s in the mean over all who watch, the sooner the more MAX_STALENESS is above a turn; " + whence,
		}, 0},
		"too many": {func(l *Load) { l.Watched = 200_000 }, []string{
			"✘ turn          a look at each of 200,000 users takes 50.0 s: MAX_STALENESS of 30s cannot hold, and the feed would be degraded; nobody is looked at later than after 75.0 s\n" +
				"                → raise MAX_STALENESS to 50s, or buy more calls from the vendor and raise EASEMOB_RATE to 67",
			"– lag           not told: MAX_STALENESS has to hold first",
		}, 1},
		"a rate that helps": {func(l *Load) { l.Watched, l.Rate = 50_000, 10 }, []string{
			"                → raise EASEMOB_RATE to 17 or more, or MAX_STALENESS to 50s",
		}, 1},
		"a rate that is next to nothing": {func(l *Load) { l.Rate = 1e-9 }, []string{
			"✘ turn          a look at each of 50,000 users takes 1576800000.0 s: MAX_STALENESS of 30s cannot hold, and the feed would be degraded; nobody is looked at later than after 2365200000.0 s\n" +
				"                → raise EASEMOB_RATE to 17 or more, or MAX_STALENESS to 438000h0m0s",
		}, 2},
		"more than the vendor documents": {func(l *Load) { l.Rate = 60 }, []string{
			"! looks         60 calls a second for 100 users each are 6,000 looks a second; the vendor documents 50 calls a second of each kind for an app\n" +
				"                → lower EASEMOB_RATE, unless the vendor has sold you more",
		}, 0},
		"few": {func(l *Load) { l.Watched = 100 }, []string{
			"✔ lag           a change is seen after 0.25 s in the mean over all who watch, and 0.25 s over users, where turns in order would take 0.25 s; " + whence,
			"✔ operators     1 operator for 100 subscriptions, 3,000 each",
		}, 0},
		"nobody": {func(l *Load) { l.Watched = 0 }, []string{"✔ operators     0 operators for 0 subscriptions, 3,000 each"}, 0},
		"too few operators": {func(l *Load) { l.Operators = 16 }, []string{
			"! operators     17 operators for 50,000 subscriptions, 3,000 each; EASEMOB_OPERATORS names 16, so 2,000 users would be polled without a subscription\n" +
				"                → name 1 operator more in EASEMOB_OPERATORS",
		}, 0},
		"short subscriptions": {func(l *Load) { l.SubscriptionTTL = 20 * time.Second }, []string{
			"✘ renewal       2,250 to 3,000 calls a minute renew subscriptions of 20s; the first ones of all take 12.5 s: EASEMOB_RATE has only 2,400\n" +
				"                → raise SUBSCRIPTION_TTL",
		}, 1},
		"browsers": {func(l *Load) { l.Clients, l.Replicas = 250_000, 3 }, []string{
			"✔ hubs          3 hubs for 250,000 browsers at MAX_CONNECTIONS of 100,000; 4, so that one can stop",
			"✔ disk          some 489 MiB at NATS, 10 KiB a user, in each of 3 copies",
		}, 0},
		"more than a hub has looked at": {func(l *Load) { l.Watched, l.Clients, l.MaxStaleness = 300_000, 10, 5*time.Minute }, []string{
			"✔ hubs          1 hub for 10 browsers at MAX_CONNECTIONS of 100,000; 2, so that one can stop",
			"! hubs          one hub has 200,000 users looked at, at most: of 300,000, no hub may show all\n                → spread browsers over more hubs",
			"✔ disk          some 2.9 GiB at NATS, 10 KiB a user, in one copy",
		}, 0},
		"online only": {func(l *Load) { l.Online = true }, []string{
			"– operators     not needed: EASEMOB_STATUS=online asks in nobody's name",
			"– renewal       not needed: EASEMOB_STATUS=online subscribes nobody",
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := usual
			c.change(&l)
			got := reported(t, Forecast(l))
			for _, line := range c.says {
				require.Contains(t, got.text, line+"\n")
			}
			require.Equal(t, c.failed, got.marks[Failed], got.text)
		})
	}
}

// TestForecastsAreListed holds that every check is told once or more, in order.
func TestForecastsAreListed(t *testing.T) {
	var told []string
	for _, f := range Forecast(Load{Watched: 1, Rate: 40, MaxStaleness: time.Minute, SubscriptionTTL: time.Hour, MaxConnections: 1}) {
		told = append(told, f.Check)
	}
	require.Equal(t, strings.Join(Forecasts, " "), strings.Join(told, " "))
}

// TestTheForecastsAdviceHolds: who does what it says has a turn that holds.
func TestTheForecastsAdviceHolds(t *testing.T) {
	l := Load{Watched: 123_456, Rate: 7, MaxStaleness: 31 * time.Second}
	p := l.plan()
	for _, better := range []Load{
		{Watched: l.Watched, Rate: p.rateFor(l.Watched), MaxStaleness: l.MaxStaleness},
		{Watched: l.Watched, Rate: l.Rate, MaxStaleness: p.turn(l.Watched).Truncate(time.Second) + time.Second},
	} {
		var f findings
		better.turn(&f)
		require.Equal(t, Fine, f.list[0].Mark, f.list[0].Saw)
	}
}
