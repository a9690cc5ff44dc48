package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
	"github.com/seed-2837c37b/holdfast/queue"
)

// outage makes a child in which every job becomes a dead letter, is halted, or is
// parked; or, once that is mended, an operator requeues, retries or releases them all
// and few fail again.
type outage struct {
	Verb   inspect.Verb // Requeue, Retry or Release
	Mended bool
	Plan   string // path of the operator's plan, which is made in the first life that is mended
}

const (
	outageRecords = 10_000
	// freshRecords come in each life after the outage.
	freshRecords = 2_000
)

// fresh jobs came after the outage.
func fresh(offset int64) bool { return offset >= outageRecords/partitions }

// incurable jobs die again after the outage.
func incurable(offset int64) bool { return offset%50 == 0 && !fresh(offset) }

func (o *outage) configure(cfg *bridge.Config, w *worker) {
	cfg.Topics[0].OnFailure = map[inspect.Verb]bridge.OnFailure{inspect.Requeue: bridge.BuryJob, inspect.Release: bridge.ParkLane}[o.Verb]
	cfg.Topics[0].DeadLetter.Guard = bridge.Guard{Bucket: -1}
	cfg.Topics[0].Handler = bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		if !o.Mended || incurable(job.Offset) || o.Verb == inspect.Retry && late(job.Offset) {
			return bridge.Bury(errors.New("http 503"))
		}
		w.tell(history.Start, job, false)
		time.Sleep(time.Millisecond)
		w.tell(history.End, job, true)
		return nil
	})
}

// operate gives the same command in every life, and tells when all of it is done.
// Nobody else acts.
func (o *outage) operate(ctx context.Context, w *worker, inspector inspect.Inspector) error {
	if o.Mended {
		if err := o.act(ctx, w, inspector); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

func (o *outage) act(ctx context.Context, w *worker, inspector inspect.Inspector) error {
	plan, err := o.plan(ctx, inspector)
	if err != nil {
		return err
	}
	op, err := inspector.Execute(inspect.As(ctx, "the operator"), plan)
	if err != nil || op.Stored == nil {
		return errors.Join(err, fmt.Errorf("it was not stored: %+v", op))
	}
	id := op.Stored.ID
	for {
		list, err := inspector.Operations(ctx)
		if err != nil || len(list) != 1 || list[0].ID != id {
			return errors.Join(err, fmt.Errorf("operations are %+v, want %s alone", list, id))
		}
		if list[0].State != inspect.OperationRunning && list[0].Waiting == 0 {
			w.append(history.Event{Kind: history.Drained, Process: process})
			return nil
		}
		if err := o.planAgain(ctx, inspector, list[0]); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// plan returns the operator's, as it was made before the first kill.
func (o *outage) plan(ctx context.Context, inspector inspect.Inspector) (plan inspect.Plan, err error) {
	if !awaitPartitions(ctx, inspector) {
		return plan, context.Cause(ctx)
	}
	text, err := os.ReadFile(o.Plan)
	if err == nil {
		return plan, json.Unmarshal(text, &plan)
	}
	c := inspect.Command{Verb: o.Verb, Select: inspect.Query{Topic: topic}}
	switch o.Verb {
	case inspect.Requeue:
		c = inspect.Command{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: topic, ErrorMatches: "http 503"}}
	case inspect.Retry:
		c.Select.States = []inspect.State{inspect.Halted}
	}
	plan, err = inspector.Plan(ctx, c)
	if err != nil {
		return plan, err
	}
	// A late job may have failed already.
	if n := len(plan.Dead) + len(plan.Jobs) + len(plan.Lanes) + plan.More; n < outageRecords || o.Verb != inspect.Retry && n > outageRecords {
		return plan, fmt.Errorf("%d letters, jobs or lanes are planned; refused: %+v", n, plan.Refused)
	}
	if text, err = json.Marshal(plan); err != nil {
		return plan, err
	}
	return plan, errors.Join(os.WriteFile(o.Plan+".tmp", text, 0o600), os.Rename(o.Plan+".tmp", o.Plan))
}

// planAgain finds nothing to do but for what has died since.
func (o *outage) planAgain(ctx context.Context, inspector inspect.Inspector, op inspect.BulkOperation) error {
	if o.Verb != inspect.Requeue {
		return nil // what is halted or parked now is another command's
	}
	plan, err := inspector.Plan(ctx, inspect.Command{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: topic}})
	if err != nil {
		return err
	}
	for _, letter := range plan.Dead {
		if !incurable(letter.Offset) && op.State == inspect.OperationRunning {
			return fmt.Errorf("a second plan has %s, which operation %s is about to requeue", letter.Name, op.ID)
		}
	}
	return nil
}

// Ten thousand dead letters are requeued while the bridge runs others and is killed
// again and again: each of them once.
func TestRequeueOfManyOutlivesKills(t *testing.T) {
	t.Parallel()
	w := newQuietWorld(t)
	w.outage = &outage{Verb: inspect.Requeue, Plan: w.dir + "/plan.json"}
	records := make([]bridgetest.Record, outageRecords)
	for i := range records {
		records[i] = bridgetest.Record{Partition: int32(i % partitions), Key: fmt.Appendf(nil, "key-%d", i%1000), Value: []byte("1")}
	}
	w.produce(t, records...)
	durable := outageRecords
	first := w.boot(t)
	defer first.end()
	w.waitFor(t, history.Durable, durable)
	w.settle(t, first)
	w.kill(t, first)

	w.outlive(t, durable, freshRecords, func(int) []bridgetest.Record { return records[:freshRecords] })
	w.checkRuns(t)
	w.checkOutage(t)
}

// outlive lets the operator's command go on over three kills, while fresh records come
// in each life, of which so many are done.
func (w *world) outlive(t *testing.T, durable, done int, fresh func(life int) []bridgetest.Record) {
	t.Helper()
	w.outage.Mended = true
	for life, taken := range []int{500, 2000, 3500} {
		w.produce(t, fresh(life)...)
		durable += done + taken
		c := w.boot(t)
		defer c.end()
		w.waitFor(t, history.Durable, durable)
		w.kill(t, c)
	}
	last := w.boot(t)
	defer last.end()
	w.waitFor(t, history.Drained, 1)
	w.stop(t, last)
	w.close()
	if w.races() {
		t.Errorf("a data race\n%s", w.tail())
	}
}

// operation opens what the last life has left, with the only operation of it.
func (w *world) operation(t *testing.T) (*inspect.Offline, inspect.BulkOperation) {
	t.Helper()
	offline, err := inspect.Open(t.Context(), w.dataDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := offline.Operations(t.Context())
	if err != nil || len(list) != 1 {
		offline.Close()
		t.Fatalf("operations %+v, %v", list, err)
	}
	return offline, list[0]
}

// checkRuns finds jobs that ran again although they were done.
func (w *world) checkRuns(t *testing.T) {
	t.Helper()
	type job struct {
		partition int32
		offset    int64
	}
	told := map[job]int{}
	for _, e := range w.events(t) {
		at := job{e.Partition, e.Offset}
		switch e.Kind {
		case history.Durable:
			told[at]++
			if told[at] > 2 || fresh(e.Offset) && told[at] > 1 {
				t.Errorf("%v for the %dth time: who died was requeued once", e, told[at])
			}
		case history.Start:
			if told[at] != 1 && !fresh(e.Offset) || told[at] > 1 {
				t.Errorf("%v, told as dead or done %d times before", e, told[at])
			}
		}
	}
}

// checkOutage looks at what is left: the letters that died again, buried twice each.
func (w *world) checkOutage(t *testing.T) {
	t.Helper()
	store, err := queue.Open(w.dataDir()+"/"+queue.FileName, queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	burials, letters := 0, 0
	for _, c := range store.DeadCounts() {
		burials, letters = burials+int(c.Burials), letters+c.Letters
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	const dead = outageRecords / 50
	if letters != dead || burials != outageRecords+dead {
		t.Errorf("%d letters after %d burials, want %d after %d", letters, burials, dead, outageRecords+dead)
	}
	offline, op := w.operation(t)
	defer offline.Close()
	for job, err := range offline.Jobs(t.Context(), inspect.Query{}) {
		t.Errorf("%s is open, %v", job.Name, err)
	}
	if op.State != inspect.OperationDone || op.Taken != outageRecords || op.Done != outageRecords-dead || op.DeadAgain != dead || op.AlreadyDone != 0 {
		t.Errorf("operation %+v", op)
	}
	var entries []inspect.AuditEntry
	for e, err := range offline.Audit(t.Context(), inspect.AuditQuery{Verb: inspect.Requeue}) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	// A kill may come before the command of its life, and the end before that of the last.
	end := slices.IndexFunc(entries, func(e inspect.AuditEntry) bool { return e.Result == inspect.ResultDone })
	if len(entries) < 3 || entries[0].Actor != "the operator" || end < 0 || entries[end].Done != outageRecords {
		t.Errorf("audit %+v", entries)
	}
}
