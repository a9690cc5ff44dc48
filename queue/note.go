package queue

import "time"

// noteValue is what is known of one open job beyond its record. One that is in
// Partition.notes never changes: [Partition.copyNote] gives a copy to change, so
// that nobody drops what another has noted.
type noteValue struct {
	Attempts int      `msgpack:"attempts"`
	Due      int64    `msgpack:"due,omitempty"`   // Unix nanoseconds; zero: at once
	Delay    int64    `msgpack:"delay,omitempty"` // nanoseconds from the outcome to Due
	Halted   bool     `msgpack:"halted,omitempty"`
	Guarded  bool     `msgpack:"guarded,omitempty"` // retries because it could not be given up
	Error    string   `msgpack:"error,omitempty"`   // of the last counted run
	History  failures `msgpack:"history,omitempty"`
	// Checkpoint tells that the bucket checkpoints has one of the job.
	Checkpoint bool `msgpack:"checkpoint,omitempty"`
	Crashes    int  `msgpack:"crashes,omitempty"` // of the process that were counted against the job
	// Rerun is not zero where the job has an id of its own.
	Rerun Rerun `msgpack:"rerun,omitempty"`
}

// halts counts the note among Partition.halted; nil is no note.
func (n *noteValue) halts() int {
	if n != nil && n.Halted {
		return 1
	}
	return 0
}

// fail counts a run that failed.
func (n *noteValue) fail(attempt int, text string, at time.Time) {
	text = cut(text, MaxError)
	if text == n.Error {
		text = n.Error // lets go of the same text anew
	}
	n.Attempts, n.Error = attempt, text
	n.History = n.History.with(failure{Attempt: attempt, At: at.UnixNano(), Error: cut(text, MaxHistoryError)})
}

// wait lets the job run no earlier than due; the zero time is at once.
func (n *noteValue) wait(due, now time.Time) {
	n.Due, n.Delay = 0, 0
	if !due.IsZero() {
		n.Due = due.UnixNano()
		n.Delay = max(0, int64(due.Sub(now)))
	}
}

// retried makes the job ready, as an operator wants it. With reset its runs are
// forgotten, but not what they have reached. It reports whether there is nothing left to note.
func (n *noteValue) retried(reset bool) (nothing bool) {
	n.Due, n.Delay, n.Halted, n.Guarded, n.Crashes = 0, 0, false, false, 0
	if reset {
		n.Attempts, n.Error, n.History = 0, "", nil
	}
	return n.Attempts == 0 && !n.Checkpoint && n.Rerun == 0
}
