package queue

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// burial is a dead letter on its way to the file.
type burial struct {
	offset int64
	value  deadValue
	// rec is the record where memory has it. Of others the body is copied in the
	// file, so that a damaged one stays one.
	rec    *Record
	scheme uint16
	body   []byte // rec encoded
	aside  bool   // the file has the body in the bucket aside
}

// Bury gives up a job that does not run, wherever in its lane it is, as an
// operator's command: it becomes a dead letter. It reports false where the job
// is finished already. The change is durable after [Store.Sync].
func (p *Partition) Bury(seen Pending, reason string) (changed bool, err error) {
	changed, err = p.operate(seen, Bury, func(w place, now Pending) (bool, error) {
		if err := now.CanSkip(); err != nil {
			return false, err
		}
		if !now.follows(seen) {
			return false, ErrJobChanged
		}
		p.mourn(w.lane, now.Offset)
		e, scheme := p.jobAt(w)
		p.bury(e, scheme, deadValue{Operator: true, Reason: cut(reason, MaxError), Note: *p.copyNote(now.Offset)}, p.store.clock.Now())
		p.remove(w)
		return true, nil
	})
	if err != nil {
		return false, fmt.Errorf("bury %s@%d: %w", p.tp, seen.Offset, err)
	}
	return changed, nil
}

// jobAt returns the job of a place and its scheme.
func (p *Partition) jobAt(w place) (e entry, scheme uint16) {
	if w.lane == nil {
		return p.later[w.at].entry, p.later[w.at].scheme
	}
	return w.lane.jobs[w.at], p.active
}

// bury lets the next flush make a dead letter of a job that is about to be
// completed.
func (p *Partition) bury(e entry, scheme uint16, v deadValue, now time.Time) {
	v.Buried, v.TopicID = now.UnixNano(), p.topicID
	v.Note.Due, v.Note.Delay, v.Note.Halted = 0, 0, false
	v.Checkpoint = p.checkpoints[e.offset].data // where the file does not have it yet
	b := burial{offset: e.offset, value: v, scheme: scheme, aside: e.aside()}
	if rec := e.from.at(e.offset); rec != nil {
		own := *rec
		b.rec = &own
		p.store.burying += own.size()
		if p.store.burying >= flushBytes {
			signal(p.store.urgent)
		}
	}
	c := p.store.deadChange(p.tp)
	c.burials = append(c.burials, b)
}

// encode gives the burials of records that the file does not hold their bodies.
func (c *deadChange) encode(w *bodyWriter) {
	for i := range c.burials {
		if b := &c.burials[i]; b.rec != nil {
			w.add(b.rec, b.scheme)
			b.body, w.buf = w.buf, nil
		}
	}
}

// write puts the burial into the file. It precedes what completes its job
// there, which may delete the body.
func (b *burial) write(t *deadTable, outbox bool) error {
	body := b.body
	if b.rec == nil {
		body = b.raw(t.part)
	}
	if b.value.Note.Checkpoint && b.value.Checkpoint == nil {
		// One that is damaged is as good as none: the job began without any, too.
		b.value.Checkpoint, _ = findCheckpoint(t.part, b.offset, b.aside)
	}
	return t.put(b.offset, &b.value, body, outbox)
}

// raw returns the framed body of the job as it stands in the file, or nothing
// where that cannot be told any more.
func (b *burial) raw(part *bbolt.Bucket) []byte {
	if b.aside {
		if t, ok := openAside(part); ok {
			return bytes.Clone(t.jobs.Get(offsetKey(b.offset)))
		}
		return nil
	}
	key, index := seekBlock(part.Bucket(bucketIndex), b.offset)
	if key == nil {
		return nil
	}
	bodies := blockValue(part.Bucket(bucketBlocks), key)
	rs, err := openRows(index)
	if err != nil {
		if rs, err = rebuildRows(bodies); err != nil {
			return nil
		}
	}
	at, ok := rs.find(b.offset)
	if !ok {
		return nil
	}
	r := rs.at(at)
	if int64(r.pos)+int64(r.length) > int64(len(bodies)) {
		return nil
	}
	return bytes.Clone(bodies[r.pos : r.pos+r.length])
}
