package kafka

import "github.com/rcrowley/go-metrics"

// noMetrics is a registry that keeps nothing. sarama asks for a registry in any
// case, and the meters of a real one start a goroutine that nobody can stop. A
// caller who wants sarama's metrics sets a registry in Config.Tune. (Of one
// meter, that of fetch requests by topic, sarama loses the registry while it
// encodes, and go-metrics' own takes it. Only a variable of go-metrics could
// prevent that, for all of the process.)
type noMetrics struct{}

func (noMetrics) GetOrRegister(_ string, metric any) any {
	switch metric.(type) {
	case func() metrics.Meter, metrics.Meter:
		return metrics.NilMeter{}
	case func() metrics.Histogram, metrics.Histogram:
		return metrics.NilHistogram{}
	case func() metrics.Counter, metrics.Counter:
		return metrics.NilCounter{}
	case func() metrics.Timer, metrics.Timer:
		return metrics.NilTimer{}
	case func() metrics.Gauge, metrics.Gauge:
		return metrics.NilGauge{}
	}
	return metric
}

func (noMetrics) Each(func(string, any))            {}
func (noMetrics) Get(string) any                    { return nil }
func (noMetrics) GetAll() map[string]map[string]any { return nil }
func (noMetrics) Register(string, any) error        { return nil }
func (noMetrics) RunHealthchecks()                  {}
func (noMetrics) Unregister(string)                 {}
func (noMetrics) UnregisterAll()                    {}
