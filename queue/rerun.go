package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Rerun is when an operator gave a job an id of its own, in Unix milliseconds:
// its record was finished, and runs again as another job. Zero: the job has the
// id of its record. It stays with the job until that is complete, also as a dead
// letter.
type Rerun int64

// RerunAt is the Rerun of a time, none of the zero time.
func RerunAt(t time.Time) Rerun {
	if t.IsZero() {
		return 0
	}
	return Rerun(t.UnixMilli())
}

// Time is when that was; the zero time for none.
func (r Rerun) Time() time.Time {
	if r == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(r)).UTC()
}

// String is what the id ends with: +20260131T080000.000Z, or nothing for none.
func (r Rerun) String() string {
	if r == 0 {
		return ""
	}
	return r.Time().Format("+20060102T150405.000Z")
}

// Why [Store.RunAgain] refuses a record, beside [ErrDetached], [ErrJobWaiting],
// [ErrJobRunning], [ErrNotDelivered] and [ErrTopicAnew]. Nothing was changed.
var (
	// ErrLetterKept means that the job of the offset is a dead letter.
	ErrLetterKept = errors.New("a dead letter of its offset is kept; requeue that")
	// ErrOtherScheme means that the lane is of another scheme than the partition's,
	// or that jobs of an older one are not finished.
	ErrOtherScheme = errors.New("its partition does not go by the configured partitioner yet: jobs of the one before are not finished, or no bridge has run with the new one")
	// ErrNoRoom means that the disk budget has no room for the records.
	ErrNoRoom = errors.New("the disk budget has no room for it")
)

// Again are records of one partition that are finished, or were never stored, and
// are to be jobs again.
type Again struct {
	TopicPartition
	TopicID string // that the records are of
	Scheme  string // fingerprint of what has chosen their lanes
	Rerun   Rerun  // not zero: the jobs get ids of their own
	Records []Record
}

// again is Again on its way to the file, for what of it is not refused.
type again struct {
	Again
	scheme uint16
	acts   []againAct
}

type againAct struct {
	rec     *Record
	row     row
	body    []byte // rec encoded
	done    bool
	refused error
}

// RunAgain makes jobs of records, all of them with one transaction: each takes
// its place in its lane by its offset, before later ones that wait, and no
// frontier moves back. A record of which there is a job or a dead letter here is
// refused. What is Done is durable; with an error, what was done is not known.
func (s *Store) RunAgain(ctx context.Context, recs Again) ([]RequeueResult, error) {
	a := &again{Again: recs, acts: make([]againAct, len(recs.Records))}
	for i := range recs.Records {
		a.acts[i].rec = &recs.Records[i]
	}
	err := s.Sync(ctx) // what has finished is to be so in the file
	if err == nil {
		err = s.submitAgain(a)
	}
	if err == nil {
		err = s.Sync(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("run %d records of %s again: %w", len(recs.Records), recs.TopicPartition, err)
	}
	results := make([]RequeueResult, len(a.acts))
	for i, act := range a.acts {
		if !act.done && act.refused == nil {
			act.refused = ErrDetached // forgotten meanwhile
		}
		results[i] = RequeueResult{DeadRef{TopicPartition: recs.TopicPartition, Offset: act.rec.Offset}, act.done, act.refused}
	}
	return results, nil
}

// submitAgain gives the next flush what memory does not refuse.
func (s *Store) submitAgain(a *again) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	p := s.parts[a.TopicPartition]
	whole := p.mayAgain(a)
	for i := range a.acts {
		act := &a.acts[i]
		if act.refused = whole; whole == nil {
			act.refused = p.mayOneAgain(act.rec)
		}
	}
	if whole == nil {
		a.scheme, p.active = p.scheme, p.scheme
		p.again = append(p.again, a)
		p.touch()
	}
	return nil
}

// mayAgain tells why none of the records can run again. It is called with
// Store.mu held.
func (p *Partition) mayAgain(a *again) error {
	if p == nil || p.detached {
		return ErrDetached
	}
	size := int64(0)
	for i := range a.Records {
		size += a.Records[i].size()
	}
	switch by := p.budget(); {
	case p.topicID != a.TopicID && p.topicID != "" && a.TopicID != "":
		return ErrTopicAnew
	case p.fingerprint != a.Scheme:
		return ErrOtherScheme
	case p.active != p.scheme && (p.activeOpen > 0 || len(p.orphans) > 0 || p.parkedBefore(p.scheme)):
		return ErrOtherScheme
	case by == ThrottledByDisk || by == ThrottledByMinFree || p.store.opt.Disk > 0 && size > p.store.budgetLeft():
		return ErrNoRoom
	}
	return nil
}

// mayOneAgain is what memory knows of one record. What is aside, or dead, the file
// tells.
func (p *Partition) mayOneAgain(rec *Record) error {
	w, found := p.find(rec.Offset, rec.Lane)
	switch {
	case rec.Offset >= p.next:
		return ErrNotDelivered
	case p.open.has(rec.Offset) || p.isAside(w, found):
		return ErrJobWaiting
	case p.orphans[rec.Offset] != nil:
		return ErrJobRunning
	}
	p.asideEnd = max(p.asideEnd, rec.Offset+1)
	return nil
}

// encode builds the bodies.
func (a *again) encode(w *bodyWriter) {
	for i := range a.acts {
		if act := &a.acts[i]; act.refused == nil {
			act.row = w.add(act.rec, a.scheme).row
			act.body, w.buf = w.buf, nil
		}
	}
}

// write puts the jobs into the table aside of a partition's bucket, and returns
// those that there are now.
func (a *again) write(part *bbolt.Bucket, t *asideTable) (back []asideBack, err error) {
	var note *noteValue
	if a.Rerun != 0 {
		note = &noteValue{Rerun: a.Rerun}
	}
	for i := range a.acts {
		act := &a.acts[i]
		switch {
		case act.refused != nil:
			continue
		case t.index.Get(offsetKey(act.rec.Offset)) != nil:
			act.refused = ErrJobWaiting
			continue
		case hasLetter(part, act.rec.Offset, a.TopicID):
			act.refused = ErrLetterKept
			continue
		}
		if err := t.put(act.row, act.body, note); err != nil {
			return nil, err
		}
		back = append(back, asideBack{act.row.aside(), note})
		act.done = true
	}
	return back, nil
}

// hasLetter tells whether a partition's bucket has a dead letter of an offset, for
// all that is known of this topic and not of a deleted one.
func hasLetter(part *bbolt.Bucket, offset int64, topicID string) bool {
	dead := part.Bucket(bucketDead)
	if dead == nil {
		return false
	}
	c, prefix := dead.Cursor(), offsetKey(offset)
	for key, stored := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, stored = c.Next() {
		if v, _, err := openLetter(stored); err != nil || v.TopicID == topicID || v.TopicID == "" || topicID == "" {
			return true
		}
	}
	return false
}

// tellAgain adds the jobs that there are again to the events of the flush.
func (f *flush) tellAgain() {
	for _, p := range f.parts {
		for _, a := range p.again {
			for _, act := range a.acts {
				if act.done {
					f.events = append(f.events, Durable{p.part.tp, act.rec.Offset, Requeued, 0})
				}
			}
		}
	}
}

// countAgain is tellAgain for what the topic counts. It is called with Store.mu
// held.
func (f *partFlush) countAgain() {
	for _, a := range f.again {
		for _, act := range a.acts {
			if act.done {
				f.part.topic.counts.outcomes[Requeued]++
			}
		}
	}
}
