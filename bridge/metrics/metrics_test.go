package metrics_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/metrics"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Of one meter sarama loses the registry, and go-metrics' own takes it.
		goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"),
	)
}

// TestBridgeDoesWithoutPrometheus: whoever imports the bridge alone gets none of it.
func TestBridgeDoesWithoutPrometheus(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "github.com/seed-2837c37b/holdfast/bridge").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "github.com/IBM/sarama\n") {
		t.Fatalf("the list of what package bridge imports is not one:\n%s", out)
	}
	for name := range strings.Lines(string(out)) {
		if strings.Contains(name, "prometheus") {
			t.Errorf("package bridge imports %s", name)
		}
	}
}

// gathered are the values of all series, histograms by their counts; named as
// name{label,label} with the labels' values in the order of their names.
func gathered(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue() +
				float64(m.GetHistogram().GetSampleCount()) + float64(m.GetSummary().GetSampleCount())
			found[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
	return found
}

// eventually waits for a value.
func eventually(t *testing.T, from prometheus.Gatherer, series string, want float64) {
	t.Helper()
	var got map[string]float64
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if got = gathered(t, from); got[series] == want {
			return
		}
	}
	t.Fatalf("%s is %v, want %v, among %v", series, got[series], want, got)
}

// TestABridgeIsMeasured: one job is done, one fails once, one is given up, one is
// left out.
func TestABridgeIsMeasured(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	for _, value := range []string{"good", "slow", "bad", "left out"} {
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte(value), Value: []byte(value)})
	}
	collector := metrics.New()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(collector); err != nil {
		t.Fatal(err)
	}
	cfg := bridge.Config{
		Brokers: broker.Addrs(), Group: "billing", DataDir: t.TempDir(), SessionTimeout: 6 * time.Second, CommitEvery: 20 * time.Millisecond,
		Hooks: collector.Hooks(), Sarama: collector.Sarama(nil),
		Topics: []bridge.Topic{{
			Name: "orders", OnFailure: bridge.BuryJob, Retry: bridge.Backoff{First: time.Millisecond},
			Filter: func(r *bridge.Record) bool { return string(r.Value) != "left out" },
			Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
				switch string(job.Value) {
				case "bad":
					return bridge.Bury(errors.New("no"))
				case "slow":
					if job.Attempt == 1 {
						return errors.New("not yet")
					}
				}
				return nil
			}),
		}},
	}
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	collector.Watch(b)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	for series, want := range map[string]float64{
		"holdfast_outcomes_total{done,orders}":            2,
		"holdfast_outcomes_total{retry,orders}":           1,
		"holdfast_outcomes_total{bury,orders}":            1,
		"holdfast_outcomes_total{discarded,orders}":       0,
		"holdfast_records_total{orders}":                  3,
		"holdfast_dropped_records_total{filtered,orders}": 1,
		"holdfast_dead_letters{orders}":                   1,
		"holdfast_run_seconds{orders}":                    4,
		"holdfast_wait_seconds{orders}":                   4,
		"holdfast_partitions_assigned_total{orders}":      1,
		"holdfast_workers{}":                              64,
		"holdfast_alive{}":                                1,
		"holdfast_ready{}":                                1,
		"holdfast_kafka_group_joins_total{}":              1,
		"holdfast_partitions{orders}":                     1,
		"holdfast_partition_committed_offset{0,orders}":   4,
		"holdfast_partition_frontier_offset{0,orders}":    4,
		"holdfast_partition_next_offset{0,orders}":        4,
		"holdfast_partition_log_end_offset{0,orders}":     4,
		"holdfast_partition_commit_lag_offsets{0,orders}": 0,
		"holdfast_group_sessions_total{}":                 1,
	} {
		eventually(t, registry, series, want)
	}
	got := gathered(t, registry)
	for _, positive := range []string{
		"holdfast_flush_seconds{}", "holdfast_fsync_seconds{}", "holdfast_flush_outcomes{}", "holdfast_record_bytes_total{orders}",
		"holdfast_store_file_bytes{}", "holdfast_disk_free_bytes{}", "holdfast_budget_memory_bytes{}", "holdfast_dead_letter_bytes{orders}",
		"holdfast_kafka_requests_total{0}", "holdfast_kafka_received_bytes_total{0}", "holdfast_kafka_request_seconds{0}",
	} {
		if got[positive] <= 0 {
			t.Errorf("%s is %v", positive, got[positive])
		}
	}
	for _, there := range []string{
		"holdfast_partition_log_start_offset{0,orders}", "holdfast_partition_unfinished_jobs{0,orders}", "holdfast_partition_ahead_offsets{0,orders}",
		"holdfast_partition_oldest_seconds{0,orders}", "holdfast_partition_held{0,orders}", "holdfast_jobs{halted,orders}", "holdfast_jobs{not_stored,orders}",
		"holdfast_throttled_partitions{window,orders}", "holdfast_guard_active{orders}", "holdfast_guard_tokens{orders}",
	} {
		if _, ok := got[there]; !ok {
			t.Errorf("%s is missing", there)
		}
	}
	if skipped, written := got["holdfast_skipped_records_total{}"], got["holdfast_written_records_total{}"]; skipped+written < 3 {
		t.Errorf("%v records were skipped and %v written, of 3", skipped, written)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := gathered(t, registry); got["holdfast_alive{}"] != 0 || got["holdfast_partitions_revoked_total{stopping,orders}"] != 1 {
		t.Errorf("after the end: %v", got)
	}
}

// TestStuckRunsAreCounted as long as they are.
func TestStuckRunsAreCounted(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k"), Value: []byte("v")})
	collector := metrics.New()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	finish := make(chan struct{})
	b, err := bridge.New(bridge.Config{
		Brokers: broker.Addrs(), Group: "billing", DataDir: t.TempDir(), SessionTimeout: 6 * time.Second, Hooks: collector.Hooks(),
		Topics: []bridge.Topic{{
			Name: "orders", Heartbeat: 20 * time.Millisecond,
			Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error { <-finish; return nil }),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	collector.Watch(b)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	eventually(t, registry, "holdfast_stuck_runs_total{orders}", 1)
	eventually(t, registry, "holdfast_stuck_runs{orders}", 1)
	eventually(t, registry, "holdfast_running_jobs{}", 1)
	close(finish)
	eventually(t, registry, "holdfast_stuck_runs{orders}", 0)
	eventually(t, registry, "holdfast_stuck_runs_total{orders}", 1)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestACollectorWithoutABridgeShowsNothingOfOne(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.New())
	for series := range gathered(t, registry) {
		if !strings.HasPrefix(series, "holdfast_flush") && !strings.HasPrefix(series, "holdfast_fsync") {
			t.Errorf("%s is there", series)
		}
	}
}

// TestHandlerAnswersProbesAndReadsOnly: whatever else is asked for is refused.
func TestHandlerAnswersProbesAndReadsOnly(t *testing.T) {
	t.Parallel()
	h := inspect.Health{State: inspect.StateRunning, Alive: true}
	server := httptest.NewServer(metrics.Handler(prometheus.NewRegistry(), func() inspect.Health { return h }))
	defer server.Close()
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/metrics", 200},
		{http.MethodGet, "/livez", 200},
		{http.MethodHead, "/livez", 200},
		{http.MethodGet, "/readyz", 503},
		{http.MethodPost, "/livez", 405},
		{http.MethodPost, "/metrics", 405},
		{http.MethodDelete, "/readyz", 405},
		{http.MethodGet, "/", 404},
		{http.MethodGet, "/v1/status", 404},
		{http.MethodGet, "/debug/pprof/", 404},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s %s: %s, want %d", c.method, c.path, answer.Status, c.want)
		}
	}
}
