package keeper

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what an operator of the bridge sees of its keeper. Those of what is held are of the active one
// alone; the others show none.
type metrics struct {
	subscriptions *prometheus.GaugeVec // by operator
	capacity      prometheus.Gauge
	without       *prometheus.GaugeVec // by reason
	overdue       prometheus.Gauge
	leading       prometheus.Gauge
	calls         *prometheus.CounterVec // by kind and result
	lost, adopted prometheus.Counter
	unconfirmed   prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		subscriptions: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "presence_bridge_keeper_subscriptions",
			Help: "Users whom an operator subscribes at the vendor."}, []string{"operator"}),
		capacity: prometheus.NewGauge(prometheus.GaugeOpts{Name: "presence_bridge_keeper_capacity_users",
			Help: "Users whom all the operators together can subscribe."}),
		without: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "presence_bridge_keeper_unsubscribed_users",
			Help: "Users who are watched and have no subscription, by reason: full (no operator has room) or refused (the vendor will not have it, or there is nobody to do it)."}, []string{"reason"}),
		overdue: prometheus.NewGauge(prometheus.GaugeOpts{Name: "presence_bridge_keeper_overdue_users",
			Help: "Users whose subscription should have been renewed by now; it lasts until its end."}),
		leading: prometheus.NewGauge(prometheus.GaugeOpts{Name: "presence_bridge_keeper_leader",
			Help: "1 while this process is the active keeper."}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "presence_bridge_keeper_calls_total",
			Help: "Calls to the vendor, by kind (subscribe, renew, release, list) and result: ok, failed (the same may go through later), refused (some user in it may be why), blocked (this operator, until somebody helps) or hopeless (the whole app, until somebody helps)."}, []string{"kind", "result"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "presence_bridge_keeper_subscriptions_lost_total",
			Help: "Subscriptions that the vendor had dropped before their time, and that were made again."}),
		adopted: prometheus.NewCounter(prometheus.CounterOpts{Name: "presence_bridge_keeper_subscriptions_adopted_total",
			Help: "Subscriptions found at the vendor that the ledger did not hold."}),
		unconfirmed: prometheus.NewCounter(prometheus.CounterOpts{Name: "presence_bridge_keeper_subscriptions_unconfirmed_total",
			Help: "Subscriptions that the vendor's answer left out and its list did not confirm, and that were made again."}),
	}
	m.begin()
	return m, m.register(r)
}

// begin shows what has not happened yet as 0: what is not there cannot be seen to rise.
func (m *metrics) begin() {
	for k := range kinds {
		for _, v := range []verdict{fine, passing, refused, blocked, hopeless} {
			m.calls.WithLabelValues(k.String(), string(v))
		}
	}
	m.lacking(0, 0)
}

// lacking shows how many lack a subscription, and why.
func (m *metrics) lacking(full, refused int) {
	m.without.WithLabelValues("full").Set(float64(full))
	m.without.WithLabelValues("refused").Set(float64(refused))
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.subscriptions, m.capacity, m.without, m.overdue, m.leading, m.calls, m.lost, m.adopted, m.unconfirmed} {
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

func (m *metrics) show(b *book, now time.Time) {
	m.leading.Set(1)
	m.capacity.Set(float64(b.capacity()))
	m.lacking(b.waiting.Len(), len(b.parked))
	overdue := 0
	for _, op := range b.operators {
		overdue += op.calendar.overdue(now)
		m.subscriptions.WithLabelValues(op.name).Set(float64(op.subscribes()))
	}
	m.overdue.Set(float64(overdue))
}

// idle shows a keeper that stands by.
func (m *metrics) idle() {
	m.leading.Set(0)
	m.capacity.Set(0)
	m.overdue.Set(0)
	m.lacking(0, 0)
	m.subscriptions.Reset()
}
