package inspect

import (
	"time"
)

// Status is a look at everything at once. What only a running bridge knows is
// nil without one.
type Status struct {
	At      time.Time `json:"at"`
	Live    bool      `json:"live"` // a bridge runs
	Group   string    `json:"group"`
	Cluster string    `json:"cluster"`
	Store   string    `json:"store"` // the id of the data directory
	Epoch   uint64    `json:"epoch"` // how often it was opened
	// Healthy: nothing needs a person. Problems tell why not, the worst first;
	// those that pass by themselves are among them.
	Healthy  bool      `json:"healthy"`
	Problems []Problem `json:"problems"`
	Member   *Member   `json:"member"`  // of the group
	Workers  *Pool     `json:"workers"` // how busy they are
	Drain    *Draining `json:"drain"`   // nil: records are fetched
	// Lag and Rates sum up the partitions that are held.
	Lag
	Rates
	CommitLag  int64             `json:"commit_lag"` // offsets that may be committed and are not yet, of all
	OldestAt   time.Time         `json:"oldest"`     // timestamp of the oldest record that is not finished
	Disk       DiskSummary       `json:"disk"`       // what the store takes up
	Partitions []PartitionStatus `json:"partitions"` // by topic and number
	Away       []PartitionAway   `json:"away"`       // partitions that are not held, of which something is kept
	Topics     []TopicStatus     `json:"topics"`     // by name, as far as partitions of them are held
}

// Severity tells how urgent a problem is.
type Severity string

// The severities.
const (
	// Critical: work stands still, or records are in danger.
	Critical Severity = "critical"
	// Warning: a person has to act some time, or something is about to get worse.
	Warning Severity = "warning"
	// Notice passes by itself, or was asked for.
	Notice Severity = "notice"
)

// Problem is a reason why not all is well.
type Problem struct {
	Severity Severity `json:"severity"`
	// Code names the kind of problem: held, store_failed, copy, no_lease, kafka_away,
	// commit_failing, halted, stuck, guard, probation, disk, throttled,
	// retention, paused, parked, no_workers, stopping, drained, setting, no_topic,
	// unsent.
	Code      string `json:"code"`
	Topic     string `json:"topic"`     // empty: it is about all
	Partition *int32 `json:"partition"` // nil: it is about the topic, or all
	Text      string `json:"text"`      // one sentence
	Command   string `json:"command"`   // what shows more of it, or mends it
}

// Lag splits what is not done yet. The jobs of a partition that is paused as a
// whole count as paused where they would be ready.
type Lag struct {
	NotStored *int64 `json:"not_stored"` // offsets that Kafka has and the store has not read yet
	Ready     int    `json:"ready"`
	Running   int    `json:"running"`
	Deferred  int    `json:"deferred"` // handlers have returned and finish them later
	Retrying  int    `json:"retrying"`
	Blocked   int    `json:"blocked"` // behind another job of their lanes
	Halted    int    `json:"halted"`
	Delayed   int    `json:"delayed"`
	Paused    int    `json:"paused"`
	Parked    int64  `json:"parked"` // jobs of lanes that are set aside; the committed offset does not wait for them
	Dead      int    `json:"dead"`   // dead letters, which are complete
}

// add sums up.
func (l *Lag) add(other Lag) {
	if other.NotStored != nil {
		sum := *other.NotStored
		if l.NotStored != nil {
			sum += *l.NotStored
		}
		l.NotStored = &sum
	}
	l.Ready += other.Ready
	l.Running += other.Running
	l.Deferred += other.Deferred
	l.Retrying += other.Retrying
	l.Blocked += other.Blocked
	l.Halted += other.Halted
	l.Delayed += other.Delayed
	l.Paused += other.Paused
	l.Parked += other.Parked
	l.Dead += other.Dead
}

// Unfinished counts the jobs that are stored and not done, parked ones apart.
func (l Lag) Unfinished() int {
	return l.Ready + l.Running + l.Deferred + l.Retrying + l.Blocked + l.Halted + l.Delayed + l.Paused
}

// Rates are averages over the last ten seconds.
type Rates struct {
	StoredPerSecond *float64 `json:"stored_per_second"` // jobs that were read from Kafka
	DonePerSecond   *float64 `json:"done_per_second"`   // jobs that were completed
}

func (r *Rates) add(other Rates) {
	r.StoredPerSecond = addKnown(r.StoredPerSecond, other.StoredPerSecond)
	r.DonePerSecond = addKnown(r.DonePerSecond, other.DonePerSecond)
}

func addKnown(a, b *float64) *float64 {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	sum := *a + *b
	return &sum
}

// PartitionStatus is a partition that is held.
type PartitionStatus struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"` // last offset that Kafka acknowledged; -1: none
	Frontier  int64  `json:"frontier"`  // lowest unfinished offset on disk; -1: none yet
	Next      int64  `json:"next"`      // next offset to store: everything below is stored or done
	LogStart  *int64 `json:"log_start"` // first offset that Kafka holds
	LogEnd    *int64 `json:"log_end"`   // next offset that Kafka will write
	Lag
	Rates
	CommitLag int64 `json:"commit_lag"` // Frontier less Committed
	Lanes     int   `json:"lanes"`      // that hold a job
	// OldestAt is the timestamp of the lowest unfinished record, the zero time
	// where there is none or it has none.
	OldestAt time.Time `json:"oldest"`
	// MovedAt is when Frontier last moved; the zero time: not since the store was
	// opened.
	MovedAt time.Time `json:"moved"`
	// WholePaused: by its topic or by itself.
	WholePaused bool `json:"whole_paused"`
	// Throttled is why no more is fetched: a budget, or that enough is stored.
	// Empty: nothing keeps it.
	Throttled Throttle `json:"throttled"`
	// Held is why the partition was stopped for a person to decide; empty: it was
	// not.
	HeldError   string    `json:"held_error"`
	CommitError string    `json:"commit_error"` // of the last try, if it failed
	LeaseUntil  time.Time `json:"lease_until"`  // jobs start before it only
}

// Throttle is why the records of a partition are not fetched for now.
type Throttle string

// The reasons.
const (
	ThrottledByWindow  Throttle = "window"        // enough is stored for the workers to choose from
	ThrottledByMemory  Throttle = "memory_budget" // record bodies and jobs take up too much memory
	ThrottledByDisk    Throttle = "disk_budget"   // the store's file takes up too much
	ThrottledByMinFree Throttle = "min_free"      // the disk has too little room left
)

// PartitionAway is a partition that is not held, and what is kept of it.
type PartitionAway struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Frontier  int64     `json:"frontier"` // when it was last held
	Next      int64     `json:"next"`
	Since     time.Time `json:"since"` // it is not held
	Dead      int       `json:"dead"`
	Parked    int       `json:"parked_lanes"`
}

// TopicStatus is how a topic is worked on.
type TopicStatus struct {
	Topic       string       `json:"topic"`
	Partitions  int          `json:"partitions"` // that are held
	Paused      bool         `json:"paused"`     // as a whole
	Running     int          `json:"running"`    // runs under way
	Concurrency int          `json:"concurrency"`
	Rate        float64      `json:"rate_per_second"`
	OnFailure   string       `json:"on_failure"`
	Guard       *GuardStatus `json:"guard"` // nil: there is none, or no bridge
	Dead        int          `json:"dead"`  // of all its partitions, held or not
	OldestDead  time.Time    `json:"oldest_dead"`
	Unsent      int          `json:"unsent"` // of Dead, those whose copies their topic has not got yet
	// CopyError is why the topic of the copies takes none, since CopySince; empty:
	// it does, or there is none.
	CopyError string    `json:"copy_error"`
	CopySince time.Time `json:"copy_since"`
}

// GuardStatus is the outage guard of a topic.
type GuardStatus struct {
	Active  bool `json:"active"`  // it keeps jobs from being given up
	Tokens  int  `json:"tokens"`  // burials that are left
	Bucket  int  `json:"bucket"`  // of so many at most
	Refused int  `json:"refused"` // how often it kept a job, since it is active
}

// Member is the bridge as its group sees it.
type Member struct {
	ID         string    `json:"member_id"` // empty: it is no member now
	Instance   string    `json:"instance_id"`
	Generation int32     `json:"generation"`
	Joined     time.Time `json:"joined"`
	// Confirmed is the last time that the group's coordinator answered.
	Confirmed time.Time `json:"confirmed"`
	// Sessions counts how often it joined since the start, and Rebalances how
	// often partitions were given or taken.
	Sessions   int64 `json:"sessions"`
	Rebalances int64 `json:"rebalances"`
	// Copy tells of another process that works with a copy of the data directory;
	// empty: none was seen.
	Copy string `json:"copy"`
	// Missing are the topics of the configuration that Kafka does not have.
	Missing []string `json:"missing_topics"`
}

// Pool is how busy the workers are.
type Pool struct {
	Workers  int `json:"workers"`  // that there are to be
	Busy     int `json:"busy"`     // that run a job
	Deferred int `json:"deferred"` // jobs that go on without a worker
	// Stopping: the bridge stops as planned. What runs may finish, and nothing starts.
	Stopping bool `json:"stopping"`
}

// Draining is how far a bridge is that fetches no more.
type Draining struct {
	Empty   bool `json:"empty"`   // all that can be is finished and committed
	Leaves  bool `json:"leaves"`  // it stops and leaves its group then
	Going   int  `json:"going"`   // stored jobs that run, or will without an operator
	Running int  `json:"running"` // of them, runs under way
	Stuck   int  `json:"stuck"`   // the others: halted, paused, or behind one of these
}

// DiskSummary is the disk in a few numbers; see Inspector.Disk.
type DiskSummary struct {
	FileBytes  int64          `json:"file_bytes"`
	InUseBytes int64          `json:"in_use_bytes"`
	FreeBytes  int64          `json:"free_bytes"`   // on the file system
	Budget     *int64         `json:"budget_bytes"` // 0: none
	MinFree    *int64         `json:"min_free_bytes"`
	FullIn     *time.Duration `json:"full_in_seconds"` // until fetching throttles, as things go; nil: not in sight
}
