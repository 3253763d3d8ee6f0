package poller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// metrics are what operators see. No label is a user.
type metrics struct {
	calls   *prometheus.CounterVec // by result
	fill    prometheus.Histogram
	looks   prometheus.Counter
	picks   *prometheus.CounterVec // by lane
	missing prometheus.Counter
	lag     prometheus.Histogram
	changes *prometheus.CounterVec // by what
	hints   *prometheus.CounterVec // by result
	found   *prometheus.CounterVec // by lane
	took    prometheus.Histogram
	wrote   prometheus.Histogram

	leader    prometheus.Gauge
	watched   prometheus.Gauge
	state     *prometheus.GaugeVec
	age       prometheus.Gauge
	promise   prometheus.Gauge
	turn      prometheus.Gauge
	budget    prometheus.Gauge
	needed    prometheus.Gauge
	unwritten prometheus.Gauge
}

const prefix = "presence_bridge_poller_"

func newMetrics(r prometheus.Registerer, maxStaleness time.Duration) (*metrics, error) {
	m := &metrics{
		calls:     counters("calls_total", "Batch gets made, by result: ok, throttled, refused (this call as it is: one about other users may go through), denied (nothing helps but a person) or failed (the same may go through later).", "result"),
		looks:     counter("looks_total", "Users asked for in calls that were answered."),
		picks:     counters("picks_total", "Users taken into calls, by lane: turn (the look was worth the most), guarantee (MAX_STALENESS was near), front (new, set by themselves, or a call had failed) or hint (the vendor's callback).", "lane"),
		missing:   counter("missing_entries_total", "Users left out of an answer, or spoilt in it: they stay as they were."),
		changes:   counters("changes_published_total", "Messages published to the log, by what: observed or unwatched.", "what"),
		hints:     counters("hinted_looks_total", "Users asked for because a callback of the vendor told of them, by result: changed, same, or unknown (left out, or another writer was faster).", "result"),
		found:     counters("logins_and_logouts_found_total", "Logins and logouts found, by lane of the look, see picks. Where the vendor's callbacks are taken, what was not found in the lane hint is what they lose, or tell too late.", "lane"),
		leader:    gauge("leader", "1 while this process is the active poller."),
		watched:   gauge("watched_users", "Users who are looked at; 0 while standing by."),
		age:       gauge("as_of_age_seconds", "Age of the oldest verification among users whose state is known."),
		promise:   gauge("max_staleness_seconds", "MAX_STALENESS as set."),
		budget:    gauge("budget_calls_per_second", "Batch gets a second that there may be now: EASEMOB_RATE, or less where the vendor refuses that."),
		needed:    gauge("needed_calls_per_second", "Batch gets a second that it takes to look at everybody within MAX_STALENESS."),
		turn:      gauge("turn_seconds", "Time that a look at everybody takes, at the pace of late."),
		unwritten: gauge("unwritten_seconds", "How long nothing that was seen could be written to the log; 0 while it can."),
		lag: histogram("staleness_seconds", "Age of a login or logout when it is in the log, since the time that the vendor tells of it (in whole seconds, by the vendor's clock).",
			.25, .5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120),
		fill:  histogram("batch_users", "Users in a call.", 1, 10, 25, 50, 75, 99, 100),
		took:  histogram("call_duration_seconds", "Time from a batch get to the end of its answer, good or bad.", .025, .05, .1, .25, .5, 1, 2.5, 5, 10),
		wrote: histogram("write_duration_seconds", "Time until NATS had acknowledged all the changes of one answer.", .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5),
		state: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: prefix + "feed_state", Help: "1 for the state that the feed is in: live, degraded or down; all 0 while standing by.",
		}, []string{"state"}),
	}
	m.promise.Set(maxStaleness.Seconds())
	m.begin()
	m.idle()
	return m, m.register(r)
}

// begin shows what has not happened yet as 0: what is not there cannot be seen to rise.
func (m *metrics) begin() {
	for vec, values := range map[*prometheus.CounterVec][]string{
		m.calls: {"ok", "throttled", "refused", "denied", "failed"}, m.changes: {observed, unwatched}, m.hints: {"changed", "same", "unknown"},
		m.picks: lanes, m.found: lanes,
	} {
		for _, value := range values {
			vec.WithLabelValues(value)
		}
	}
}

// What a message published to the log is.
const (
	observed  = "observed"
	unwatched = "unwatched"
)

var lanes = []string{schedule.LaneTurn.String(), schedule.LaneGuarantee.String(), schedule.LaneFront.String(), schedule.LaneHint.String()}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
}

func counters(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, []string{label})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
}

func histogram(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets})
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{m.calls, m.fill, m.looks, m.picks, m.missing, m.lag, m.took, m.wrote, m.turn, m.promise,
		m.budget, m.needed, m.unwritten, m.changes, m.hints, m.found, m.leader, m.watched, m.state, m.age} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// called counts a call out, which took so long.
func (m *metrics) called(f flight, took time.Duration, err error) {
	m.took.Observe(took.Seconds())
	m.calls.WithLabelValues(resultOf(err)).Inc()
	m.fill.Observe(float64(len(f.picks)))
	if err == nil {
		m.looks.Add(float64(len(f.picks)))
	}
}

// picked counts who is in a call, and why.
func (m *metrics) picked(f flight) {
	for _, pick := range f.picks {
		m.picks.WithLabelValues(pick.lane.String()).Inc()
	}
}

// landed counts what a look of an answered call has shown.
func (m *metrics) landed(p pick, k schedule.Look, before, after bridge.Entry, now time.Time) {
	if k.Outcome == schedule.Missing {
		m.missing.Inc()
	}
	if p.source == bridge.SourceHint {
		m.hints.WithLabelValues(hintResult(k)).Inc()
	}
	if k.Changed && before.Change != nil && !before.Unwatched() && after.LastTime > before.LastTime {
		m.lag.Observe(max(now.Sub(time.UnixMilli(after.LastTime)).Seconds(), 0))
		m.found.WithLabelValues(p.lane.String()).Inc()
	}
}

func resultOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case easemob.IsThrottled(err):
		return "throttled"
	case easemob.IsRetryable(err):
		return "failed"
	case aboutTheCall(err):
		return "refused"
	}
	return "denied"
}

func (m *metrics) published(what string, n int) { m.changes.WithLabelValues(what).Add(float64(n)) }

// figures shows what the feed's health was told from.
func (m *metrics) figures(f figures, now time.Time) {
	m.budget.Set(f.budget)
	m.needed.Set(f.calls() / f.maxStaleness.Seconds())
	m.unwritten.Set(0)
	if !f.unwritten.IsZero() {
		m.unwritten.Set(now.Sub(f.unwritten).Seconds())
	}
}

// health shows what the feed was told.
func (m *metrics) health(f bridge.Feed, now time.Time) {
	for _, s := range []bridge.FeedState{bridge.FeedLive, bridge.FeedDegraded, bridge.FeedDown} {
		value := 0.0
		if s == f.State {
			value = 1
		}
		m.state.WithLabelValues(string(s)).Set(value)
	}
	m.watched.Set(float64(f.Watched))
	m.age.Set(now.Sub(time.UnixMilli(f.AsOf)).Seconds())
	m.turn.Set(float64(f.SweepMS) / 1000)
}

// idle shows a poller that does not lead.
func (m *metrics) idle() {
	for _, g := range []prometheus.Gauge{m.leader, m.watched, m.age, m.turn, m.budget, m.needed, m.unwritten} {
		g.Set(0)
	}
	for _, s := range []bridge.FeedState{bridge.FeedLive, bridge.FeedDegraded, bridge.FeedDown} {
		m.state.WithLabelValues(string(s)).Set(0)
	}
}
