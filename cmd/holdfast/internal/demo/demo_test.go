package demo

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// asWorker makes the test binary the child of a run with Crash.
const asWorker = "DEMO_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		if err := Work(context.Background(), os.Stdin, os.Stdout, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	// sarama's metrics library starts one goroutine per process and keeps it.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

func small() Options {
	return Options{Records: 2000, Keys: 100, Partitions: 3, Latency: 2 * time.Millisecond, Workers: 16, Output: listing.JSON}
}

func TestWorkerThatFailsEndsTheDemo(t *testing.T) {
	t.Parallel()
	for name, self := range map[string][]string{
		"exits":         {"/bin/sh", "-c", "exit 3"},
		"tells rubbish": {"/bin/sh", "-c", "echo this is not an event at all; exec sleep 600"},
		"is not there":  {"/no/such/worker"},
	} {
		o := small()
		o.Crash, o.Self = true, self
		var stdout, stderr bytes.Buffer
		if err := Run(context.Background(), o, &stdout, &stderr); err == nil || stdout.Len() > 0 {
			t.Errorf("worker that %s: error %v, output %s", name, err, &stdout)
		}
	}
}

func TestCancelledDemoEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	o := small()
	o.Latency = time.Minute
	o.Crash, o.Self = true, []string{"/bin/sh", "-c", "exec sleep 600"}
	var stdout, stderr bytes.Buffer
	if err := Run(ctx, o, &stdout, &stderr); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestWorkNeedsItsJob(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Work(context.Background(), strings.NewReader(""), &out, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "demo --crash") {
		t.Errorf("error %v", err)
	}
}

func TestStreamIsWhatTheBrokerHolds(t *testing.T) {
	t.Parallel()
	o := small()
	o.Records, o.Keys = 5000, 1000
	b, err := startBroker(o.Partitions)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	s, err := produce(context.Background(), b, o)
	if err != nil {
		t.Fatal(err)
	}
	partitions, err := b.offsets(o.Partitions)
	if err != nil {
		t.Fatal(err)
	}
	for p, found := range partitions {
		if found.End != int64(len(s.lanes[p])) || found.Committed != -1 {
			t.Errorf("partition %d: %+v, the stream has %d records", p, found, len(s.lanes[p]))
		}
	}
	sizes := make([]int, s.count)
	home := make(map[int32]int)
	for p, lanes := range s.lanes {
		for _, lane := range lanes {
			sizes[lane]++
			if other, ok := home[lane]; ok && other != p {
				t.Fatalf("lane %d lies in partitions %d and %d", lane, other, p)
			}
			home[lane] = p
		}
	}
	hottest := 0
	for _, n := range sizes {
		hottest = max(hottest, n)
	}
	if average := o.Records / s.count; hottest < 3*average {
		t.Errorf("hottest key has %d records, the average %d: no skew", hottest, average)
	}
}

func TestStreamThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	s := &stream{lanes: make([][]int32, 1)}
	s.note(0, 1, 0)
	if err := s.check(1); err == nil {
		t.Error("a gap is accepted")
	}
	s.note(0, 0, 0)
	if err := s.check(2); err != nil {
		t.Error(err)
	}
	if err := s.check(3); err == nil {
		t.Error("a missing record is accepted")
	}
}
