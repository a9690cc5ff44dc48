// Package metrics shows what a bridge does to Prometheus.
//
// A [Collector] hears of runs, flushes and partitions through hooks, and reads
// everything else when it is scraped; what it does per run is two observations.
// Its series are bounded: they are labelled by topic, partition, outcome and
// broker, never by key or lane. Which lanes block is for [inspect.Inspector] to
// tell.
//
// Importing package bridge does not import Prometheus; importing this one does.
//
//	collector := metrics.New()
//	config.Hooks = bridge.JoinHooks(config.Hooks, collector.Hooks())
//	config.Sarama = collector.Sarama(config.Sarama)
//	b, err := bridge.New(config)
//	if err != nil {
//		return err
//	}
//	collector.Watch(b)
//	prometheus.MustRegister(collector)
//
// [Handler] serves a registry together with the probes /livez and /readyz.
package metrics
