package hub

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// metrics are the hub's figures. None has a label that a client could fill.
type metrics struct {
	changes, frames, deliveries prometheus.Counter
	returns                     prometheus.Counter
	refused, closed, callbacks  *prometheus.CounterVec
	tokens, keys                *prometheus.CounterVec
	sessions, watched, unknown  prometheus.Gauge
	held                        prometheus.Gauge
	state                       *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "presence_bridge", Subsystem: "hub", Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "presence_bridge", Subsystem: "hub", Name: name, Help: help})
	}
	m := &metrics{
		changes:    counter("changes_total", "Messages of the log applied."),
		frames:     counter("frames_total", "Messages taken for sending to clients."),
		deliveries: counter("deliveries_total", "States of users taken for sending in change messages."),
		returns:    counter("returns_hidden_total", "Users who came back within OFFLINE_GRACE, whom nobody saw go."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "presence_bridge", Subsystem: "hub",
			Name: "refused_total", Help: "Connections, requests and messages turned away, by reason: the code that clients are told, and no_request, crowded and handshake for those who are told nothing or by the protocol."}, []string{"reason"}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "presence_bridge", Subsystem: "hub",
			Name: "closed_total", Help: "WebSockets closed by the hub, by reason."}, []string{"reason"}),
		callbacks: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "presence_bridge", Subsystem: "hub",
			Name: "callbacks_total", Help: "Callbacks of the vendor, by result: hinted is what the poller was told."}, []string{"result"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "presence_bridge", Subsystem: "hub",
			Name: "tokens_refused_total", Help: "Tokens that let nobody in, by reason."}, []string{"reason"}),
		keys: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "presence_bridge", Subsystem: "hub",
			Name: "keys_fetches_total", Help: "Fetches of AUTH_JWKS_URL, by result."}, []string{"result"}),
		sessions: gauge("sessions", "WebSockets and event streams connected."),
		watched:  gauge("watched_users", "Users whom this hub watches."),
		unknown:  gauge("unknown_users", "Watched users whose state nobody vouches for yet."),
		held:     gauge("held_users", "Users who are offline and shown as they were, for OFFLINE_GRACE."),
		state: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "presence_bridge", Subsystem: "hub",
			Name: "feed_state", Help: "1 for the state that the feed is in, as clients are told: live, degraded or down."}, []string{"state"}),
	}
	m.feed(bridge.FeedDown) // until the poller is heard
	if r != nil {
		r.MustRegister(m.changes, m.frames, m.deliveries, m.refused, m.closed, m.callbacks, m.tokens, m.keys, m.sessions, m.watched, m.unknown, m.state, m.returns, m.held)
	}
	return m
}

// refuse counts what was turned away. Reasons are codes of ours, never words of a client.
func (m *metrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }

func (m *metrics) feed(s bridge.FeedState) {
	for _, state := range []bridge.FeedState{bridge.FeedLive, bridge.FeedDegraded, bridge.FeedDown} {
		value := 0.0
		if state == s {
			value = 1
		}
		m.state.WithLabelValues(string(state)).Set(value)
	}
}

func (m *metrics) gauges(sessions, watched, unknown, held int) {
	m.sessions.Set(float64(sessions))
	m.watched.Set(float64(watched))
	m.unknown.Set(float64(unknown))
	m.held.Set(float64(held))
}
