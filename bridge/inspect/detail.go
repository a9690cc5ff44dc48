package inspect

import (
	"time"
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
}
