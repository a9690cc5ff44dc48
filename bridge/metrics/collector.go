package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Source is what a collector reads when it is scraped. A *[bridge.Bridge] is one.
type Source interface {
	Stats() (bridge.Stats, error)
	Health() inspect.Health
	Inspector() inspect.Inspector
}

// Collector is the metrics of one bridge. Make it with [New]. It is safe for
// concurrent use.
type Collector struct {
	events *events
	kafka  *registry
	source atomic.Pointer[Source] // nil until Watch
}

var _ prometheus.Collector = (*Collector)(nil)

// New returns a collector without a bridge.
func New() *Collector {
	return &Collector{events: newEvents(), kafka: newRegistry()}
}

// Watch lets the collector read from a bridge. Before that it shows only what
// its hooks were told.
func (c *Collector) Watch(s Source) { c.source.Store(&s) }

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	c.events.describe(to)
	for _, list := range [][]family{statsFamilies, statusFamilies, kafkaFamilies} {
		for _, f := range list {
			to <- f.desc
		}
	}
}

// Collect implements [prometheus.Collector]. What the bridge cannot tell, since
// it does not run, is left out.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	c.events.collect(to)
	c.kafka.collect(to)
	source := c.source.Load()
	if source == nil {
		return
	}
	collectHealth(to, (*source).Health())
	if stats, err := (*source).Stats(); err == nil {
		collectStats(to, stats)
		collectStatus(to, (*source).Inspector())
	}
}

// family is the metrics of one name, whose values are read when asked for.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.CounterValue}
}

// summary is a count and a sum, without quantiles.
func summary(name, help string, labels ...string) family { return gauge(name, help, labels...) }

const prefix = "holdfast_"

// is sends the value of one series.
func (f family) is(to chan<- prometheus.Metric, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
