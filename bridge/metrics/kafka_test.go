package metrics

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"
	gometrics "github.com/rcrowley/go-metrics"
)

func TestWhatSaramaTellsIsSummedUpOverItsClients(t *testing.T) {
	t.Parallel()
	c := New()
	tune := c.Sarama(nil)
	for range 2 { // clients
		conf := sarama.NewConfig()
		tune(conf)
		r := conf.MetricRegistry
		gometrics.GetOrRegisterMeter("outgoing-byte-rate-for-broker-7", r).Mark(100)
		gometrics.GetOrRegisterCounter("requests-in-flight-for-broker-7", r).Inc(1)
		gometrics.GetOrRegisterCounter("consumer-group-join-total-my-for-broker-group", r).Inc(1)
		latency := r.GetOrRegister("request-latency-in-ms-for-broker-7", func() gometrics.Histogram { return gometrics.NilHistogram{} })
		latency.(gometrics.Histogram).Update(250)
		gometrics.GetOrRegisterMeter("record-send-rate-for-topic-orders", r).Mark(1) // of no broker
		r.Unregister("outgoing-byte-rate-for-broker-7")
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if m := f.GetMetric(); len(m) == 1 {
			got[f.GetName()] = m[0].GetCounter().GetValue() + m[0].GetGauge().GetValue() + m[0].GetSummary().GetSampleSum()
		}
	}
	for name, want := range map[string]float64{
		"holdfast_kafka_sent_bytes_total": 200, "holdfast_kafka_requests_in_flight": 2,
		"holdfast_kafka_group_joins_total": 2, "holdfast_kafka_request_seconds": 0.5,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if n := len(c.kafka.all()); n != 4 {
		t.Errorf("%d series are kept, want 4: those of topics are not bounded", n)
	}
}

func TestARegistryOfTheCallersIsLeftAlone(t *testing.T) {
	t.Parallel()
	own := gometrics.NewRegistry()
	conf := sarama.NewConfig()
	New().Sarama(func(c *sarama.Config) { c.MetricRegistry = own })(conf)
	if conf.MetricRegistry != own {
		t.Error("another registry is in its place")
	}
}
