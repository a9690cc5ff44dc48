package bridge

import (
	"context"
	"fmt"
	"time"
)

// tail looks beyond the last record of a partition. What lies there may never
// be delivered (transaction markers, aborted or compacted records), and then
// only a probe can tell that the frontier may step over it.
type tail struct {
	found chan int64 // a probe's answer; one probe at a time
	done  chan struct{}

	quiet  bool      // no record since the last check
	asked  int64     // the offset of the last probe
	again  time.Time // not before, while the offset is still the same
	flying bool      // a probe is under way
	told   int64     // the offset that the hook EndOfPartition was told last
}

func newTail() tail { return tail{found: make(chan int64, 1), asked: -1, told: -1} }

// moved notes that records arrive.
func (t *tail) moved() { t.quiet = false }

// check starts a probe if the partition was quiet for a whole interval and
// nobody has looked beyond its next offset yet, or not for long.
func (t *tail) check(ctx context.Context, r *reader) {
	wasQuiet := t.quiet
	t.quiet = true
	if !wasQuiet || r.paused || t.flying {
		return
	}
	behind := r.stream.HighWater() > r.next
	if t.asked == r.next && (!behind || time.Now().Before(t.again)) {
		return
	}
	t.asked, t.again, t.flying = r.next, time.Now().Add(probeAgain), true
	t.done = make(chan struct{})
	go func(offset int64) {
		defer close(t.done)
		probe, err := r.claim.Probe(ctx, offset)
		if err != nil {
			probe.End = -1 // asked again later
		}
		t.found <- probe.End
	}(r.next)
}

// wait returns when no probe is under way any more.
func (t *tail) wait() {
	if t.flying {
		<-t.done
	}
}

// advance steps over what the probe found to be invisible. Records that came
// in meanwhile have moved on further, or begin where the probe ended; what was
// read before comes first.
func (r *reader) advance(end int64) error {
	r.tail.flying = false
	if end <= r.next {
		if end >= 0 {
			r.tellEnd()
		}
		return nil
	}
	for !r.intake.empty() {
		if err := r.append(r.intake.next()); err != nil {
			return err
		}
	}
	if err := r.stored.AdvanceTo(end); err != nil {
		return fmt.Errorf("step over invisible records up to %d: %w", end, err)
	}
	r.next = end
	r.tellEnd()
	return nil
}

// tellEnd tells the hook where nothing is left to be read, as far as Kafka has
// told us.
func (r *reader) tellEnd() {
	if r.hooks.to.EndOfPartition == nil || r.next == r.tail.told || r.next < r.stream.HighWater() || !r.intake.empty() {
		return
	}
	r.tail.told = r.next
	r.hooks.endOfPartition(EndOfPartition{Topic: r.claim.Topic, Partition: r.claim.Partition, Offset: r.next})
}
