package inspect

import (
	"context"
	"time"
)

// Live is what only a running bridge knows; it gives it to [New] in
// [Options.Live]. Methods without a context answer at once. It is safe for
// concurrent use.
type Live interface {
	Member() Member
	// Lease is until when the group counts on this bridge, as far as it has said so:
	// zero while it is no member, and far in the future where no group is needed.
	Lease() time.Time
	Pool() Pool
	// Workers lists the runs under way.
	Workers() []Worker
	// Topic tells how a topic is worked on; false: it is not configured.
	Topic(name string) (TopicSettings, bool)
	// Claims lists the partitions that the bridge has, those among them that are
	// still being taken over, or are held for a person to decide.
	Claims() []Claim
	// Rates are those of a partition that is held.
	Rates(topic string, partition int32) Rates
	// Growth is by how many bytes per second the store's pages in use grow; nil:
	// not known yet.
	Growth() *float64
	// Log tells what Kafka holds of partitions, as of a moment ago. Where Kafka
	// does not answer in time, it is as of when it last did; what was never
	// known is missing.
	Log(ctx context.Context, parts []PartitionName) map[PartitionName]LogBounds
	// Retention tells how long Kafka keeps the records of a topic.
	Retention(ctx context.Context, topic string) (Retention, error)
	// Owner tells who has committed the offset of a partition.
	Owner(ctx context.Context, topic string, partition int32) (Owner, error)
}

// PartitionName names a Kafka partition.
type PartitionName struct {
	Topic     string
	Partition int32
}

// Claim is a partition that the bridge has.
type Claim struct {
	PartitionName
	Fixed bool      // not balanced by the group
	Since time.Time // the claim began
	// Working: jobs of it may start, within the lease. Until then Kafka is asked
	// where it stands, and a partition with an Err stays like that.
	Working bool
	Err     string    // why it is held for a person to decide
	ErrAt   time.Time // since then
	// Committing is the offset that Kafka is being told, since CommitSince; -1:
	// none is. CommitErr is why the last try failed.
	Committing  int64
	CommitSince time.Time
	CommitErr   string
	Lease       time.Time // jobs start before it only
}

// TopicSettings are how a topic is worked on.
type TopicSettings struct {
	OnFailure   string // block, bury or park
	Attempts    int    // after so many a job is given up; 0: never, or its own policy decides
	Concurrency int    // 0: no limit of its own
	Rate        float64
	Timeout     time.Duration // 0: none
	Heartbeat   time.Duration // 0: none
	Keep        time.Duration // of dead letters; 0: for ever
	KeepBytes   int64         // of dead letters; 0: no bound
	Guard       *GuardStatus  // nil: none
	// CopyErr is why the topic of copies of dead letters takes none, since
	// CopySince; empty: it does, or there is none.
	CopyErr   string
	CopySince time.Time
}

// LogBounds are the offsets that Kafka holds.
type LogBounds struct {
	Start, End int64
	At         time.Time // when it said so
	Err        string    // why it was not asked since; empty: it was
}

// Retention is how long Kafka keeps records.
type Retention struct {
	For     time.Duration // negative: for ever
	Bytes   int64         // of a partition; negative: no bound
	Compact bool          // the last record of a key stays
	Delete  bool          // old records go
}

// Owner is who has committed a partition's offset last.
type Owner struct {
	Committed int64  // -1: nobody
	Store     string // id of the holdfast store; empty: another program
	Epoch     uint64
	Ours      bool // it is the store that is inspected
}
