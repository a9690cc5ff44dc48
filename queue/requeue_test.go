package queue

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

func (r *rig) requeueLetters(reset bool, list ...DeadLetter) []RequeueResult {
	r.t.Helper()
	refs := make([]DeadRef, len(list))
	for i, l := range list {
		refs[i] = l.DeadRef
	}
	results, err := r.Requeue(r.t.Context(), reset, refs...)
	r.must(err)
	return results
}

func (r *rig) wantRequeued(reset bool, list ...DeadLetter) {
	r.t.Helper()
	for _, res := range r.requeueLetters(reset, list...) {
		if !res.Done || res.Err != nil {
			r.t.Fatalf("%s: %+v", res, res)
		}
	}
}

// TestRequeuedJobRunsInItsLane: before the later jobs that wait, behind one that
// runs, exactly once, over a restart.
func TestRequeuedJobRunsInItsLane(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "a", "b")
	r.finish(bury, r.wantTaken(0, 3)...)
	list := r.wantDead(orders, 0, 3)
	running := r.wantTaken(1)
	r.wantRequeued(false, list...)
	if res := r.requeueLetters(false, list...); slices.ContainsFunc(res, func(q RequeueResult) bool { return q.Done || q.Err != nil }) {
		t.Errorf("requeued twice: %+v", res)
	}
	r.wantDead(orders)
	if j := r.wantTaken(3)[0]; j.Attempt != 2 || j.LastError != "not a number" {
		t.Errorf("attempt %d after %q", j.Attempt, j.LastError)
	} else {
		r.done(j)
	}
	r.nothingStarts()
	r.done(running...)
	if s := p.State(); s.Frontier != 2 || s.Aside != 1 {
		t.Errorf("%+v", s)
	}
	r.reopen()
	r.attach(orders)
	if ran := r.drain(); !slices.Equal(ran, []int64{0, 2}) {
		t.Errorf("ran %v", ran)
	}
	r.wantAside(orders)
}

func TestRequeuedJobDiesAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "a")
	r.finish(bury, r.wantTaken(0)...)
	first := r.wantDead(orders, 0)
	r.wantRequeued(true, first...)
	jobs := r.wantTaken(0)
	if jobs[0].Attempt != 1 || jobs[0].LastError != "" {
		t.Errorf("attempt %d after %q", jobs[0].Attempt, jobs[0].LastError)
	}
	r.finish(bury, jobs...)
	again := r.wantDead(orders, 0)
	if again[0].Number == first[0].Number || string(again[0].Record.Key) != "a" {
		t.Errorf("died again as %+v", again[0])
	}
	r.wantAside(orders)
	if res := r.requeueLetters(false, first...); res[0].Done || res[0].Err != nil {
		t.Errorf("requeued by its old name: %+v", res)
	}
	r.done(r.wantTaken(1)...)
}

// TestRequeuedJobHasItsCheckpoint: one that the file had, and one of the same
// flush as the burial.
func TestRequeuedJobHasItsCheckpoint(t *testing.T) {
	t.Parallel()
	for _, flushed := range []bool{true, false} {
		r := newRig(t, Options{})
		r.append(r.attach(orders), "a")
		job := r.wantTaken(0)[0]
		if flushed {
			r.must(job.Run().Checkpoint(t.Context(), 0, []byte("half")))
		} else {
			r.must(job.Run().keep(0, []byte("half")))
		}
		r.finish(bury, job)
		r.wantRequeued(false, r.wantDead(orders, 0)...)
		r.reopen()
		r.attach(orders)
		job = r.wantTaken(0)[0]
		if data, err := r.Checkpoint(job); err != nil || string(data) != "half" {
			t.Errorf("checkpoint %q, %v", data, err)
		}
		r.done(job)
		r.wantAside(orders)
	}
}

func TestRequeueIsRefusedByName(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.finish(bury, r.take(2)...)
	list := r.wantDead(orders, 0, 1)
	refused := func(want error) {
		t.Helper()
		for _, res := range r.requeueLetters(false, list...) {
			if res.Done || !errors.Is(res.Err, want) {
				t.Errorf("%s: %+v, want %v", res, res, want)
			}
		}
		r.wantDead(orders, 0, 1)
	}
	p.Detach()
	refused(ErrDetached)
	r.sync()
	refused(ErrDetached)
	p = r.attach(orders)
	r.must(p.Configure("another id", "scheme"))
	refused(ErrTopicAnew)
	r.must(p.Configure("topic-id", "scheme"))
	r.must(p.Reset(0))
	r.append(p, "a", "b") // an operator has set the offset back
	refused(ErrJobWaiting)
}

// TestADamagedOutboxNamesEachLetterStill: one line that cannot be read, and one
// whose letter is lost.
func TestADamagedOutboxNamesEachLetterStill(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "b", "c")
	r.finish(bury, r.take(3)...)
	list := r.wantDead(orders, 0, 1, 2)
	r.alter(orders, bucketOutbox, offsetKey(int64(list[0].Number)), damaged)
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		return partitionBucket(tx, orders).Bucket(bucketDead).Delete(deadKey(1, list[1].Number))
	}))
	if found := r.verify(true); len(found) != 3 { // the lost one in both lists
		t.Errorf("verify found %q", found)
	}
	unsent, err := r.Unsent(orders, 9, 1<<20)
	r.must(err)
	var refs []DeadRef
	for i, l := range unsent {
		if refs = append(refs, l.DeadRef); (l.Damaged != nil) != (i == 1) || l.Number != list[i].Number {
			t.Errorf("%+v", l)
		}
	}
	r.must(r.Sent(t.Context(), refs...))
	if c := r.DeadCount(orders); c.Unsent != 0 || len(unsent) != 3 {
		t.Errorf("%d unsent, then %+v", len(unsent), c)
	}
}

// TestADamagedJobIsBuriedAsItIs: by its run, and by an operator.
func TestADamagedJobIsBuriedAsItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "b", "c")
	r.must(r.Close())
	r.flip([]byte("value 0"))
	r.flip([]byte("value 2"))
	r.open()
	p := r.attach(orders)
	jobs := r.take(2)
	if jobs[0].Damaged == nil {
		t.Fatalf("%+v", jobs[0])
	}
	r.finish(bury, jobs...)
	r.change(p.Bury(r.find(p, 2), "unreadable"))
	for i, l := range r.wantDead(orders, 0, 1, 2) {
		if (l.Damaged != nil) != (i != 1) || l.Reason == "" || l.Bytes < 50 {
			t.Errorf("%+v", l)
		}
	}
	r.sync()
	if f := p.Frontier(); f != 3 {
		t.Errorf("frontier %d", f)
	}
	if found := r.verify(true); len(found) != 2 || !strings.Contains(found[0], "orders/3@0") || !strings.Contains(found[1], "orders/3@2") {
		t.Errorf("verify found %q", found)
	}
}

func TestADamagedLetterConcernsItselfOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "b", "c", "d")
	r.finish(bury, r.take(4)...)
	list := r.wantDead(orders, 0, 1, 2, 3)
	r.must(r.Close())
	r.flip([]byte("value 2"))
	r.open()
	r.alter(orders, bucketDead, deadKey(1, list[1].Number), func(b []byte) []byte {
		b[12] ^= 1
		return b
	})
	r.alter(orders, nil, keyTally, damaged)
	r.reopen()
	found := r.verify(true)
	if len(found) != 3 || !slices.ContainsFunc(found, contains("orders/3@1 ")) || !slices.ContainsFunc(found, contains("orders/3@2 ")) {
		t.Errorf("verify found %q", found)
	}
	r.attach(orders)
	got := r.wantDead(orders, 0, 1, 2, 3)
	for i, l := range got {
		if (l.Damaged != nil) != (i == 1 || i == 2) {
			t.Errorf("%s: %v", l, l.Damaged)
		}
	}
	if got[2].Reason != "not a number" { // only its body is lost
		t.Errorf("%+v", got[2])
	}
	for i, res := range r.requeueLetters(false, got...) {
		if damage := new(DamageError); res.Done == (i == 1 || i == 2) || !res.Done && !errors.As(res.Err, &damage) {
			t.Errorf("%s: %+v", res, res)
		}
	}
	r.wantDead(orders, 1, 2)
	if _, err := r.Discard(t.Context(), got[1].DeadRef, got[2].DeadRef); err != nil {
		t.Fatal(err)
	}
	r.wantDead(orders)
	if found := r.verify(true); found != nil {
		t.Errorf("verify found %q", found)
	}
}

func contains(part string) func(string) bool {
	return func(s string) bool { return strings.Contains(s, part) }
}

// TestARecordThatComesAgainWhileItsLetterIsRequeued is one job: the requeue was on
// disk between the two looks of Append.
func TestARecordThatComesAgainWhileItsLetterIsRequeued(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, Options{}, standardLayout())
	r.manual = true
	r.open()
	p := r.attach(orders)
	r.append(p, "a")
	r.finish(Outcome{Kind: Bury, Error: "hopeless"}, r.wantTaken(0)...)
	r.flush()
	r.must(p.Reset(0))
	r.flush()
	again := records(0, "a")
	known, err := p.asideAmong(again)
	r.must(err)
	ref := DeadRef{orders, 0, 1}
	r.must(r.submit(r.mayRequeue, newDeadActs(deadAct{kind: Requeued, do: (*deadTable).requeue}, []DeadRef{ref})))
	r.flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	if kept := p.withoutKnown(again, known); len(kept) > 0 {
		t.Errorf("offset %d is an open job, too", kept[0].Offset)
	}
}
