package queue

import (
	"fmt"
	"testing"

	"go.etcd.io/bbolt"
)

// overtaken lists the letters of orders, and which of them are overtaken.
func (r *rig) overtaken() (text string) {
	r.t.Helper()
	for l, err := range r.DeadLetters(r.t.Context(), orders, 0) {
		r.must(err)
		whole, _, err := r.DeadLetter(l.DeadRef)
		r.must(err)
		mark := ""
		if whole.Overtaken {
			mark = "!"
		}
		text += fmt.Sprint(l.Offset, mark, " ")
	}
	return text
}

func (r *rig) wantOvertaken(want string) {
	r.t.Helper()
	r.sync()
	if got := r.overtaken(); got != want {
		r.t.Errorf("letters %q, want %q", got, want)
	}
}

func TestALetterIsOvertakenByALaterJobOfItsLane(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b", "", "a", "b", "c")
	r.finish(bury, r.wantTaken(0, 2, 3)...)
	r.wantOvertaken("0 2 3 ")
	for _, j := range r.take(3) { // 1, 5 and 6
		if j.Offset == 1 {
			r.finish(bury, j)
		} else {
			r.done(j)
		}
	}
	r.wantOvertaken("0 1 2! 3 ")
	r.reopen()
	p = r.attach(orders)
	r.done(r.wantTaken(4)...)
	r.wantOvertaken("0! 1! 2! 3 ")
	if len(p.mourners.last) != 0 || r.mourned != 0 {
		t.Errorf("%v are watched, %d", p.mourners.last, r.mourned)
	}
	r.append(p, "a", "a")
	r.finish(bury, r.wantTaken(7)...)
	r.wantOvertaken("0! 1! 2! 3 7 ")
	seen, err := p.Find(t.Context(), 8)
	r.must(err)
	_, err = p.Skip(seen[0])
	r.must(err)
	r.wantOvertaken("0! 1! 2! 3 7! ")
	if found := r.verify(true); found != nil {
		t.Errorf("verify found %q", found)
	}
	list := r.wantDead(orders, 0, 1, 2, 3, 7)
	if _, err := r.Discard(t.Context(), list[0].DeadRef, list[4].DeadRef); err != nil { // the last one of a
		t.Fatal(err)
	}
	r.wantOvertaken("1 2! 3 ") // of 1 it is not known any more
	if _, err := r.Discard(t.Context(), list[1].DeadRef, list[2].DeadRef, list[3].DeadRef); err != nil {
		t.Fatal(err)
	}
	r.must(r.db.View(func(tx *bbolt.Tx) error {
		if partitionBucket(tx, orders).Bucket(bucketOvertaken) != nil {
			t.Error("something is left")
		}
		return nil
	}))
}

func TestWhatOvertakesIsWatchedAfterARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "b", "a")
	r.finish(bury, r.wantTaken(0, 1)...)
	r.sync()
	r.reopen()
	p := r.attach(orders)
	if len(p.mourners.last) != 2 || r.mourned != 2 {
		t.Errorf("%v are watched, %d", p.mourners.last, r.mourned)
	}
	r.done(r.wantTaken(2)...)
	r.wantOvertaken("0! 1 ")
	p.Detach()
	r.sync()
	r.Store.mu.Lock()
	defer r.Store.mu.Unlock()
	if r.mourned != 0 {
		t.Errorf("%d are watched, of none", r.mourned)
	}
}

func TestADamagedLineOfALaneIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a")
	r.finish(bury, r.wantTaken(0)...)
	r.sync()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		lanes := partitionBucket(tx, orders).Bucket(bucketOvertaken)
		key, value := lanes.Cursor().First()
		return lanes.Put(key, damaged(append([]byte(nil), value...)))
	}))
	if found := r.verify(false); len(found) != 1 {
		t.Errorf("verify found %q", found)
	}
	r.wantOvertaken("0 ")
}

func TestALetterStaysOvertakenWhereThePartitionGoesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.finish(bury, r.wantTaken(0)...)
	r.done(r.wantTaken(1)...)
	r.must(p.Reset(1))
	r.append(p, "a") // 1 is open again, but what it does was done once
	r.wantOvertaken("0! ")
	r.done(r.wantTaken(1)...)
	r.wantOvertaken("0! ")
}
