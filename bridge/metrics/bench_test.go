package metrics

import (
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// BenchmarkFinished is what a run costs that is measured.
func BenchmarkFinished(b *testing.B) {
	hooks := New().Hooks()
	job := &bridge.Job{Record: bridge.Record{Topic: "orders"}}
	result := bridge.Result{Outcome: "done", Took: 3 * time.Millisecond, Waited: time.Second}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			hooks.Finished(job, result)
		}
	})
}
