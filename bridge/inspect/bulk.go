package inspect

import "time"

// StopOperation ends a stored operation: what it has not requeued or discarded
// yet stays. Command.Operation names it.
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

// DefaultStopAt is the share of requeued jobs that may die again before a stored
// requeue stops, unless [Command.StopAt] says otherwise.
const DefaultStopAt = 0.2

// BulkOperation is a requeue or a discard of many dead letters. It is stored, so
// that it goes on without whoever gave the command, and over restarts: a running
// bridge executes it. It takes each letter that its command selects exactly once,
// and none that was buried after its plan was made.
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
	// Matched are the letters that it is about.
	Matched int `json:"matched"`
	Taken   int `json:"taken"` // of Matched: requeued, or discarded
	// Done and DeadAgain are what became of Taken, Waiting the requeued jobs that
	// are not finished yet. They go on after the operation has ended.
	Done      int `json:"done"`
	DeadAgain int `json:"dead_again"`
	Waiting   int `json:"waiting"`
	// AlreadyDone are letters of Matched that somebody else has taken meanwhile.
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
