package metrics

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"
	gometrics "github.com/rcrowley/go-metrics"
)

// Sarama returns the hook for [bridge.Config.Sarama] through which Kafka's
// clients tell what they do; next, if not nil, is called first. A registry that
// it sets is left alone, and then the clients' metrics are there alone.
func (c *Collector) Sarama(next func(*sarama.Config)) func(*sarama.Config) {
	return func(conf *sarama.Config) {
		before := conf.MetricRegistry
		if next != nil {
			next(conf)
		}
		if conf.MetricRegistry == before {
			conf.MetricRegistry = c.kafka
		}
	}
}

var (
	kafkaSent     = counter("kafka_sent_bytes_total", "Bytes sent to a broker, by all clients together.", "broker")
	kafkaReceived = counter("kafka_received_bytes_total", "Bytes received from a broker.", "broker")
	kafkaRequests = counter("kafka_requests_total", "Requests to a broker.", "broker")
	kafkaFetches  = counter("kafka_fetches_total", "Fetch requests to a broker.", "broker")
	kafkaWaiting  = gauge("kafka_requests_in_flight", "Requests that a broker has not answered yet.", "broker")
	kafkaLatency  = summary("kafka_request_seconds", "How long a broker took to answer.", "broker")
	kafkaThrottle = summary("kafka_throttle_seconds", "How long a broker's quotas made requests wait.", "broker")
	kafkaJoins    = counter("kafka_group_joins_total", "Joins of the consumer group: each takes part in a rebalance.")
	kafkaUnjoined = counter("kafka_group_joins_failed_total", "Of these, those that failed.")
	kafkaFamilies = []family{
		kafkaSent, kafkaReceived, kafkaRequests, kafkaFetches, kafkaWaiting, kafkaLatency, kafkaThrottle, kafkaJoins, kafkaUnjoined,
	}
)

// Names of sarama's. Those of brokers end with forBroker and the broker's id,
// those of groups with the group's name. What it also says of topics is left out.
var (
	ofBrokers = map[string]family{
		"outgoing-byte-rate":    kafkaSent,
		"incoming-byte-rate":    kafkaReceived,
		"request-rate":          kafkaRequests,
		"consumer-fetch-rate":   kafkaFetches,
		"requests-in-flight":    kafkaWaiting,
		"request-latency-in-ms": kafkaLatency,
		"throttle-time-in-ms":   kafkaThrottle,
	}
	ofGroups = map[string]family{
		"consumer-group-join-total-":  kafkaJoins,
		"consumer-group-join-failed-": kafkaUnjoined,
	}
)

const forBroker = "-for-broker-"

// registry is what sarama tells. It keeps sums only: the meters of go-metrics
// keep rates, for which they start a goroutine that nobody can stop. What a
// client gives up stays, since another may use it.
type registry struct {
	mu    sync.Mutex
	known map[string]any // guarded by mu; by sarama's name
}

func newRegistry() *registry { return &registry{known: make(map[string]any)} }

// GetOrRegister implements go-metrics' Registry.
func (r *registry) GetOrRegister(name string, metric any) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.known[name]; known != nil {
		return known
	}
	made := fresh(metric)
	if _, _, wanted := seriesOf(name); wanted {
		r.known[name] = made
	}
	return made
}

// fresh makes what takes the place of a metric.
func fresh(metric any) any {
	switch metric.(type) {
	case func() gometrics.Meter, gometrics.Meter:
		return new(meter)
	case func() gometrics.Histogram, gometrics.Histogram:
		return new(sum)
	case func() gometrics.Counter, gometrics.Counter:
		return new(gometrics.StandardCounter)
	case func() gometrics.Timer, gometrics.Timer:
		return gometrics.NilTimer{}
	case func() gometrics.Gauge, gometrics.Gauge:
		return gometrics.NilGauge{}
	}
	return metric
}

// seriesOf tells what a name of sarama's is here.
func seriesOf(name string) (f family, labels []string, wanted bool) {
	for begin, f := range ofGroups {
		if strings.HasPrefix(name, begin) {
			return f, nil, true
		}
	}
	if kind, broker, ok := strings.Cut(name, forBroker); ok {
		f, wanted = ofBrokers[kind]
		return f, []string{broker}, wanted
	}
	return f, nil, false
}

func (r *registry) collect(to chan<- prometheus.Metric) {
	for name, metric := range r.all() {
		f, labels, _ := seriesOf(name)
		switch m := metric.(type) {
		case *meter:
			f.is(to, float64(m.Count()), labels...)
		case gometrics.Counter:
			f.is(to, float64(m.Count()), labels...)
		case *sum: // in milliseconds
			to <- prometheus.MustNewConstSummary(f.desc, uint64(m.Count()), float64(m.Sum())/1000, nil, labels...)
		}
	}
}

// all is a copy of what is known.
func (r *registry) all() map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.known)
}

// The rest of go-metrics' Registry, of which sarama uses nothing else.

func (r *registry) Each(f func(string, any)) {
	for name, metric := range r.all() {
		f(name, metric)
	}
}

func (r *registry) Get(name string) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[name]
}

func (r *registry) GetAll() map[string]map[string]any { return nil }
func (r *registry) Register(string, any) error        { return nil }
func (r *registry) RunHealthchecks()                  {}
func (r *registry) Unregister(string)                 {}
func (r *registry) UnregisterAll()                    {}

// meter counts, and knows no rates.
type meter struct {
	gometrics.NilMeter
	count atomic.Int64
}

func (m *meter) Mark(n int64)              { m.count.Add(n) }
func (m *meter) Count() int64              { return m.count.Load() }
func (m *meter) Snapshot() gometrics.Meter { return m }

// sum is a histogram without percentiles.
type sum struct {
	gometrics.NilHistogram
	count, total atomic.Int64
}

func (s *sum) Update(v int64) {
	s.count.Add(1)
	s.total.Add(v)
}
func (s *sum) Count() int64                  { return s.count.Load() }
func (s *sum) Sum() int64                    { return s.total.Load() }
func (s *sum) Snapshot() gometrics.Histogram { return s }
