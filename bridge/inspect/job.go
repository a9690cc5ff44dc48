package inspect

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Name is what people call a job by.
type Name struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// String returns topic/partition@offset.
func (n Name) String() string { return fmt.Sprintf("%s/%d@%d", n.Topic, n.Partition, n.Offset) }

// LogValue is the name.
func (n Name) LogValue() slog.Value { return slog.StringValue(n.String()) }

// State is what an open job waits for.
type State string

// The states of an open job.
const (
	Ready    State = "ready"    // it starts as soon as a worker is free and its partition may run
	Blocked  State = "blocked"  // another job has to finish first
	Running  State = "running"  // a handler has it
	Retrying State = "retrying" // it failed and waits for its next attempt
	Deferred State = "deferred" // its handler has returned and finishes it later
	Halted   State = "halted"   // it was given up and waits for an operator
	Parked   State = "parked"   // its lane is set aside, and waits for an operator
	Delayed  State = "delayed"  // it does not run before a time
	Paused   State = "paused"   // an operator has paused its lane, partition or topic; else it would be ready, retrying or delayed
)

var queueStates = map[State]queue.JobState{
	Ready: queue.Ready, Blocked: queue.Blocked, Running: queue.Running, Deferred: queue.Running, Retrying: queue.Retrying, Halted: queue.Halted, Parked: queue.Parked, Delayed: queue.Delayed, Paused: queue.Paused,
}

// Job is an open job as it stood when it was listed.
type Job struct {
	Name
	ID        string    `json:"id"`        // topic-id/partition@offset: the same for ever; see Rerun
	Key       []byte    `json:"key"`       // nil is Kafka's null
	Lane      string    `json:"lane"`      // the value that put it in its lane
	Own       bool      `json:"own_lane"`  // its lane holds no other job
	Timestamp time.Time `json:"timestamp"` // of the record; the zero time where it has none
	State     State     `json:"state"`
	Attempts  int       `json:"attempts"` // runs that were counted
	Due       time.Time `json:"due"`      // retrying and delayed: the next attempt; else the zero time
	Error     string    `json:"error"`    // of the last attempt
	Crashes   int       `json:"crashes"`  // of the process that were counted against it
	Suspect   bool      `json:"suspect"`  // may have crashed the process, and waits until no other suspect runs
	Guarded   bool      `json:"guarded"`  // it would have been given up, and retries since too many jobs fail
	// History are the failed attempts: the first one and up to ten last ones,
	// each error cut to 512 bytes.
	History []Attempt `json:"history"`
	// Rerun is when an operator gave the job an id of its own, whose end it is: its
	// record was finished, and runs again. The zero time: it has its record's.
	Rerun time.Time `json:"rerun_at"`
	// After is the job that has to finish before a blocked one; nil where that
	// is a run that the partition has forgotten.
	After *Name `json:"after"`
	// Damaged tells that the stored record cannot be read. Key, Lane and
	// Timestamp are missing then.
	Damaged error `json:"damaged"`
}

// Attempt is a run that failed.
type Attempt struct {
	Number int       `json:"number"` // counted from 1
	At     time.Time `json:"at"`
	Error  string    `json:"error"`
}

func history(failed []queue.Attempt) []Attempt {
	var list []Attempt
	for _, one := range failed {
		list = append(list, Attempt(one))
	}
	return list
}

// found is an open job that a query selects.
type found struct {
	queue.Pending
	tp      queue.TopicPartition
	topicID string
	part    *queue.Partition
	record  *queue.Record // nil: not read yet
	damaged error
}

func (f *found) name() Name { return Name{f.tp.Topic, f.tp.Partition, f.Offset} }

func (f *found) state() State {
	if f.Deferred {
		return Deferred
	}
	return State(f.State.String())
}

// idOf is what bridge.Job.ID gives.
func idOf(topicID string, name Name, rerun queue.Rerun) string {
	if topicID != "" {
		name.Topic = topicID
	}
	return name.String() + rerun.String()
}

// read makes record known. It reports false when the job is not open any more.
func (f *found) read() (open bool, err error) {
	if f.record != nil {
		return true, nil
	}
	record, open, err := f.part.Record(f.Offset)
	if err != nil && !errors.As(err, new(*queue.DamageError)) {
		return false, notHeld(err)
	}
	if open {
		f.record, f.damaged = &record, err
	}
	return open, nil
}

// job is what an operator sees of it, once it has been read.
func (f *found) job() Job {
	job := Job{
		Name:     f.name(),
		ID:       idOf(f.topicID, f.name(), f.Rerun),
		Key:      f.record.Key,
		Lane:     string(f.record.Lane.Name),
		Own:      f.Lane.Own,
		State:    f.state(),
		Attempts: f.Attempts,
		Due:      f.Due,
		Error:    f.Error,
		Crashes:  f.Crashes,
		Suspect:  f.Suspect,
		Guarded:  f.Guarded,
		History:  history(f.History),
		Rerun:    f.Rerun.Time(),
		Damaged:  f.damaged,
	}
	if f.damaged == nil && f.record.Timestamp >= 0 {
		job.Timestamp = time.UnixMilli(f.record.Timestamp)
	}
	if f.After >= 0 {
		job.After = &Name{f.tp.Topic, f.tp.Partition, f.After}
	}
	return job
}
