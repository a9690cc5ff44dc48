package queue

import (
	"bytes"
	"errors"

	"go.etcd.io/bbolt"
)

// The bucket aside of a partition holds jobs apart from Kafka's order: the
// frontier does not wait for them, and nothing that concerns offsets removes
// them. It has parts of its own, all made with it.
var (
	bucketAside = []byte("aside")

	asideLanes = []byte("lanes") // lane key, offset -> nothing: the jobs of a lane in their order
	asideIndex = []byte("index") // offset -> frame: row
	asideJobs  = []byte("jobs")  // offset -> framed body
	asideNotes = []byte("notes") // offset -> frame: note

	asideParked = []byte("parked") // lane key -> frame: parkedValue
)

func asideParts() [][]byte {
	return [][]byte{asideLanes, asideIndex, asideJobs, asideNotes, asideParked}
}

// asideTable is the bucket aside of a partition.
type asideTable struct {
	aside              *bbolt.Bucket
	lines              map[string]*parkedValue // of parked, as this transaction leaves them
	lanes, index, jobs *bbolt.Bucket
	notes              noteBucket
	parked             *bbolt.Bucket
}

// openAside returns the table of a partition's bucket, or false where nothing
// was ever set aside.
func openAside(b *bbolt.Bucket) (t *asideTable, ok bool) {
	aside := b.Bucket(bucketAside)
	if aside == nil {
		return t, false
	}
	t = &asideTable{
		aside:  aside,
		lanes:  aside.Bucket(asideLanes),
		index:  aside.Bucket(asideIndex),
		jobs:   aside.Bucket(asideJobs),
		notes:  noteBucket{aside.Bucket(asideNotes)},
		parked: aside.Bucket(asideParked),
	}
	return t, t.lanes != nil && t.index != nil && t.jobs != nil && t.notes.Bucket != nil && t.parked != nil
}

// viewAside looks at what a partition has aside, if anything, in a transaction of its
// own. It reports whether the file knows the partition.
func (s *Store) viewAside(tp TopicPartition, look func(*asideTable)) (known bool, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, tp)
		if known = b != nil; !known {
			return nil
		}
		if t, ok := openAside(b); ok {
			look(t)
		}
		return nil
	})
	return known, err
}

// checkAside looks for the parts of the bucket of a partition, where there is one.
func checkAside(tp TopicPartition, b *bbolt.Bucket) *DamageError {
	if _, ok := openAside(b); !ok && b.Bucket(bucketAside) != nil {
		return &DamageError{tp.String() + " aside", errors.New("a part of the bucket is missing")}
	}
	return nil
}

// makeAside returns the table of a partition's bucket, made if need be.
func makeAside(b *bbolt.Bucket) (t *asideTable, err error) {
	aside, err := b.CreateBucketIfNotExists(bucketAside)
	if err != nil {
		return t, err
	}
	for _, name := range asideParts() {
		if _, err := aside.CreateBucketIfNotExists(name); err != nil {
			return t, err
		}
	}
	t, _ = openAside(b)
	return t, nil
}

// put adds the job of a row with its framed body and its note, which may be
// nil. One of the same offset is replaced: Kafka has delivered the record again.
func (t *asideTable) put(r row, body []byte, note *noteValue) error {
	r.pos, r.length = 0, uint32(len(body))
	key := offsetKey(r.offset)
	t.count(r.aside(), 1, int64(len(body)))
	return errors.Join(
		t.lanes.Put(r.aside().key(), nil),
		t.index.Put(key, appendFrame(nil, appendRow(nil, r))),
		t.jobs.Put(key, body),
		t.notes.put(r.offset, note),
	)
}

// removeLane removes all jobs of a lane but, of one of several records, that of
// offset.
func (t *asideTable) removeLane(lane []byte, offset int64) error {
	jobs, err := t.ofLane(lane)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.offset == offset && !j.lane.Own {
			continue
		}
		if err := t.remove(j); err != nil {
			return err
		}
	}
	return nil
}

func (t *asideTable) empty() bool {
	job, _ := t.index.Cursor().First()
	line, _ := t.parked.Cursor().First()
	return job == nil && line == nil
}

func (t *asideTable) has(j asideJob) bool {
	key, _ := t.lanes.Cursor().Seek(j.key())
	return bytes.Equal(key, j.key())
}

func (t *asideTable) remove(j asideJob) error {
	key := offsetKey(j.offset)
	t.count(j, 0, 0)
	if kept := t.aside.Bucket(bucketCheckpoints); kept != nil {
		if err := kept.Delete(key); err != nil {
			return err
		}
	}
	return errors.Join(t.lanes.Delete(j.key()), t.index.Delete(key), t.jobs.Delete(key), t.notes.Delete(key))
}

// count replaces the row of a job in the counts of its lane, where that is
// parked.
func (t *asideTable) count(j asideJob, jobs, bytes int64) {
	line := t.line(laneKey(j.lane, j.offset))
	if line == nil {
		return
	}
	if old := t.index.Get(offsetKey(j.offset)); old != nil {
		r, err := openAsideRow(old)
		if err != nil { // the counts are for people
			r.length = 0
		}
		jobs--
		bytes -= int64(r.length)
	}
	line.Jobs += jobs
	line.Bytes += bytes
}

// line returns what is known of a parked lane, or nil; close writes it back. A
// damaged line says nothing but that the lane is parked.
func (t *asideTable) line(lane []byte) *parkedValue {
	if line, ok := t.lines[string(lane)]; ok {
		return line
	}
	var line *parkedValue
	if value := t.parked.Get(lane); value != nil {
		line = new(parkedValue)
		if decodeValue(value, line) != nil {
			line = &parkedValue{Offset: -1}
		}
	}
	t.keep(lane, line)
	return line
}

func (t *asideTable) keep(lane []byte, line *parkedValue) {
	if t.lines == nil {
		t.lines = map[string]*parkedValue{}
	}
	t.lines[string(lane)] = line
}

// change replaces what is known of a lane but for its counts; nil removes it. It
// returns by how many lines there are more.
func (t *asideTable) change(lane []byte, v *parkedValue) (more int, err error) {
	old := t.line(lane)
	if v == nil {
		if t.keep(lane, nil); old != nil {
			more = -1
		}
		return more, t.parked.Delete(lane)
	}
	line := *v
	line.Jobs, line.Bytes = 0, 0
	if old != nil {
		line.Jobs, line.Bytes = old.Jobs, old.Bytes
	} else {
		jobs, err := t.ofLane(lane)
		if err != nil {
			return 0, err
		}
		more = 1
		for _, j := range jobs {
			if r, err := openAsideRow(t.index.Get(offsetKey(j.offset))); err == nil {
				line.Bytes += int64(r.length)
			}
			line.Jobs++
		}
	}
	t.keep(lane, &line)
	return more, nil
}

// close writes what has become of the parked lanes.
func (t *asideTable) close() error {
	for lane, line := range t.lines {
		if line == nil {
			continue
		}
		value, err := encodeValue(line)
		if err != nil {
			return err
		}
		if err := t.parked.Put([]byte(lane), value); err != nil {
			return err
		}
	}
	return nil
}
