package bridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/partitioner"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Dynamic as [Config.InstanceID] makes the bridge a dynamic member of its
// group: it leaves at every stop and its partitions move at once.
const Dynamic = "none"

// Config describes a bridge. Brokers, Group, DataDir and Topics are required;
// the zero value of every other field is a good default. [Config.Validate]
// reports all problems at once.
type Config struct {
	// Brokers are the addresses to find the cluster by, as host:port.
	Brokers []string
	// Group is the consumer group. The data directory belongs to it for ever.
	Group string
	// InstanceID is the static member id. Zero: named by the store, so that a
	// restart within SessionTimeout moves no partition. [Dynamic]: none.
	InstanceID string
	// ClientID names the bridge in the brokers' logs and quotas. Zero: holdfast. To
	// that of the group client the store and its opening are added, by which
	// processes with copies of one data directory find each other.
	ClientID string
	// Assignors are the balancing strategies offered to the group, preferred
	// first: cooperative-sticky and range. Zero: cooperative-sticky alone.
	// Offer both while members on range are being replaced.
	Assignors []string
	// ReadUncommitted also delivers records of open and aborted transactions.
	ReadUncommitted bool
	// SessionTimeout is how long the group waits for a silent member, and so
	// how long jobs may start without word from the group. Zero: 60 s.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long the group waits for a revoked partition;
	// running jobs get a little less before their contexts are cancelled.
	// Zero: 60 s.
	RebalanceTimeout time.Duration
	// Start is where a partition begins that has no committed offset.
	Start Start
	// OnExternalReset is what to do when somebody else set the group's offset.
	OnExternalReset ExternalReset
	// Sarama sets TLS, SASL and tuning on each client's configuration; package
	// security makes such a hook from files. What the bridge relies on is
	// checked afterwards.
	Sarama func(*sarama.Config)

	// DataDir is the directory of the store: a local disk, one process.
	DataDir string
	// Topics are what is consumed, and how.
	Topics []Topic
	// Workers is how many jobs run at a time; [Bridge.SetWorkers] changes it.
	// Zero: 64; at most [inspect.MaxWorkers].
	Workers int
	// Rate is how many runs may begin per second, of all topics together.
	// Zero: no limit.
	Rate float64
	// Flush is the interval of the store's writes, one fsync each. Zero: 10 ms.
	Flush time.Duration
	// CommitEvery is the interval of offset commits. Zero: 1 s.
	CommitEvery time.Duration
	// StopWithin is how long running jobs may go on after a stop was asked
	// for; then their contexts are cancelled. Zero: 45 s; negative: at once.
	StopWithin time.Duration
	// MaxCrashes is how many crashes of the process are counted against a job
	// before it is given up. Only the job that runs alone among those that may
	// have done it is charged; see recovery/README.md. Zero: 3; negative: none
	// are counted, and no job runs alone.
	MaxCrashes int
	// LeaveOnStop removes a static member from its group at the stop, so that
	// its partitions move at once and the group's offsets can be reset.
	LeaveOnStop bool
	// Budget bounds memory and disk for the whole bridge.
	Budget Budget

	// Use wraps every handler, the first outermost.
	Use []Middleware
	// Hooks tell what happens. Zero: none.
	Hooks *Hooks
	// Logger receives what an operator should know. Zero: nothing is logged.
	Logger *slog.Logger
	// Verify checks the store's file before it is opened; an error refuses the
	// start. Zero: no check beyond the checksums of what is read.
	Verify func(ctx context.Context, path string) error
	// Clock is the time of jobs: when they are due and how long they took.
	// Zero: the machine's clock.
	Clock queue.Clock
}

// Topic describes one topic, or with Match several alike.
type Topic struct {
	// Name is the topic's name. Exactly one of Name and Match is set.
	Name string
	// Match is a regular expression for whole names of topics, also of ones
	// that are created later. A topic's own entry beats a pattern; a topic that
	// two patterns match is refused.
	Match string
	// Partitions are consumed without group balancing: no other member may
	// have them. Zero: the group assigns partitions.
	Partitions []int32
	// Handler runs the jobs, each by itself. Either it or Batch is required.
	Handler Handler
	// Batch runs jobs of one lane together, instead of Handler.
	Batch *Batch
	// Partitioner is how records become lanes, and in which order they run.
	// Zero: a lane per key, a record without a key in a lane of its own.
	Partitioner partitioner.Scheme
	// Retry decides about failed runs. Zero: [Backoff]{}, which is for ever, and
	// unless OnFailure is [Block] ten attempts.
	Retry RetryPolicy
	// RetryClasses go before Retry: the first that an error is of says what to
	// do. An error about which the handler itself says so, see [Bury], is of none.
	RetryClasses []Class
	// OnFailure says what becomes of a job that is given up.
	OnFailure OnFailure
	// DeadLetter is how dead letters are kept: of OnFailure [BuryJob].
	DeadLetter DeadLetter
	// Concurrency is how many of the workers may run jobs of one topic at a
	// time. Zero: no limit of its own.
	Concurrency int
	// Rate is how many runs of one topic may begin per second. Zero: no limit
	// of its own.
	Rate float64
	// Filter, if set, tells which records become jobs. Those for which it
	// returns false are left out when they are read: they count as complete,
	// and the hook Dropped tells. It is called by one goroutine per partition,
	// and must neither change the record nor keep it. A record for which it
	// panics becomes a job.
	Filter func(*Record) bool
	// Expiry is how old a record may be by its timestamp. One that is older is
	// left out when it is read; one that has become older while it waited is
	// skipped instead of its next run. The hook Dropped tells of both. A record
	// without a timestamp never expires. Zero: none does.
	Expiry time.Duration
	// Delay keeps a job back until its record's timestamp is so long ago. It
	// holds its lane meanwhile, and no worker. A record without a timestamp
	// runs at once. A wait is no longer than Delay, whatever the timestamp says.
	// Zero: none.
	Delay time.Duration
	// DelayHeader names the header that says when a job may run: a time by
	// RFC 3339, or Unix milliseconds. A record without it, or with another
	// text in it, is delayed by Delay alone; else the later of both counts.
	DelayHeader string
	// OnlyLatest completes a job that has not run yet, as superseded, once a
	// newer one of its lane waits. Records with a lane of their own are never
	// superseded. With Delay, a lane runs once no record has come for so long. It
	// needs an ordering by key.
	OnlyLatest bool
	// Produce says where records go that jobs produce, see [Job.Produce].
	Produce Produce
	// Timeout is how long one run may take; then its context ends with the
	// cause [ErrTimeout]. A run that fails afterwards is a failed attempt like
	// any other, with an error that says so; one that succeeds is done. Zero:
	// as long as it likes.
	Timeout time.Duration
	// Heartbeat is how long a running job may be silent: one whose handler has
	// not called [Job.Heartbeat] for longer is reported as stuck, once per run,
	// by [Hooks.Stuck] and the log. It goes on. Zero: nothing is reported.
	Heartbeat time.Duration
}

// Budget bounds what the bridge uses, in bytes. When one is used up, fetching
// waits and work goes on.
type Budget struct {
	// Memory holds record bodies. Zero: 256 MiB.
	Memory int64
	// Disk is the size of the store's used pages. Zero: no limit.
	Disk int64
	// MinFree stays free on the store's disk. Zero: no limit.
	MinFree int64
}

// Start is a position in a partition. The zero value is the oldest record.
// At most one field is set.
type Start struct {
	Newest bool      // only what arrives from now on
	Time   time.Time // the first record not older than this
}

// ExternalReset says what to do when the committed offset of a partition was
// set by somebody else, for example with kafka-consumer-groups.
type ExternalReset uint8

const (
	// ResetStop holds the partition and says what each choice would skip or
	// run again.
	ResetStop ExternalReset = iota
	// ResetFollow continues at the offset that was set.
	ResetFollow
)
