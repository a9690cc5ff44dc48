package bridge

// Hooks are called as things happen; any may be nil. They run on the
// goroutine that does the work, so they must be quick, and they are called
// concurrently except where noted. A hook that panics is logged and contained.
// None is called once Run has returned.
//
// For one job the order is Stored; then for each run Started, perhaps Stuck,
// Finished, and where its outcome is one of these Retried, Buried or Parked; and
// Durable once the outcome is on disk, unless the run was interrupted. A run
// that ended may be told of as durable while the next one has begun. Committed
// follows the Durable of every job below its offset. For one partition the
// order is Assigned, what concerns its jobs, Revoked; a run that outlives the
// revocation is told of later.
type Hooks struct {
	// Assigned follows the reconciliation of a partition that was taken, once
	// each time. Where an operator's seek moves it later, Committed tells: of an
	// offset that may be below that of before.
	Assigned func(Assigned)
	// Revoked follows the last commit of a partition that is given up.
	Revoked func(Revoked)
	// Held tells that one partition stopped because it needs an operator.
	Held func(Held)
	// EndOfPartition tells that everything was read that Kafka has of a
	// partition, once for each such offset.
	EndOfPartition func(EndOfPartition)
	// Drained tells that a partition has no unfinished job left and that this is
	// committed, once for each such offset. Calls of one partition come one at
	// a time.
	Drained func(Drained)
	// Committed follows Kafka's acknowledgement of an offset.
	Committed func(Committed)

	// Stored tells that records were taken over into their lanes. They are on
	// disk, or done, before any offset above them is committed.
	Stored func(Stored)
	// Dropped tells of records that were left out when they were read, after
	// Stored for those around them, and of a job that expired while it waited.
	Dropped func(Dropped)
	// PartitionerFailed tells that a record got a lane of its own because its
	// partitioner failed for it.
	PartitionerFailed func(PartitionerFailed)
	// Started precedes a run.
	Started func(*Job)
	// Stuck tells of a run that has been silent for longer than
	// [Topic.Heartbeat], once per run. Calls come one at a time.
	Stuck func(Stuck)
	// Finished follows a run; its outcome is not yet on disk.
	Finished func(*Job, Result)
	// Retried follows the Finished of a run that failed and is tried again.
	Retried func(Retried)
	// Buried follows the Finished of a run that made its job a dead letter.
	// Dead letters that an operator made are told of by Durable alone.
	Buried func(Buried)
	// Parked follows the Finished of a run that had its lane set aside, likewise.
	// Where as many lanes are parked as may be, Durable tells that it was halted.
	Parked func(Parked)
	// Durable follows the fsync that covers the outcomes, and what an operator
	// did to jobs. One call at a time, and the next fsync waits for it.
	Durable func([]Completion)

	// Flushed tells of each write of the store. It is called as Durable is.
	Flushed func(Flushed)

	// Paused follows the fsync that covers a pause that an operator began or
	// changed, or the end of one. It is called as Durable is.
	Paused func(Paused)
	// Throttled tells that runs have waited for a rate, or that fetching of a
	// partition waits for a budget: of each once a second at most.
	Throttled func(Throttled)
	// Guarding tells that the [Guard] of a topic begins to hold burials back,
	// and that it has ended.
	Guarding func(Guarding)
	// Tick comes about every second, one call at a time.
	Tick func(Tick)
	// StoreError tells why the store failed. Run returns after it.
	StoreError func(error)
}
