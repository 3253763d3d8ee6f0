// Package meter shows operators what a [bridge.Bus] counts, and whether it is there:
//
//	presence_bridge_passed_over_total{what="log"}    what could not be read, see [bridge.Passed]; no label is a user
//	presence_bridge_nats_connected                   1 while NATS is within reach
//
// A process has one bus, however many of its parts use it, and so has its registry: each part registers the bus, and
// it is shown once.
package meter

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/presence-bridge/presence-bridge/bridge"
)

var passedOver = prometheus.NewDesc("presence_bridge_passed_over_total",
	"Messages and keys at NATS that were passed over, by what they were: log, holder, watch, surplus (beyond what one holder may watch), ledger, lease, learned, feed or hint. Those that several parts of a process read count once for each.",
	[]string{"what"}, nil)

var connected = prometheus.NewDesc("presence_bridge_nats_connected", "1 while NATS is within reach, 0 while it is away.", nil, nil)

// Register lets the registerer show what the bus counts. That it does already is no error; that it shows another bus is.
func Register(r prometheus.Registerer, b *bridge.Bus) error {
	if r == nil {
		return nil
	}
	err := r.Register(collector{b})
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) && already.ExistingCollector == (collector{b}) {
		return nil
	}
	return err
}

// collector is a [prometheus.Collector].
type collector struct{ bus *bridge.Bus }

// Describe implements [prometheus.Collector].
func (c collector) Describe(to chan<- *prometheus.Desc) { to <- passedOver; to <- connected }

// Collect implements [prometheus.Collector].
func (c collector) Collect(to chan<- prometheus.Metric) {
	for what, n := range c.bus.PassedOver() {
		to <- prometheus.MustNewConstMetric(passedOver, prometheus.CounterValue, float64(n), string(what))
	}
	within := 0.0
	if c.bus.Connected() {
		within = 1
	}
	to <- prometheus.MustNewConstMetric(connected, prometheus.GaugeValue, within)
}
