package keeper

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what an operator of the bridge sees of its keeper. Those of what is held are of the active one
// alone; the others show none.
type metrics struct {
	subscriptions *prometheus.GaugeVec // by operator
	capacity      prometheus.Gauge
	without       prometheus.Gauge
	leading       prometheus.Gauge
	calls         *prometheus.CounterVec // by kind and result
	lost, adopted prometheus.Counter
	unconfirmed   prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		subscriptions: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "presence_bridge_keeper_subscriptions",
			Help: "Users whom an operator subscribes at the vendor."}, []string{"operator"}),
		capacity: prometheus.NewGauge(prometheus.GaugeOpts{Name: "presence_bridge_keeper_capacity",
			Help: "Users whom all the operators together can subscribe."}),
		without: prometheus.NewGauge(prometheus.GaugeOpts{Name: "presence_bridge_keeper_without_subscription",
			Help: "Users who are watched and have no subscription, because the operators are full or the vendor refuses."}),
		leading: prometheus.NewGauge(prometheus.GaugeOpts{Name: "presence_bridge_keeper_leader",
			Help: "1 while this process is the active keeper."}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "presence_bridge_keeper_calls_total",
			Help: "Calls to the vendor, by kind and result."}, []string{"kind", "result"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "presence_bridge_keeper_lost_total",
			Help: "Subscriptions that the vendor had dropped before their time, and that were made again."}),
		adopted: prometheus.NewCounter(prometheus.CounterOpts{Name: "presence_bridge_keeper_adopted_total",
			Help: "Subscriptions found at the vendor that the ledger did not hold."}),
		unconfirmed: prometheus.NewCounter(prometheus.CounterOpts{Name: "presence_bridge_keeper_unconfirmed_total",
			Help: "Subscriptions that the vendor's answer left out and its list did not confirm, and that were made again."}),
	}
	return m, m.register(r)
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.subscriptions, m.capacity, m.without, m.leading, m.calls, m.lost, m.adopted, m.unconfirmed} {
		errs = append(errs, r.Register(c))
	}
	return errors.Join(errs...)
}

func (m *metrics) called(k kind, v verdict) { m.calls.WithLabelValues(k.String(), string(v)).Inc() }

func (m *metrics) count(n news) {
	m.lost.Add(float64(n.lost))
	m.adopted.Add(float64(n.adopted))
	m.unconfirmed.Add(float64(n.unconfirmed))
}

func (m *metrics) show(b *book) {
	m.leading.Set(1)
	m.capacity.Set(float64(b.capacity()))
	m.without.Set(float64(b.waiting.Len() + len(b.parked)))
	for _, op := range b.operators {
		m.subscriptions.WithLabelValues(op.name).Set(float64(op.subscribes()))
	}
}

// idle shows a keeper that stands by.
func (m *metrics) idle() {
	m.leading.Set(0)
	m.capacity.Set(0)
	m.without.Set(0)
	m.subscriptions.Reset()
}
