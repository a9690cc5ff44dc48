package bridge

import (
	"testing"

	"github.com/seed-2837c37b/holdfast/queue"
)

// read puts n records of so many bytes each into the intake, as a reader does
// that finds them one at a time.
func (i *intake) read(n, bytes int) {
	for range n {
		b := i.room(1)
		b.records = append(b.records, queue.Record{Offset: int64(bytes)})
		b.bytes += bytes
		b.next++
		i.bytes += bytes
	}
}

func TestTrickleGathersWhileBatchesWait(t *testing.T) {
	t.Parallel()
	i := newIntake()
	i.read(ingestRecords, 1)
	if first := i.next(); len(first.records) != 1 {
		t.Errorf("the first batch has %d records; one that is alone must not wait for others", len(first.records))
	}
	if second := i.next(); len(second.records) != ingestRecords-1 || !i.empty() {
		t.Errorf("the second batch has %d records, want the other %d", len(second.records), ingestRecords-1)
	}
}

func TestNothingNewIsNoBatch(t *testing.T) {
	t.Parallel()
	i := newIntake()
	i.room(1)
	if !i.empty() {
		t.Error("a batch without records counts")
	}
	i.read(2, 1)
	if first := i.next(); len(first.records) != 1 || i.empty() {
		t.Errorf("the first batch has %d records", len(first.records))
	}
}

// What a probe found to be invisible lies behind what was read.
func TestReadRecordsComeBeforeTheGapBehindThem(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, Topic{Handler: doNothing}, nil)
	r := d.newReader(nil, 2)
	b := r.intake.room(2)
	b.records = append(b.records, queue.Record{Offset: 0, Lane: queue.Lane{Own: true}}, queue.Record{Offset: 1, Lane: queue.Lane{Own: true}})
	b.next = 2
	if err := r.advance(10); err != nil {
		t.Fatal(err)
	}
	if s := d.stored.State(); s.Open != 2 || s.Next != 10 || r.next != 10 {
		t.Errorf("%d jobs, next %d, reader at %d; want 2, 10, 10", s.Open, s.Next, r.next)
	}
}

func TestIntakeIsBounded(t *testing.T) {
	t.Parallel()
	i := newIntake()
	i.read(intakeBytes/1000, 1000)
	if i.full() {
		t.Error("full below its bound")
	}
	i.read(1, 1000)
	if !i.full() {
		t.Error("not full at its bound")
	}
	for !i.empty() {
		i.next()
	}
	if i.full() || i.bytes != 0 {
		t.Errorf("%d bytes left of nothing", i.bytes)
	}
}
