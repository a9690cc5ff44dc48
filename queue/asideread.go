package queue

import (
	"bytes"
	"fmt"
	"iter"
)

// inLanes yields the jobs by lane and offset, from a key on.
func (t *asideTable) inLanes(from []byte) iter.Seq2[asideJob, error] {
	return func(yield func(asideJob, error) bool) {
		c := t.lanes.Cursor()
		for key, _ := c.Seek(from); key != nil; key, _ = c.Next() {
			if !yield(openAsideKey(key)) {
				return
			}
		}
	}
}

// ofLane returns the jobs of one lane, ascending.
func (t *asideTable) ofLane(lane []byte) (jobs []asideJob, err error) {
	for j, err := range t.inLanes(lane) {
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(laneKey(j.lane, j.offset), lane) {
			break
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// asideSeen is a job as the file tells of it.
type asideSeen struct {
	asideJob
	parked bool       // its lane is, or was released and is not through
	note   *noteValue // may be nil
}

// from returns at most limit jobs, ascending from an offset on.
func (t *asideTable) from(offset int64, limit int) (jobs []asideSeen, err error) {
	c := t.index.Cursor()
	for key, value := c.Seek(offsetKey(offset)); key != nil && len(jobs) < limit; key, value = c.Next() {
		j, err := t.see(key, value)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// below returns at most limit jobs below an offset, descending.
func (t *asideTable) below(offset int64, limit int) (jobs []asideSeen, err error) {
	c := t.index.Cursor()
	key, value := c.Seek(offsetKey(offset))
	if key == nil {
		key, value = c.Last()
	}
	for ; key != nil && len(jobs) < limit; key, value = c.Prev() {
		j, err := t.see(key, value)
		if err != nil {
			return nil, err
		}
		if j.offset < offset {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// among returns those of the offsets that there are jobs of.
func (t *asideTable) among(offsets []int64) (jobs []asideSeen, err error) {
	for _, offset := range offsets {
		key := offsetKey(offset)
		value := t.index.Get(key)
		if value == nil {
			continue
		}
		j, err := t.see(key, value)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// see does without a row that is damaged where the body says the same.
func (t *asideTable) see(key, value []byte) (j asideSeen, err error) {
	r, err := openAsideRow(value)
	if err != nil {
		if r, err = rowOfBody(t.jobs.Get(key)); err != nil {
			return j, fmt.Errorf("index of %d: %w", mustOffset(key), err)
		}
	}
	j.asideJob = r.aside()
	j.parked = t.parked.Get(laneKey(j.lane, j.offset)) != nil
	j.note, err = t.notes.get(j.offset)
	return j, err
}

// body returns the record of a job, copied out of the file.
func (t *asideTable) body(offset int64) (Record, error) {
	value := t.jobs.Get(offsetKey(offset))
	if value == nil {
		return Record{}, errNotStored
	}
	rec, _, err := decodeBody(bytes.Clone(value))
	if err == nil && rec.Offset != offset {
		err = fmt.Errorf("body of offset %d in its place", rec.Offset)
	}
	return rec, err
}
