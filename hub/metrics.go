package hub

import (
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// metrics are the hub's figures. None has a label that a client could fill.
type metrics struct {
	flow
	ends
	levels
	staleness, way *ages
	state          *prometheus.GaugeVec
}

// newMetrics makes them. The mutex is the hub's.
func newMetrics(r prometheus.Registerer, hub *sync.Mutex) *metrics {
	m := &metrics{flow: newFlow(), ends: newEnds(), levels: newLevels(),
		staleness: newAges(hub, "staleness_seconds", "Age of a login or logout when a client is told, since the time that the vendor tells of it (in whole seconds, by the vendor's clock). One for each client told; not of those who have just begun to watch."),
		way:       newAges(hub, "delivery_seconds", "Age of a state when a client is told that it changed, since the look that saw it began: the bridge's own part of the staleness."),
		state: prometheus.NewGaugeVec(prometheus.GaugeOpts(figure("feed_state", "1 for the state that the feed is in, as clients are told: live, degraded or down.")),
			[]string{"state"}),
	}
	m.begin()
	m.feed(bridge.FeedDown) // until the poller is heard
	if r != nil {
		r.MustRegister(slices.Concat(m.flow.all(), m.ends.all(), m.levels.all(), []prometheus.Collector{m.staleness, m.way, m.state})...)
	}
	return m
}

func figure(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "presence_bridge", Subsystem: "hub", Name: name, Help: help}
}

// flow is what comes of the log and goes to clients.
type flow struct{ changes, frames, deliveries, returns prometheus.Counter }

func newFlow() flow {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(figure(name, help)))
	}
	return flow{
		changes:    counter("changes_total", "Messages of the log applied."),
		frames:     counter("frames_total", "Messages taken for sending to clients."),
		deliveries: counter("deliveries_total", "States of users taken for sending in change messages."),
		returns:    counter("returns_hidden_total", "Users who came back within OFFLINE_GRACE, whom nobody saw go."),
	}
}

func (f flow) all() []prometheus.Collector {
	return []prometheus.Collector{f.changes, f.frames, f.deliveries, f.returns}
}

// ends is how what may end in several ways did.
type ends struct{ refused, closed, callbacks, tokens, keys *prometheus.CounterVec }

func newEnds() ends {
	counter := func(name, help, by string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(figure(name, help)), []string{by})
	}
	return ends{
		refused:   counter("refused_total", "Connections, requests and messages turned away, by reason: the code that clients are told, and no_request, crowded and handshake for those who are told nothing or by the protocol.", "reason"),
		closed:    counter("closed_total", "WebSockets closed by the hub, by reason.", "reason"),
		callbacks: counter("callbacks_total", "Callbacks of the vendor, by result: hinted (the poller was told), lost (it could not be), duplicate, stale, ignored (of another event), malformed, or the code that the vendor was refused with.", "result"),
		tokens:    counter("tokens_refused_total", "Tokens that let nobody in, by reason.", "reason"),
		keys:      counter("keys_fetches_total", "Fetches of AUTH_JWKS_URL, by result: ok, unreachable, status (not 200), too_large or nonsense.", "result"),
	}
}

func (e ends) all() []prometheus.Collector {
	return []prometheus.Collector{e.refused, e.closed, e.callbacks, e.tokens, e.keys}
}

// levels is how many there are now.
type levels struct{ sessions, watched, unknown, held, stuck, limit prometheus.Gauge }

func newLevels() levels {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts(figure(name, help)))
	}
	return levels{
		sessions: gauge("sessions", "WebSockets and event streams connected."),
		watched:  gauge("watched_users", "Users whom this hub watches."),
		unknown:  gauge("unknown_users", "Watched users whose state nobody vouches for yet."),
		held:     gauge("held_users", "Users who are offline and shown as they were, for OFFLINE_GRACE."),
		stuck:    gauge("stuck_sockets", "WebSockets that take nothing at the moment: something waits to be written."),
		limit:    gauge("sessions_limit", "MAX_CONNECTIONS as set."),
	}
}

func (l levels) all() []prometheus.Collector {
	return []prometheus.Collector{l.sessions, l.watched, l.unknown, l.held, l.stuck, l.limit}
}

// begin shows what has not happened yet as 0: what is not there cannot be seen to rise.
func (m *metrics) begin() {
	refused, closed := []string{"no_request", "crowded", "handshake"}, []string{brokenFrames}
	callbacks := []string{callbackHinted, callbackLost, callbackDuplicate, callbackStale, callbackIgnored, callbackMalformed}
	for _, e := range errorCodes {
		refused = append(refused, e.code)
		if e.of == ofVendor && e.code != "callbacks_off" {
			callbacks = append(callbacks, e.code)
		}
	}
	for _, c := range closeCodeEntries {
		closed = append(closed, c.name)
	}
	for vec, values := range map[*prometheus.CounterVec][]string{m.refused: refused, m.closed: closed, m.callbacks: callbacks,
		m.tokens: tokenReasons, m.keys: fetchResults} {
		for _, value := range values {
			vec.WithLabelValues(value)
		}
	}
}

// brokenFrames is what ends a socket whose client breaks the protocol's frames.
const brokenFrames = "broken frames"

// tokenReasons are why a token can be refused; fetchResults are what can become of a fetch of keys.
var (
	tokenReasons = strings.Fields("missing several too_long malformed alg signature claims expired not_yet issuer audience key keys_away")
	fetchResults = strings.Fields("ok unreachable status too_large nonsense")
)

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
