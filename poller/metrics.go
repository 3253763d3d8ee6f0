package poller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// metrics are what operators see. No label is a user.
type metrics struct {
	calls   *prometheus.CounterVec // by result
	fill    prometheus.Histogram
	looks   prometheus.Counter
	missing prometheus.Counter
	changes *prometheus.CounterVec // by what

	leader  prometheus.Gauge
	watched prometheus.Gauge
	state   *prometheus.GaugeVec
	age     prometheus.Gauge
}

const prefix = "presence_bridge_poller_"

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		calls:   counters("calls_total", "Batch gets made, by result: ok, throttled, refused (no retry helps) or failed.", "result"),
		looks:   counter("looks_total", "Users asked for in calls that were answered."),
		missing: counter("missing_entries_total", "Users left out of an answer, or spoilt in it: they stay as they were."),
		changes: counters("changes_published_total", "Messages published to the log, by what: observed or unwatched.", "what"),
		leader:  gauge("leader", "1 while this process is the active poller."),
		watched: gauge("watched_users", "Users who are looked at; 0 while standing by."),
		age:     gauge("as_of_age_seconds", "Age of the oldest verification among users whose state is known."),
		fill: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "batch_users", Help: "Users in a call.", Buckets: []float64{1, 10, 25, 50, 75, 99, 100},
		}),
		state: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: prefix + "feed_state", Help: "1 for the state that the feed is in: live, degraded or down; all 0 while standing by.",
		}, []string{"state"}),
	}
	m.idle()
	return m, m.register(r)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
}

func counters(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, []string{label})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{m.calls, m.fill, m.looks, m.missing, m.changes, m.leader, m.watched, m.state, m.age} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// called counts a call out.
func (m *metrics) called(f flight, err error) {
	m.calls.WithLabelValues(resultOf(err)).Inc()
	m.fill.Observe(float64(len(f.picks)))
	if err == nil {
		m.looks.Add(float64(len(f.picks)))
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
	}
	return "refused"
}

func (m *metrics) published(what string, n int) { m.changes.WithLabelValues(what).Add(float64(n)) }

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
}

// idle shows a poller that does not lead.
func (m *metrics) idle() {
	m.leader.Set(0)
	m.watched.Set(0)
	m.age.Set(0)
	for _, s := range []bridge.FeedState{bridge.FeedLive, bridge.FeedDegraded, bridge.FeedDown} {
		m.state.WithLabelValues(string(s)).Set(0)
	}
}
