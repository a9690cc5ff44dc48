package recovery

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-2837c37b/holdfast/queue"
)

// world is a partition with every offset's fate spelled out, against which the
// effect of a decision can be counted.
type world struct {
	local  queue.State
	open   map[int64]bool // unfinished jobs of the store
	kafka  Facts
	policy Policy
}

func drawWorld(t *rapid.T) world {
	w := world{local: never(), open: map[int64]bool{}}
	ids := rapid.SampledFrom([]string{"", "T", "OLD"})
	if rapid.Bool().Draw(t, "held") {
		frontier := rapid.Int64Range(0, 30).Draw(t, "frontier")
		next := frontier + rapid.Int64Range(0, 20).Draw(t, "stored")
		for o := frontier; o < next; o++ {
			if o == frontier || rapid.Bool().Draw(t, "open") {
				w.open[o] = true
			}
		}
		w.local = queue.State{
			Known: true, Frontier: frontier, Next: next, Open: len(w.open),
			Acknowledged: rapid.Int64Range(-1, frontier).Draw(t, "acknowledged"), TopicID: ids.Draw(t, "local topic"),
		}
	}
	ahead := Stamp{TopicID: "T", StoreID: "other", Epoch: 9}
	for at := rapid.Int64Range(0, 70).Draw(t, "ahead"); len(ahead.Ahead) < 5; {
		to := at + rapid.Int64Range(1, 9).Draw(t, "done")
		ahead.Ahead = append(ahead.Ahead, queue.Range{From: at, To: to})
		at = to + rapid.Int64Range(1, 9).Draw(t, "open")
	}
	start := rapid.Int64Range(0, 40).Draw(t, "log start")
	w.kafka = Facts{
		Committed: rapid.Int64Range(-1, 70).Draw(t, "committed"),
		Metadata:  rapid.SampledFrom([]string{"", "x", mine, others, future, minesOld, othersOld, othersNoID, ahead.Encode()}).Draw(t, "metadata"),
		TopicID:   ids.Draw(t, "topic"),
		LogStart:  start,
		LogEnd:    start + rapid.Int64Range(0, 40).Draw(t, "log"),
		AtTime:    rapid.Int64Range(-1, 70).Draw(t, "time"),
	}
	w.policy = Policy{
		OnExternalReset: rapid.SampledFrom([]OnReset{ResetStop, ResetFollow}).Draw(t, "on reset"),
		Start:           rapid.SampledFrom([]Start{StartOldest, StartNewest, StartTime}).Draw(t, "start"),
	}
	return w
}

// doneHere: the store knows that offset is complete.
func (w world) doneHere(offset int64) bool { return offset < w.local.Next && !w.open[offset] }

// runs: offset runs once d is carried out, from the store or from the log.
func (w world) runs(d Decision, offset int64) bool {
	next, stored := d.Offset, w.open[offset]
	switch d.Action {
	case Keep:
		next = w.local.Next
	case SkipTo:
		next, stored = max(w.local.Next, d.Offset), stored && offset >= d.Offset
	case Advance:
		next = max(w.local.Next, d.Offset)
	case Begin, Reset:
		stored = false
	}
	if inSet(d.Ahead, offset) {
		return false
	}
	return stored || offset >= next && offset >= w.kafka.LogStart && offset < w.kafka.LogEnd
}

// end is above every offset that exists anywhere.
func (w world) end() int64 { return max(w.kafka.LogEnd, w.local.Next) }

func inSet(set []queue.Range, offset int64) bool {
	return slices.ContainsFunc(set, func(r queue.Range) bool { return r.From <= offset && offset < r.To })
}

// vouched: another holdfast store's commit on this very topic covers offset, or
// says that it is complete.
func (w world) vouched(offset int64) bool {
	stamp, err := DecodeStamp(w.kafka.Metadata)
	sameTopic := stamp.TopicID == "" || w.kafka.TopicID == "" || stamp.TopicID == w.kafka.TopicID
	return err == nil && sameTopic && stamp.StoreID != self.StoreID && (offset < w.kafka.Committed || inSet(stamp.Ahead, offset))
}

func TestDecisionsNeverSkipUnaskedAndNeverUndo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d, err := Reconcile(w.local, self, w.kafka, w.policy)
		if err != nil {
			return
		}
		follow := w.policy.OnExternalReset == ResetFollow
		held := w.local.Next >= 0
		for o := int64(0); o < w.end(); o++ {
			runs := w.runs(d, o)
			if held && !runs && !w.doneHere(o) && !w.vouched(o) && !follow {
				t.Fatalf("%+v skips %d", d, o)
			}
			if runs && o < w.kafka.LogEnd && o >= w.kafka.Committed && w.vouched(o) {
				t.Fatalf("%+v runs %d again, which another store completed", d, o)
			}
			if runs && w.doneHere(o) && !(follow && d.Action == Reset) {
				t.Fatalf("%+v runs %d again", d, o)
			}
			if !held && !runs && !w.vouched(o) && o >= w.kafka.LogStart && o >= w.kafka.Committed && w.policy.Start == StartOldest {
				t.Fatalf("%+v skips %d", d, o)
			}
		}
	})
}

func TestFollowingSkipsOnlyBelowTheCommittedOffset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d, err := Reconcile(w.local, self, w.kafka, w.policy)
		if err != nil || w.local.Next < 0 {
			return
		}
		for o := w.kafka.Committed; o < w.end(); o++ {
			if o >= 0 && !w.runs(d, o) && !w.doneHere(o) && !w.vouched(o) && (d.Action != Reset || o >= w.kafka.LogStart && o < w.kafka.LogEnd) {
				t.Fatalf("%+v skips %d at or above the committed offset", d, o)
			}
		}
	})
}

func TestNextOffsetIsAlwaysInTheLog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d, err := Reconcile(w.local, self, w.kafka, w.policy)
		if err != nil {
			return
		}
		next := d.Offset
		if d.Action == Keep || d.Action == SkipTo {
			next = max(d.Offset, w.local.Next)
		}
		for inSet(d.Ahead, next) {
			next++
		}
		if next < w.kafka.LogStart || next > w.kafka.LogEnd {
			t.Fatalf("%+v fetches from %d outside [%d, %d]", d, next, w.kafka.LogStart, w.kafka.LogEnd)
		}
	})
}

func TestConflictsOfferAWayAndCountHonestly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		_, err := Reconcile(w.local, self, w.kafka, w.policy)
		var conflict *Conflict
		if err == nil {
			return
		}
		if !errors.As(err, &conflict) {
			t.Fatalf("untyped error %v", err)
		}
		if len(conflict.Choices) == 0 {
			t.Fatalf("no way out of: %s", conflict.Found)
		}
		for _, c := range conflict.Choices {
			skips, reruns := w.count(conflict.Kind, c.Decision)
			if skips > c.Skips || reruns > c.Reruns {
				t.Fatalf("%s: in fact skips %d, runs again %d\n%s", c, skips, reruns, conflict.Found)
			}
		}
	})
}

// count returns what d really skips, and what it runs though it is done here.
// In a stale copy, all below the committed offset is done as well, and what
// another store's commit covers always is. What is neither in the log nor in the
// store is gone whatever is chosen.
func (w world) count(kind ConflictKind, d Decision) (skips, reruns int64) {
	stamp, err := DecodeStamp(w.kafka.Metadata)
	ofNewTopic := kind == TopicRecreated && err == nil && stamp.TopicID == w.kafka.TopicID && w.kafka.Committed <= w.kafka.LogEnd
	otherLog := kind == TopicRecreated || kind == BeyondEnd && w.local.Next > w.kafka.LogEnd
	for o := int64(0); o < w.end(); o++ {
		done := !otherLog && (w.doneHere(o) || w.vouched(o)) ||
			o < w.kafka.Committed && (kind == StaleCopy || ofNewTopic)
		gone := (o < w.kafka.LogStart || o >= w.kafka.LogEnd) && !w.open[o]
		switch runs := w.runs(d, o); {
		case runs && done:
			reruns++
		case !runs && !done && !gone:
			skips++
		}
	}
	return skips, reruns
}
