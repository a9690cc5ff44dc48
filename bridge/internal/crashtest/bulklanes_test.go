package crashtest

import (
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// keyless records have a lane of their own each.
func keyless(n int) []bridgetest.Record {
	records := make([]bridgetest.Record, n)
	for i := range records {
		records[i] = bridgetest.Record{Partition: int32(i % partitions), Value: []byte("1")}
	}
	return records
}

// Ten thousand parked lanes are released while the bridge runs others and is killed
// again and again: each of them once, also those that are parked again.
func TestReleaseOfManyOutlivesKills(t *testing.T) {
	t.Parallel()
	w := newQuietWorld(t)
	w.outage = &outage{Verb: inspect.Release, Plan: w.dir + "/plan.json"}
	w.produce(t, keyless(outageRecords)...)
	first := w.boot(t)
	defer first.end()
	w.waitFor(t, history.Halted, outageRecords)
	w.kill(t, first)

	w.outlive(t, 0, freshRecords, func(int) []bridgetest.Record { return keyless(freshRecords) })
	w.checkReleases(t)
}

// checkReleases finds lanes that were released twice, or not at all.
func (w *world) checkReleases(t *testing.T) {
	t.Helper()
	offline, op := w.operation(t)
	defer offline.Close()
	again := 0
	for job, err := range offline.Jobs(t.Context(), inspect.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if again++; job.State != inspect.Parked || !incurable(job.Offset) || job.Attempts != 2 {
			t.Errorf("%s is %s after %d attempts", job.Name, job.State, job.Attempts)
		}
	}
	const parked = outageRecords / 50
	if again != parked || op.State != inspect.OperationDone || op.Taken != outageRecords || op.Done != outageRecords-parked || op.ParkedAgain != parked || op.AlreadyDone != 0 || len(op.Refused) > 0 {
		t.Errorf("%d are parked again, want %d; operation %+v", again, parked, op)
	}
	type job struct {
		partition int32
		offset    int64
	}
	done := map[job]int{}
	for _, e := range w.events(t) {
		if e.Kind == history.Durable {
			done[job{e.Partition, e.Offset}]++
		}
	}
	for at, n := range done {
		if n != 1 {
			t.Errorf("%v was done %d times", at, n)
		}
	}
	if most := outageRecords - parked + 3*freshRecords; len(done) > most { // a kill may come before it is told
		t.Errorf("%d jobs are done, want %d", len(done), most)
	}
}
