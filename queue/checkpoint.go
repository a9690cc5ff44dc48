package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// MaxCheckpoint is the size of the largest checkpoint, in bytes.
const MaxCheckpoint = 64 << 10

var (
	// ErrCheckpointTooLarge means that a checkpoint is above [MaxCheckpoint].
	ErrCheckpointTooLarge = errors.New("checkpoint too large")
	// ErrRunOver means that a run is not under way any more, or that Reset or
	// SkipTo have forgotten its job: nothing is kept for it.
	ErrRunOver = errors.New("the run is over, or its job was forgotten")
)

// Run names one run of a job, or of a batch of jobs. It stays valid, and says
// that the run is over, when the [Job] it came from is used for another.
type Run struct {
	part   *Partition
	number uint64
}

// Run returns the name of the run that j is, which has not been given back.
func (j *Job) Run() Run {
	if j.lane == nil {
		return Run{}
	}
	return Run{j.part, j.lane.run}
}

// Stored reports whether the run is of a store's job: the zero Run is not.
func (r Run) Stored() bool { return r.part != nil }

// Checkpoint keeps what a run has reached of the job at offset until the job
// is complete: later runs find it with [Store.Checkpoint], also after a crash.
// It takes the place of the one before; an empty one removes it. It is durable
// on return. With an error that is ctx's it may still become so.
func (r Run) Checkpoint(ctx context.Context, offset int64, data []byte) error {
	p := r.part
	err := fmt.Errorf("%d bytes are more than %d: %w", len(data), MaxCheckpoint, ErrCheckpointTooLarge)
	if len(data) <= MaxCheckpoint {
		err = r.keep(offset, bytes.Clone(data))
	}
	if err == nil {
		err = p.store.Sync(ctx)
	}
	if err != nil {
		return fmt.Errorf("checkpoint of %s@%d: %w", p.tp, offset, err)
	}
	return nil
}

func (r Run) keep(offset int64, data []byte) error {
	p := r.part
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if err := p.usable(); err != nil {
		return err
	}
	if l := p.runs.find(r.number); l == nil || !l.isOut(offset) {
		return ErrRunOver
	}
	has := len(data) > 0
	if n := p.notes[offset]; has != (n != nil && n.Checkpoint) {
		n := p.copyNote(offset)
		n.Checkpoint = has
		p.note(offset, n)
	}
	p.putCheckpoint(offset, data)
	p.touch()
	return nil
}

// find returns the lane of a run, or nil. They are few.
func (r *runList) find(number uint64) *lane {
	for l := r.first; l != nil; l = l.next {
		if l.run == number {
			return l
		}
	}
	return nil
}

// checkpoint is one on its way to the file. Without data it is removed.
type checkpoint struct {
	data  []byte
	aside bool // its job is in the bucket aside
}

// putCheckpoint leaves a checkpoint to the next flush; an empty one is removed.
func (p *Partition) putCheckpoint(offset int64, data []byte) {
	if p.checkpoints == nil {
		p.checkpoints = map[int64]checkpoint{}
	}
	p.checkpoints[offset] = checkpoint{data, !p.open.has(offset)}
}

// Checkpoint returns the last checkpoint of a job that was taken and not given
// back; nil if there is none. The error of a damaged one is a *[DamageError].
func (s *Store) Checkpoint(j *Job) ([]byte, error) {
	if !j.Checkpointed {
		return nil, nil
	}
	p := j.part
	s.mu.Lock()
	c, unsaved := p.checkpoints[j.Offset]
	if !unsaved {
		c, unsaved = p.flushing[j.Offset]
	}
	aside := !p.open.has(j.Offset)
	s.mu.Unlock()
	if unsaved {
		return bytes.Clone(c.data), nil
	}
	return s.readCheckpoint(p.tp, j.Offset, aside)
}

func (s *Store) readCheckpoint(tp TopicPartition, offset int64, aside bool) (data []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		data, err = findCheckpoint(partitionBucket(tx, tp), offset, aside)
		return err
	})
	if err != nil {
		return nil, damageIn(fmt.Sprintf("%s@%d checkpoint", tp, offset), err)
	}
	return data, nil
}

var errNoCheckpoint = errors.New("it is missing")

// findCheckpoint returns a checkpoint, copied out of the file.
func findCheckpoint(b *bbolt.Bucket, offset int64, aside bool) ([]byte, error) {
	kept := checkpointsOf(b, aside)
	if kept == nil {
		return nil, errNoCheckpoint
	}
	value := kept.Get(offsetKey(offset))
	if value == nil {
		return nil, errNoCheckpoint
	}
	data, err := openWhole(value)
	return bytes.Clone(data), err
}

// checkpointsOf returns the checkpoints of open or of aside jobs; nil where
// there never was one.
func checkpointsOf(b *bbolt.Bucket, aside bool) *bbolt.Bucket {
	if b != nil && aside {
		b = b.Bucket(bucketAside)
	}
	if b == nil {
		return nil
	}
	return b.Bucket(bucketCheckpoints)
}

// setCheckpoint puts one into the file, or with nil takes it out. The bucket is
// made with the first: few partitions have any.
func setCheckpoint(b *bbolt.Bucket, offset int64, aside bool, data []byte) error {
	kept := checkpointsOf(b, aside)
	if len(data) == 0 {
		if kept == nil {
			return nil
		}
		return kept.Delete(offsetKey(offset))
	}
	if kept == nil {
		if aside {
			b = b.Bucket(bucketAside)
		}
		var err error
		if kept, err = b.CreateBucket(bucketCheckpoints); err != nil {
			return err
		}
	}
	return kept.Put(offsetKey(offset), appendFrame(nil, data))
}

// writeCheckpoints is for the jobs as the flush leaves them.
func (f *partFlush) writeCheckpoints(b *bbolt.Bucket) error {
	for offset, c := range f.checkpoints {
		err := setCheckpoint(b, offset, c.aside, c.data)
		if err == nil && len(c.data) == 0 { // its job may have changed places meanwhile
			err = setCheckpoint(b, offset, !c.aside, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
