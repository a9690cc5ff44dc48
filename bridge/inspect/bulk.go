package inspect

import "time"

// StopOperation ends a stored operation: what it has not taken yet stays.
// Command.Operation names it.
const StopOperation Verb = "stop-operation"

// Letters tells of the dead letters of a plan.
type Letters struct {
	// Total are those of the selected partitions, of which Plan.Matched match.
	Total int `json:"total"`
	// Keys is how many lanes those that match are of; nil where there are too many
	// to look at.
	Keys        *int      `json:"keys"`
	FirstBuried time.Time `json:"first_buried_at"`
	LastBuried  time.Time `json:"last_buried_at"`
	// Overtaken is how many of those that match have later jobs of the same key that
	// are done, at least; nil where there are too many to look at.
	Overtaken *int `json:"overtaken"`
	// Take is how long it takes by the pace; nil without one.
	Take *time.Duration `json:"take_seconds"`
	// StopAt is the stop condition in force; 1 is none.
	StopAt float64 `json:"stop_at"`
}

// Pace tells how the stored operation of a plan would go.
type Pace struct {
	// Take is how long it takes by its rate; nil without one.
	Take *time.Duration `json:"take_seconds"`
	// StopAt is the stop condition in force; 1 is none.
	StopAt float64 `json:"stop_at"`
}

// Cutoff tells how far an operation about jobs goes in a partition: it takes
// none that was stored later.
type Cutoff struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Below     int64  `json:"below_offset"`
	Jobs      int    `json:"jobs"` // that would change; of a park, lanes
}

// DefaultStopAt is the share of requeued jobs that may die again, of retried ones
// that may fail again, or of released lanes that may be parked again, before a
// stored operation stops, unless [Command.StopAt] says otherwise.
const DefaultStopAt = 0.2

// LeastFinished is how many jobs or lanes a stop condition goes by, at least: the
// first few say little of the others.
const LeastFinished = 20

// BulkOperation is a requeue or discard of many dead letters, a retry, skip or bury
// of many jobs, or a park, release or discard of many lanes. It is stored, so that
// it goes on without whoever gave the command, and over restarts: a running bridge
// executes it. It takes what its command selects, each exactly once: no letter that
// was buried, no job that was stored and no lane that was parked after its plan was
// made, and no job for a retry that has failed since.
type BulkOperation struct {
	ID    string         `json:"id"` // such as rq-7f3a
	State OperationState `json:"state"`
	// Reason tells why it has stopped or failed, or what it waits for.
	Reason  string    `json:"reason"`
	Actor   string    `json:"actor"`
	Verb    Verb      `json:"verb"`
	Topic   string    `json:"topic"`
	What    string    `json:"what"` // the command as one would type it
	Command Command   `json:"command"`
	Began   time.Time `json:"began_at"`
	Ended   time.Time `json:"ended_at"`
	// Matched are the letters, jobs or lanes that it is about.
	Matched int `json:"matched"`
	Taken   int `json:"taken"` // of Matched: what the verb says was done to them
	// Done, DeadAgain, FailedAgain, ParkedAgain and Forgotten are what became of
	// Taken, Waiting the requeued or retried jobs, or released lanes, of which that is
	// not known yet. They go on after the operation has ended. A released lane is done
	// when none of its jobs from then is left.
	Done        int `json:"done"`
	DeadAgain   int `json:"dead_again"`   // requeued jobs that were buried again
	FailedAgain int `json:"failed_again"` // retried jobs whose next run has failed
	ParkedAgain int `json:"parked_again"` // released lanes that were parked again
	Forgotten   int `json:"forgotten"`    // jobs or lanes that were forgotten with their partition
	Waiting     int `json:"waiting"`
	// AlreadyDone are those of Matched that were not as the plan had them any more
	// when their turn came: finished, or changed by somebody else.
	AlreadyDone int     `json:"already_done"`
	Refused     []Group `json:"refused"` // of Matched
	// Left is how long it will take by its pace; nil where that is not known.
	Left *time.Duration `json:"left_seconds"`
}

// OperationState is how far a stored operation is.
type OperationState string

// The states of a stored operation.
const (
	OperationRunning OperationState = "running" // it goes on while a bridge runs
	OperationDone    OperationState = "done"    // nothing is left to take
	OperationStopped OperationState = "stopped" // by an operator, or by its condition
	OperationFailed  OperationState = "failed"  // it cannot go on
)
