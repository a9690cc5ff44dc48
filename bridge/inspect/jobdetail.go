package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// States of a job that is not open; see [JobDetail].
const (
	Dead      State = "dead"       // it is a dead letter
	Done      State = "done"       // it is complete, or its offset is a gap
	NotStored State = "not_stored" // Kafka may have it, and the store has not read it yet
)

// MaxValue is how many bytes of a record's value a [JobDetail] has.
const MaxValue = 1 << 20

// JobDetail is everything about one job, or one offset. Of a job that is done
// there is no more than that.
type JobDetail struct {
	Name
	ID        string    `json:"id"`
	State     State     `json:"state"`
	Key       []byte    `json:"key"`      // nil is Kafka's null
	Lane      string    `json:"lane"`     // the value that put it in its lane
	Own       bool      `json:"own_lane"` // its lane holds no other job
	Timestamp time.Time `json:"timestamp"`
	Value     []byte    `json:"value"` // nil is Kafka's null; at most MaxValue bytes of it
	// ValueBytes is the size of the whole value; -1: it is null.
	ValueBytes int      `json:"value_bytes"`
	Headers    []Header `json:"headers"`

	Attempts int       `json:"attempts"`
	Due      time.Time `json:"due"` // retrying and delayed: the next attempt
	Error    string    `json:"error"`
	History  []Attempt `json:"history"`
	Crashes  int       `json:"crashes"` // of the process that were counted against it
	Suspect  bool      `json:"suspect"`
	Guarded  bool      `json:"guarded"`
	// Checkpoint is what its runs have reached; nil: nothing.
	Checkpoint []byte `json:"checkpoint"`

	// Rerun is when an operator gave the job an id of its own. The zero time: it has
	// its record's.
	Rerun time.Time `json:"rerun_at"`

	After  *Name `json:"after"`  // the job that has to finish before a blocked one
	Behind int   `json:"behind"` // jobs of its lane that wait for it
	// Holds: the committed offset waits for it. Aside: it does not, whatever
	// becomes of the job.
	Holds bool `json:"holds_offset"`
	Aside bool `json:"aside"`

	Stored  time.Time      `json:"stored_at"`  // zero: before the store was opened
	Started time.Time      `json:"started_at"` // of a run under way, where a bridge tells
	Silent  *time.Duration `json:"silent_seconds"`

	Parked *ParkedLane `json:"parked"` // its lane, if that is set aside
	Letter *Burial     `json:"letter"` // of a dead letter
	// Damaged says why the stored record cannot be read; empty: it can.
	Damaged string `json:"damaged"`
}

// Burial is what is known of a dead letter beyond its job.
type Burial struct {
	Number   uint64    `json:"number"`
	Buried   time.Time `json:"buried_at"`
	Operator bool      `json:"operator"` // buried by one, not by a run
	Reason   string    `json:"reason"`
	Unsent   bool      `json:"unsent"` // its copy is not in the dead-letter topic yet
	// Others counts further letters of the same offset, buried earlier.
	Others int `json:"others"`
	// Changed is when the letter was last imported, and Change what was changed by
	// that; the zero time: it is as it was buried.
	Changed time.Time `json:"changed_at"`
	Change  string    `json:"change"`
}

// Job tells everything about one job, or one offset.
func (i *inspector) Job(ctx context.Context, name Name) (JobDetail, error) {
	d, err := i.job(ctx, name)
	if err != nil {
		return JobDetail{}, fmt.Errorf("job %s: %w", name, err)
	}
	return d, nil
}

func (i *inspector) job(ctx context.Context, name Name) (JobDetail, error) {
	if name.Offset < 0 {
		return JobDetail{}, fmt.Errorf("offset %d is below zero", name.Offset)
	}
	if err := i.store.Err(); err != nil {
		return JobDetail{}, err
	}
	tp := queue.TopicPartition{Topic: name.Topic, Partition: name.Partition}
	d := JobDetail{Name: name, ValueBytes: -1}
	letter, others, err := i.letter(ctx, tp, name.Offset)
	if err != nil {
		return d, err
	}
	p := find(i.store.Attached(), tp)
	if p != nil {
		open, err := i.open(ctx, p, &d)
		if err != nil {
			return d, err
		}
		if open {
			if letter != nil {
				d.Letter = burialOf(letter, others)
			}
			return d, nil
		}
	}
	switch {
	case letter != nil:
		d.ofLetter(letter, others)
		return d, nil
	case p == nil:
		return d, i.notHeld(tp)
	case name.Offset >= p.State().Next:
		d.State = NotStored
	default:
		d.State = Done
	}
	d.ID = idOf(p.State().TopicID, name, 0)
	return d, nil
}

// open fills in what is known of a job that is open or parked.
func (i *inspector) open(ctx context.Context, p *queue.Partition, d *JobDetail) (bool, error) {
	jobs, err := p.Find(ctx, d.Offset)
	if err != nil || len(jobs) == 0 {
		return false, notHeld(err)
	}
	f := &found{Pending: jobs[0], tp: p.TopicPartition(), topicID: p.State().TopicID, part: p}
	open, err := f.read()
	if err != nil || !open {
		return false, err
	}
	d.ofJob(f.job())
	d.ofRecord(f.record, f.damaged)
	d.Aside, d.Holds = f.Aside, !f.Aside && p.State().Frontier == d.Offset
	d.Behind, _ = p.Behind(f.Pending)
	d.Stored = p.Stored(f.Pending)
	if d.Checkpoint, err = p.CheckpointOf(f.Pending); err != nil {
		d.Damaged = err.Error()
	}
	if w := i.running(d.Name); w != nil {
		d.Started, d.Silent = w.Started, w.Silent
	}
	if d.State == Parked {
		return true, i.parkedIn(ctx, p, f, d)
	}
	return true, nil
}

func (d *JobDetail) ofJob(j Job) {
	d.ID, d.State, d.Lane, d.Own, d.Timestamp = j.ID, j.State, j.Lane, j.Own, j.Timestamp
	d.Attempts, d.Due, d.Error, d.History = j.Attempts, j.Due, j.Error, j.History
	d.Crashes, d.Suspect, d.Guarded, d.After, d.Rerun = j.Crashes, j.Suspect, j.Guarded, j.After, j.Rerun
}

func (d *JobDetail) ofRecord(r *queue.Record, damaged error) {
	if damaged != nil {
		d.Damaged = damaged.Error()
		return
	}
	d.Key, d.Value, d.ValueBytes = r.Key, r.Value, len(r.Value)
	if r.Value == nil {
		d.ValueBytes = -1
	}
	if len(d.Value) > MaxValue {
		d.Value = d.Value[:MaxValue:MaxValue]
	}
	for _, h := range r.Headers {
		d.Headers = append(d.Headers, Header(h))
	}
}

// parkedIn finds the parked lane of a job.
func (i *inspector) parkedIn(ctx context.Context, p *queue.Partition, f *found, d *JobDetail) error {
	lanes, _, err := i.store.FindParked(ctx, p.TopicPartition(), queue.ParkedLane{Lane: f.Lane, Offset: d.Offset})
	if len(lanes) > 0 {
		shown := parkedLane(lanes[0], true)
		d.Parked, d.Behind = &shown, 0
	}
	return err
}

// letter finds the latest dead letter of an offset, and how many others there are.
func (i *inspector) letter(ctx context.Context, tp queue.TopicPartition, offset int64) (*queue.DeadLetter, int, error) {
	if i.store.DeadCount(tp).Letters == 0 {
		if err := i.store.Sync(ctx); err != nil { // it may be being buried
			return nil, 0, err
		}
	}
	var refs []queue.DeadRef
	for l, err := range i.store.DeadLetters(ctx, tp, offset) {
		if err != nil {
			return nil, 0, err
		}
		if l.Offset != offset {
			break
		}
		refs = append(refs, l.DeadRef)
	}
	for n := len(refs) - 1; n >= 0; n-- {
		if l, there, err := i.store.DeadLetter(refs[n]); err != nil || there {
			return &l, len(refs) - 1, err
		}
	}
	return nil, 0, nil
}

func (d *JobDetail) ofLetter(l *queue.DeadLetter, others int) {
	d.State, d.ID, d.Letter = Dead, idOf(l.TopicID, d.Name, l.Rerun), burialOf(l, others)
	d.Lane, d.Own, d.Timestamp = string(l.Record.Lane.Name), l.Record.Lane.Own, timestampOf(&l.Record)
	d.Attempts, d.Error, d.History, d.Rerun = l.Attempts, l.Error, history(l.History), l.Rerun.Time()
	d.ofRecord(&l.Record, l.Damaged)
}

func burialOf(l *queue.DeadLetter, others int) *Burial {
	return &Burial{Number: l.Number, Buried: l.Buried, Operator: l.Operator, Reason: l.Reason, Unsent: l.Unsent, Others: others, Changed: l.Changed, Change: l.Change}
}

func timestampOf(r *queue.Record) time.Time {
	if r.Timestamp < 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.Timestamp)
}
