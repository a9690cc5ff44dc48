package bridge

import "time"

// Assigned is a partition taken.
type Assigned struct {
	Topic     string
	Partition int32
	Frontier  int64 // lowest unfinished offset: what is committed
	Next      int64 // next offset to fetch
	Open      int   // unfinished jobs that the store holds
	Halted    int   // of these, given up: each holds its lane until an operator acts
}

// Revoked is a partition given up.
type Revoked struct {
	Topic       string
	Partition   int32
	Cause       error // ErrRevoked, ErrStopping or another reason
	Committed   int64 // last offset that Kafka acknowledged; -1: none
	Interrupted int   // runs whose contexts were cancelled
	Left        int64 // finished jobs that the last commit could not tell the next owner of: it runs them again
}

// Held is a partition that stopped while the others go on.
type Held struct {
	Topic     string
	Partition int32
	Err       error // what was found and what can be done
}

// Stored are records of one partition taken over together.
type Stored struct {
	Topic       string
	Partition   int32
	First, Last int64 // offsets
	// Records counts those that became jobs: what another owner has completed
	// does not.
	Records int
}

// EndOfPartition is a partition of which everything was read.
type EndOfPartition struct {
	Topic     string
	Partition int32
	Offset    int64 // of the next record, which does not exist yet
}

// Drained is a partition without an unfinished job.
type Drained struct {
	Topic     string
	Partition int32
	Offset    int64 // that is committed: of the next record to be read
}

// Result is how a run ended.
type Result struct {
	Outcome string        // done, retry, release, halt, bury, park, skipped or snooze
	Err     error         // what the handler returned
	Delay   time.Duration // retry and snooze: until the next run
	Guarded bool          // retry: it would have been given up, but for the [Guard]
	Took    time.Duration
	// Produced are the records that the handler has produced. They were
	// acknowledged where the outcome is done.
	Produced []Record
	// Waited is how long the job had been here, or its next run been due, when
	// the run began; behind other jobs of its lane included.
	Waited time.Duration
}

// Retried is a run that failed and is tried again.
type Retried struct {
	Job     *Job
	Err     error
	Delay   time.Duration // until the next run
	Guarded bool          // it would have been given up, but for the [Guard]
}

// Buried is a job that became a dead letter.
type Buried struct {
	Job *Job
	Err error
}

// Parked is a job whose lane was set aside.
type Parked struct {
	Job *Job
	Err error
}

// Guarding is the beginning or the end of a topic's outage guard holding
// burials back.
type Guarding struct {
	Topic   string
	Active  bool // it begins
	Refused int  // at the end: how often it kept a job from being given up
}

// Tick sums up what the bridge has.
type Tick struct {
	At         time.Time // by [Config.Clock]
	Partitions int
	Open       int // unfinished jobs
	Running    int // of these, with a handler
	Halted     int // of these, given up: each holds its lane
}

// Stuck is a run whose handler gives no sign of life. It goes on.
type Stuck struct {
	Job    *Job
	Silent time.Duration // since its last heartbeat, or its start
	Stack  string        // of the goroutine that called the handler
}

// Flushed is one write of the store.
type Flushed struct {
	Took     time.Duration // all of it, fsync included
	Sync     time.Duration // of it, writing pages and fsync
	Outcomes int           // outcomes and acts of operators that it made durable
	Jobs     int           // records that had to be written: their jobs were not done yet
	Bytes    int64         // of these, as written
}

// Completion is an outcome that the store now holds.
type Completion struct {
	Topic     string
	Partition int32
	Offset    int64
	// Outcome is done, retry, halt, bury, park, skipped, superseded or snooze, or
	// what an operator did: skipped, retried, bury or park; of a dead letter
	// requeued, discarded or expired.
	Outcome  string
	Attempts int // runs counted so far
}

// Dropped are records that are not worked on, and count as complete.
type Dropped struct {
	Topic       string
	Partition   int32
	First, Last int64 // offsets; others lie between them
	Records     int
	Reason      string // filtered or expired
}

// Throttled is a limit that was reached.
type Throttled struct {
	Topic     string // empty: the rate of all topics together
	Partition int32  // of a budget; else -1
	By        string // rate or budget
}

const byRate, byBudget = "rate", "budget"

// Paused is a pause, or the end of one.
type Paused struct {
	Topic     string
	Partition int32     // -1: the whole topic
	OfLane    bool      // only a lane of the partition
	Lane      string    // its name; may be unknown
	Until     time.Time // the zero time: until an operator resumes it
	Reason    string
	Ended     bool
}

// Committed is an offset that Kafka acknowledged.
type Committed struct {
	Topic     string
	Partition int32
	Offset    int64
}

// PartitionerFailed is a record whose lane could not be computed.
type PartitionerFailed struct {
	Topic     string
	Partition int32
	Offset    int64
	Err       error
}
