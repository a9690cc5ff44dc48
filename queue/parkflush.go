package queue

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

// encodeLeaving builds the bodies of the jobs that memory has.
func (f *partFlush) encodeLeaving(w *bodyWriter) {
	for i := range f.leaving {
		if j := &f.leaving[i]; j.rec != nil {
			j.row = w.add(j.rec, j.scheme).row
			j.body, w.buf = w.buf, nil
		}
	}
}

// writeAside puts what happened to the partition's aside jobs into the file.
func (f *partFlush) writeAside(b *bbolt.Bucket) error {
	if len(f.asideDone)+len(f.leaving)+len(f.parked)+len(f.releases)+len(f.again) == 0 {
		return nil
	}
	t, err := makeAside(b)
	if err != nil {
		return err
	}
	for _, j := range f.asideDone {
		if err := t.remove(j); err != nil {
			return err
		}
	}
	if err := f.move(b, t); err != nil {
		return err
	}
	for _, a := range f.again {
		back, err := a.write(b, t)
		if err != nil {
			return err
		}
		f.back = append(f.back, back...)
	}
	for lane, v := range f.parked {
		more, err := t.change([]byte(lane), v)
		if err != nil {
			return err
		}
		if lane[0] == 1 {
			f.moreOwn += more
		}
	}
	for _, r := range f.releases {
		if err := r.collect(t); err != nil {
			return err
		}
	}
	f.lines = t.lines
	return t.close()
}

// move puts the jobs that were set aside into the table.
func (f *partFlush) move(b *bbolt.Bucket, t *asideTable) error {
	bodies, err := f.bodies(b)
	if err != nil {
		return err
	}
	for i := range f.leaving {
		j := &f.leaving[i]
		switch {
		case j.discard:
			err = t.removeLane(laneKey(j.lane, j.offset), j.offset)
		case j.stays:
			err = t.notes.put(j.offset, j.note)
		case j.rec != nil:
			err = t.put(j.row, j.body, j.note)
		default:
			in, ok := bodies[j.offset]
			if !ok {
				return &DamageError{fmt.Sprintf("%s@%d", f.part.tp, j.offset), errNotStored}
			}
			err = t.put(in.row, in.body, j.note)
		}
		if err == nil && j.note != nil && !j.stays {
			err = j.moveCheckpoint(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// moveCheckpoint lets the job keep what its runs have reached. A checkpoint that
// is damaged is lost, as it was already.
func (j *leaving) moveCheckpoint(b *bbolt.Bucket) error {
	data := j.checkpoint
	if j.note.Checkpoint && data == nil {
		data, _ = findCheckpoint(b, j.offset, false)
	}
	return errors.Join(setCheckpoint(b, j.offset, false, nil), setCheckpoint(b, j.offset, true, data))
}

// inBlock is a job as its block holds it.
type inBlock struct {
	row  row
	body []byte // framed, in the file
}

// bodies finds the jobs that are to be moved from their blocks. Each block is
// looked at once.
func (f *partFlush) bodies(b *bbolt.Bucket) (map[int64]inBlock, error) {
	var offsets []int64
	for i := range f.leaving {
		if j := &f.leaving[i]; j.rec == nil && !j.stays && !j.discard {
			offsets = append(offsets, j.offset)
		}
	}
	slices.Sort(offsets)
	found := make(map[int64]inBlock, len(offsets))
	t := openBlockTable(f.part.store.layout, f.part.tp, b)
	for len(offsets) > 0 {
		i := f.part.blocks.holding(offsets[0])
		n := len(offsets)
		if i+1 < len(f.part.blocks) {
			n, _ = slices.BinarySearch(offsets, f.part.blocks[i+1].first)
		}
		if i >= 0 {
			if err := t.find(found, f.part.blocks[i], offsets[:n]); err != nil {
				return nil, err
			}
		}
		offsets = offsets[n:]
	}
	return found, nil
}

func (t blockTable) find(found map[int64]inBlock, b block, offsets []int64) error {
	rs, _, err := t.read(b)
	if err != nil {
		return err
	}
	bodies := blockValue(t.blocks, offsetKey(b.first))
	for _, offset := range offsets {
		at, ok := rs.find(offset)
		if !ok {
			continue
		}
		r := rs.at(at)
		end := min(int64(r.pos)+int64(r.length), int64(len(bodies))) // a damaged one stays one
		found[offset] = inBlock{r, bodies[min(int64(r.pos), end):end]}
	}
	return nil
}

// settleAside tells memory what became of aside jobs. It is called with
// Store.mu held when the flush is on disk.
func (f *partFlush) settleAside() {
	p := f.part
	for i := range f.leaving {
		p.unref(f.leaving[i].from)
	}
	p.flying = nil
	p.parkedOwn += f.moreOwn
	for id, k := range p.parked {
		if line := f.lines[string(laneKey(Lane{ID: id}, 0))]; line != nil {
			k.Jobs, k.Bytes = line.Jobs, line.Bytes
		}
	}
	f.load()
}
