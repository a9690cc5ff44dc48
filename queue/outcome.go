package queue

import "time"

// Kind says what became of a run, or what an operator did to a job.
type Kind uint8

// The kinds. The numbers are part of no file.
const (
	// Done completes the job.
	Done Kind = iota + 1
	// Retry puts the job back until Outcome.Due and counts the attempt.
	Retry
	// Release puts an interrupted job back in its place; the attempt is not counted.
	Release
	// Halt holds the job, and with it its lane, until an operator acts.
	Halt
	// Postpone puts the job back until Outcome.Due without counting the attempt
	// and without a note of it: whoever takes the job after a restart has to
	// find out again.
	Postpone
	// Bury gives the job up: it is complete, and a dead letter from then on.
	Bury
	// Park sets the lane aside: the job, with what is known of its runs, and all
	// later ones of its lane wait in the bucket aside, where the frontier does not
	// wait for them, until an operator releases or discards them. With [MaxParked]
	// lanes parked the job is halted instead. Durable tells of each job that goes
	// aside.
	Park
	// Skipped completes the job: a run found that there is nothing to do, or an
	// operator wants none.
	Skipped
	// Snooze puts the job back until Outcome.Due; the attempt is not counted.
	Snooze

	// No run ends like this: Durable tells by it what an operator did.

	// Retried made the job ready.
	Retried
	// Superseded completed the job because a newer one of its lane waits.
	Superseded
	// Requeued made a job of a dead letter, or of a record that was finished.
	Requeued
	// Discarded removed a dead letter.
	Discarded
	// Expired removed a dead letter whose time or room was over.
	Expired

	kinds // above all of them
)

// String returns the kind's name as logs and events show it.
func (k Kind) String() string {
	switch k {
	case Done:
		return "done"
	case Retry:
		return "retry"
	case Release:
		return "release"
	case Halt:
		return "halt"
	case Bury:
		return "bury"
	case Skipped:
		return "skipped"
	case Snooze:
		return "snooze"
	case Retried:
		return "retried"
	case Postpone:
		return "postpone"
	case Superseded:
		return "superseded"
	case Requeued:
		return "requeued"
	case Discarded:
		return "discarded"
	case Expired:
		return "expired"
	case Park:
		return "park"
	}
	return "unknown"
}

// Outcome is the result of one run.
type Outcome struct {
	Kind    Kind
	Guarded bool      // Retry: it would have been given up, had that been allowed
	Due     time.Time // Retry, Snooze and Postpone: not before; the zero time is at once
	Error   string    // Retry, Halt and Bury: the cause, cut to [MaxError] bytes; Skipped: the reason
}

// MaxError is the number of bytes of the last error's text that are kept.
const MaxError = 4 << 10

// Job is one run of a record, handed out by [Store.Take]. Its lane is held
// until the job is given back with [Store.Finish]. What the record points to
// is shared with the store and must not be changed.
type Job struct {
	Record
	Topic     string
	Partition int32
	Suspect   bool // the job is the one on probation
	Waited    bool // it was postponed in this process, and its time has come
	Forced    bool // an operator wants it to run
	// Checkpointed tells that an earlier run has left a checkpoint; see
	// [Store.Checkpoint].
	Checkpointed bool
	Attempt      int    // this run, counted from 1
	LastError    string // of the attempt before; empty on the first
	Crashes      int    // of the process that were counted against the job
	Rerun        Rerun  // not zero: the job has an id of its own
	Damaged      error  // not nil: the stored body is unreadable; only Offset and Lane are set

	part *Partition
	lane *lane // nil once finished
	// since is when it came in or, later, became due, in Unix nanoseconds.
	since int64
	cold  bool // the body is in the file only
	// aside: it is there in the bucket aside.
	aside bool
}

// TopicPartition returns the partition that the job came from.
func (j *Job) TopicPartition() TopicPartition { return TopicPartition{j.Topic, j.Partition} }

// Since returns when the job came into memory or, if that is later, when it
// became due.
func (j *Job) Since() time.Time { return time.Unix(0, j.since) }

// Finished pairs a job with its outcome.
type Finished struct {
	Job     *Job
	Outcome Outcome
}

// Durable is an outcome, or an operator's act, that the file now holds.
type Durable struct {
	TopicPartition
	Offset   int64
	Kind     Kind
	Attempts int // runs counted so far
}
