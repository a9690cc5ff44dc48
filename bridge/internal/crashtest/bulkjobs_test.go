package crashtest

import (
	"fmt"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// late jobs came after the outage and fail all the same.
func late(offset int64) bool { return fresh(offset) && offset%50 == 1 }

// unlike records have a key of their own each.
func unlike(n int, name string) []bridgetest.Record {
	records := make([]bridgetest.Record, n)
	for i := range records {
		records[i] = bridgetest.Record{Partition: int32(i % partitions), Key: fmt.Appendf(nil, "%s-%d", name, i), Value: []byte("1")}
	}
	return records
}

// Ten thousand halted jobs are retried while the bridge runs others and is killed
// again and again: each of them once, also those that fail again.
func TestRetryOfManyOutlivesKills(t *testing.T) {
	t.Parallel()
	w := newQuietWorld(t)
	w.outage = &outage{Verb: inspect.Retry, Plan: w.dir + "/plan.json"}
	w.produce(t, unlike(outageRecords, "old")...)
	first := w.boot(t)
	defer first.end()
	w.waitFor(t, history.Halted, outageRecords)
	w.kill(t, first)

	w.outlive(t, 0, freshRecords*49/50, func(life int) []bridgetest.Record { return unlike(freshRecords, fmt.Sprint(life)) })
	w.checkRetries(t)
}

// checkRetries finds jobs that were retried twice, or not at all. The store counts
// the runs that failed, whatever was killed meanwhile.
func (w *world) checkRetries(t *testing.T) {
	t.Helper()
	offline, op := w.operation(t)
	defer offline.Close()
	again, early := 0, 0
	for job, err := range offline.Jobs(t.Context(), inspect.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case job.State != inspect.Halted, !incurable(job.Offset) && !late(job.Offset):
			t.Errorf("%s is %s", job.Name, job.State)
		case incurable(job.Offset) && job.Attempts != 2, late(job.Offset) && job.Attempts > 2:
			t.Errorf("%s was run %d times", job.Name, job.Attempts)
		case incurable(job.Offset):
			again++
		case job.Attempts == 2: // it had failed when the command was given
			early++
		}
	}
	const failed = outageRecords / 50
	if again != failed || op.Matched != outageRecords+early || op.State != inspect.OperationDone {
		t.Errorf("%d have failed again, want %d; %d late ones were retried; operation %+v", again, failed, early, op)
	}
	if op.Taken != op.Matched || op.Done != outageRecords-failed || op.FailedAgain != failed+early || op.AlreadyDone+op.DeadAgain+op.Forgotten != 0 || len(op.Refused) > 0 {
		t.Errorf("operation %+v", op)
	}
	ends := 0
	for e, err := range offline.Audit(t.Context(), inspect.AuditQuery{Verb: inspect.Retry}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Result != inspect.ResultDone { // the command, of each life
			continue
		}
		if ends++; e.Done != op.Taken || e.Operation != op.ID || e.Actor != "the operator" {
			t.Errorf("audit %+v", e)
		}
	}
	if ends != 1 {
		t.Errorf("the end of the operation is told %d times", ends)
	}
}
