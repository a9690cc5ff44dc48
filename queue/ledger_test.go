package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func (r *rig) audit(newestFirst bool) (texts []string) {
	r.t.Helper()
	for e, err := range r.Audit(r.t.Context(), newestFirst) {
		r.must(err)
		texts = append(texts, fmt.Sprintf("%d %s", e.Sequence, e.Data))
	}
	return texts
}

func (r *rig) putAudit(e AuditEntry) uint64 {
	r.t.Helper()
	n, err := r.PutAudit(e)
	r.must(err)
	return n
}

func TestTheLedgerOutlivesARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	at := r.clock.Now()
	if n := r.putAudit(AuditEntry{At: at, Data: []byte("begun")}); n != 1 {
		t.Errorf("sequence %d", n)
	}
	r.putAudit(AuditEntry{At: at, Data: []byte("second")})
	r.putAudit(AuditEntry{Sequence: 1, At: at, Data: []byte("ended")})
	op, err := r.PutOperation(Operation{ID: "rq-1", Began: at, Open: true, Data: []byte("half")})
	r.must(err)
	r.must(r.PutSetting("workers", []byte("8")))
	r.must(r.PutSetting("rate", []byte("5")))
	r.must(r.PutSetting("rate", nil))
	r.reopen()
	if got := r.audit(false); !slices.Equal(got, []string{"1 ended", "2 second"}) {
		t.Errorf("audit %q", got)
	}
	if got := r.audit(true); !slices.Equal(got, []string{"2 second", "1 ended"}) {
		t.Errorf("audit backwards %q", got)
	}
	if n := r.putAudit(AuditEntry{At: at}); n != 3 {
		t.Errorf("sequence after the restart %d", n)
	}
	got, known := r.Operation("rq-1")
	if !known || !got.Open || !got.Began.Equal(at) || string(got.Data) != "half" || got.Version != op.Version {
		t.Errorf("operation %+v, %v", got, known)
	}
	if set := r.Settings(); len(set) != 1 || set[0].Name != "workers" || string(set[0].Value) != "8" || !set[0].Since.Equal(at) {
		t.Errorf("settings %+v", set)
	}
	if found := r.verify(true); found != nil {
		t.Errorf("verify found %q", found)
	}
}

// TestTheLedgerIsDurableBeforeWhatFollows: it needs no flush of its own.
func TestTheLedgerIsDurableWithWhatFollowsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a")
	job := r.take(1)
	flushes := r.Usage().Flushes
	r.putAudit(AuditEntry{At: r.clock.Now(), Data: []byte("x")})
	r.done(job...)
	r.sync()
	if n := r.Usage().Flushes - flushes; n > 2 {
		t.Errorf("%d flushes", n)
	}
	r.must(r.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(bucketAudit).Stats().KeyN != 1 {
			t.Error("the entry is not in the file")
		}
		return nil
	}))
}

func TestTheAuditTrailIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for i := range MaxAudit + 50 {
		r.putAudit(AuditEntry{At: r.clock.Now(), Data: fmt.Append(nil, i)})
		if i%3000 == 0 {
			r.sync()
		}
	}
	if got := r.audit(false); len(got) != MaxAudit || got[0] != "51 50" {
		t.Errorf("%d entries from %s on", len(got), got[0])
	}
	r.putAudit(AuditEntry{Sequence: 3, At: r.clock.Now(), Data: []byte("too late")})
	r.reopen()
	r.putAudit(AuditEntry{At: r.clock.Now(), Data: []byte("new")})
	if got := r.audit(true); len(got) != MaxAudit || got[0] != fmt.Sprint(MaxAudit+51, " new") || got[MaxAudit-1] != "52 51" {
		t.Errorf("%d entries: %s ... %s", len(got), got[0], got[len(got)-1])
	}
	large := bytes.Repeat([]byte("x"), MaxLedgerData)
	for range MaxAuditBytes/MaxLedgerData + 1 {
		r.putAudit(AuditEntry{At: r.clock.Now(), Data: large})
	}
	if got := len(r.audit(false)); got >= MaxAuditBytes/MaxLedgerData {
		t.Errorf("%d large entries", got)
	}
	if _, err := r.PutAudit(AuditEntry{Data: append(large, 'x')}); !errors.Is(err, errLedgerData) {
		t.Errorf("error %v", err)
	}
}

func TestAnOperationIsChangedAsItWasRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	first, err := r.PutOperation(Operation{ID: "a", Began: r.clock.Now(), Open: true})
	r.must(err)
	if _, err := r.PutOperation(Operation{ID: "a", Began: r.clock.Now(), Open: true}); !errors.Is(err, ErrOperationChanged) {
		t.Errorf("a second one of that id: %v", err)
	}
	first.Data = []byte("1")
	second, err := r.PutOperation(first)
	r.must(err)
	first.Data = []byte("2")
	if _, err := r.PutOperation(first); !errors.Is(err, ErrOperationChanged) {
		t.Errorf("a change of what it was: %v", err)
	}
	second.Open = false
	_, err = r.PutOperation(second)
	r.must(err)
	if got, _ := r.Operation("a"); got.Open || string(got.Data) != "1" {
		t.Errorf("operation %+v", got)
	}
}

func TestOperationsThatAreOverGo(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for i := range MaxClosedOperations + 10 {
		_, err := r.PutOperation(Operation{ID: fmt.Sprintf("op-%03d", i), Began: r.clock.Now().Add(time.Duration(i)), Open: i == 0 || i == 5})
		r.must(err)
	}
	r.reopen()
	list := r.Operations()
	if len(list) != MaxClosedOperations+2 || list[0].ID != "op-000" || list[1].ID != "op-005" || list[2].ID != "op-010" {
		t.Errorf("%d operations from %s, %s, %s on", len(list), list[0].ID, list[1].ID, list[2].ID)
	}
}

func TestDamageOfTheLedgerIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.putAudit(AuditEntry{At: r.clock.Now(), Data: []byte("a")})
	r.putAudit(AuditEntry{At: r.clock.Now(), Data: []byte("b")})
	_, err := r.PutOperation(Operation{ID: "rq-1", Began: r.clock.Now(), Open: true})
	r.must(err)
	r.must(r.PutSetting("workers", []byte("8")))
	r.sync()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		for bucket, key := range map[string][]byte{"audit": offsetKey(1), "operations": []byte("rq-1"), "settings": []byte("workers")} {
			b := tx.Bucket([]byte(bucket))
			r.must(b.Put(key, damaged(bytes.Clone(b.Get(key)))))
		}
		return nil
	}))
	if found := r.verify(false); len(found) != 3 {
		t.Errorf("verify found %q", found)
	}
	r.reopen()
	entries := 0
	for e, err := range r.Audit(t.Context(), false) {
		r.must(err)
		entries++
		if is := errors.As(e.Damaged, new(*DamageError)); is != (e.Sequence == 1) {
			t.Errorf("entry %d: %v", e.Sequence, e.Damaged)
		}
	}
	if op, known := r.Operation("rq-1"); entries != 2 || !known || op.Open || op.Damaged == nil {
		t.Errorf("%d entries, operation %+v, %v", entries, op, known)
	}
	if set := r.Settings(); len(set) != 1 || set[0].Damaged == nil {
		t.Errorf("settings %+v", set)
	}
	r.must(r.PutSetting("workers", []byte("9")))
	r.reopen()
	if set := r.Settings(); len(set) != 1 || set[0].Damaged != nil || string(set[0].Value) != "9" {
		t.Errorf("settings %+v", set)
	}
}

func TestTheLedgerIsAsTheFormatSays(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	at := r.clock.Now()
	r.putAudit(AuditEntry{At: at, Data: []byte(`{"verb":"skip"}`)})
	_, err := r.PutOperation(Operation{ID: "rq-1", Began: at, Open: true, Data: []byte("half")})
	r.must(err)
	r.must(r.PutSetting("workers", []byte("8")))
	r.sync()
	r.must(r.db.View(func(tx *bbolt.Tx) error {
		got, err := formatReader{tx}.ledger()
		want := fmt.Sprint([]string{
			fmt.Sprintf(`audit 0000000000000001 %d false 0 {"verb":"skip"}`, at.UnixNano()),
			fmt.Sprintf("operations 72712d31 %d true 1 half", at.UnixNano()),
			fmt.Sprintf("settings 776f726b657273 %d false 0 8", at.UnixNano()),
		})
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("the file says %s, %v, want %s", got, err, want)
		}
		return nil
	}))
	temp := r.path + ".copy"
	r.must(CompactTo(r.db, temp))
	db, err := OpenFile(temp, true)
	r.must(err)
	defer db.Close()
	r.must(db.View(func(tx *bbolt.Tx) error {
		if got, err := (formatReader{tx}).ledger(); err != nil || len(got) != 3 {
			t.Errorf("after a compaction the file says %s, %v", got, err)
		}
		return nil
	}))
}

func TestFatesOfLetters(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "b", "c", "d")
	r.finish(bury, r.wantTaken(0, 1, 2, 3)...)
	list := r.wantDead(orders, 0, 1, 2, 3)
	r.wantRequeued(false, list[1:]...)
	jobs := r.take(2) // of 1 and 2
	r.done(jobs[0])
	r.finish(bury, jobs[1])
	r.sync()
	refs := []DeadRef{list[0].DeadRef, list[1].DeadRef, list[2].DeadRef, list[3].DeadRef, {orders, 9, 0}}
	want := []Fate{LetterKept, LetterGone, LetterDeadAgain, LetterWaits, LetterGone}
	if jobs[0].Offset == 2 {
		want[1], want[2] = want[2], want[1]
	}
	r.wantFates(4, want, refs...)
	r.wantFates(4, []Fate{LetterForgotten}, DeadRef{TopicPartition{"bills", 0}, 1, 1})
	r.wantFates(0, []Fate{LetterDeadAgain}, DeadRef{orders, jobs[1].Offset, 0})
}

func (r *rig) wantFates(last uint64, want []Fate, refs ...DeadRef) {
	r.t.Helper()
	got, err := r.Fates(r.t.Context(), last, refs...)
	r.must(err)
	if !slices.Equal(got, want) {
		r.t.Errorf("fates %v, want %v", got, want)
	}
}

// Of two letters of one offset, the second one is not what the job of the first one
// has become.
func TestFateBesideAnotherLetterOfTheOffset(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	for range 2 {
		r.append(p, "a")
		r.finish(bury, r.wantTaken(0)...)
		r.sync()
		r.must(p.Reset(0))
	}
	list := r.wantDead(orders, 0, 0)
	r.wantRequeued(false, list[0])
	r.done(r.wantTaken(0)...)
	r.sync()
	r.wantFates(2, []Fate{LetterGone, LetterKept}, list[0].DeadRef, list[1].DeadRef)
}

// What was dropped with its partition is not done, also where that began anew.
func TestFateOfWhatWasForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.finish(bury, r.wantTaken(0, 1)...)
	list := r.wantDead(orders, 0, 1)
	r.wantRequeued(false, list...)
	p.Detach()
	r.sync()
	if done, err := r.Drop(orders); !done || err != nil {
		t.Fatal(done, err)
	}
	r.sync()
	gone := []Fate{LetterForgotten, LetterForgotten}
	r.wantFates(2, gone, list[0].DeadRef, list[1].DeadRef)
	r.append(r.attach(orders), "a")
	r.sync()
	r.wantFates(2, gone, list[0].DeadRef, list[1].DeadRef)
}

// What Whole holds together is in one transaction.
func TestNoFlushBeginsWithinWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.finish(Outcome{Kind: Halt}, r.wantTaken(0)...)
	r.sync()
	jobs, err := p.Find(t.Context(), 0)
	r.must(err)
	synced := make(chan error, 1)
	r.must(r.Whole(func() error {
		_, err := r.PutOperation(Operation{ID: "sk-1", Began: r.clock.Now(), Open: true})
		r.must(err)
		go func() { synced <- r.Sync(context.Background()) }()
		eventually(t, "a flush is asked for", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.waiters) > 0
		})
		_, err = p.Skip(jobs[0])
		return err
	}))
	r.must(<-synced)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.dirty) > 0 || !r.ledger.changes.empty() {
		t.Error("half of it is left for the next flush")
	}
}
