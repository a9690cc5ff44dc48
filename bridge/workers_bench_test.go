package bridge

import (
	"testing"
	"time"

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
	for next := 0; next < b.N; next += batch {
		records := make([]queue.Record, batch)
		for i := range records {
			lane := (next + i) * 7919 % 10_000
			records[i] = queue.Record{Offset: int64(next + i), Key: value[:8], Value: value, Lane: queue.Lane{ID: uint64(lane)}}
		}
		for !d.stored.Room() {
			time.Sleep(100 * time.Microsecond)
		}
		if err := d.stored.Append(records); err != nil {
			b.Fatal(err)
		}
	}
	for d.stored.State().Open > 0 {
		time.Sleep(100 * time.Microsecond)
	}
}
