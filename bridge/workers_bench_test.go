package bridge

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-2837c37b/holdfast/queue"
)

// BenchmarkWorkers is the way of a job from the lanes to its completion, with a
// handler that does nothing.
func BenchmarkWorkers(b *testing.B) {
	d := newDesk(b, 64, Topic{Handler: doNothing}, nil)
	d.start(b)
	const batch = 500
	value := make([]byte, 100)
	b.ReportAllocs()
	b.ResetTimer()
	used := processorTime(b)
	for next := 0; next < b.N; next += batch {
		records := make([]queue.Record, batch)
		for i := range records {
			lane := (next + i) * 7919 % 10_000
			records[i] = queue.Record{Offset: int64(next + i), Key: value[:8], Value: value, Lane: queue.Lane{ID: uint64(lane)}}
		}
		for !d.stored.Room() {
			time.Sleep(100 * time.Microsecond)
		}
		if _, err := d.stored.Append(records); err != nil {
			b.Fatal(err)
		}
		for d.stored.Plenty() {
			time.Sleep(lookAgain)
		}
	}
	for d.stored.State().Open > 0 {
		time.Sleep(100 * time.Microsecond)
	}
	b.ReportMetric(float64(processorTime(b)-used)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(d.store.Usage().WrittenJobs)/float64(b.N), "written/op")
}

// processorTime is what the process has used so far of all cores.
func processorTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
