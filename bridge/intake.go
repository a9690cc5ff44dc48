package bridge

import (
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

const (
	// intakeBytes is about one answer of a broker: while the workers use it up,
	// the next one is on its way.
	intakeBytes = 1 << 20
	// lookAgain is when a reader with a full intake looks at the workers again.
	lookAgain = time.Millisecond
	// patience is how long a batch waits for workers that are busy: a quarter
	// of what makes sarama think that nobody reads.
	patience = 25 * time.Millisecond
)

// intake is what a reader has read and not yet given to the store. What quick
// workers finish before the next flush is never written, so the store is given
// little at a time; but a broker is asked for more only when all of its last
// answer was read, so reading goes on meanwhile.
type intake struct {
	batches []batch
	bytes   int
	given   time.Time   // the last batch
	again   *time.Timer // runs while there are batches
}

type batch struct {
	records []queue.Record
	bytes   int
	next    int64 // everything below was read; 0: nothing was
	drops   drops // of it, what is not in records
}

func newIntake() intake {
	again := time.NewTimer(0)
	again.Stop()
	return intake{again: again}
}

func (i *intake) full() bool { return i.bytes >= intakeBytes }

// empty: there is no batch, or one that nothing new was read into.
func (i *intake) empty() bool { return len(i.batches) == 0 || i.batches[0].next == 0 }

// overdue: the next batch has waited long enough.
func (i *intake) overdue() bool { return time.Since(i.given) >= patience }

// room returns the batch to read into, with room for at least one record of n
// that are there. What trickles in while batches wait gathers in the last one.
func (i *intake) room(n int) *batch {
	if last := len(i.batches) - 1; last >= 0 {
		if b := &i.batches[last]; len(b.records) < cap(b.records) && b.bytes < ingestBytes {
			return b
		}
		n = ingestRecords
	}
	i.batches = append(i.batches, batch{records: make([]queue.Record, 0, min(n, ingestRecords))})
	return &i.batches[len(i.batches)-1]
}

// next takes the oldest batch out.
func (i *intake) next() batch {
	b := i.batches[0]
	i.batches[0] = batch{}
	i.batches = i.batches[1:]
	i.bytes -= b.bytes
	i.given = time.Now()
	return b
}

// lookLater lets the reader look again at what it could not give away.
func (i *intake) lookLater() {
	if !i.empty() {
		i.again.Reset(lookAgain)
	}
}
