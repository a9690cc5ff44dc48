package inspect

import (
	"time"
)

// Cause is what the committed offset of a partition waits for, or for [Explain]
// of an offset, what its job does.
type Cause string

// The causes.
const (
	CauseCaughtUp    Cause = "caught_up"    // nothing: all that Kafka has is done and committed
	CauseNotFetched  Cause = "not_fetched"  // all that is stored is done; Kafka has more
	CauseJob         Cause = "job"          // a job that is not finished
	CauseCommit      Cause = "commit"       // Kafka's acknowledgement: the jobs are done
	CauseFlush       Cause = "flush"        // the store's next flush: the jobs are done
	CauseHeld        Cause = "held"         // a person: the partition was stopped
	CauseNotHere     Cause = "not_here"     // the partition is not held here
	CauseUnknown     Cause = "unknown"      // nothing: there is no such topic or partition here
	CauseTaking      Cause = "taking"       // Kafka's answer: the partition is being taken over
	CauseNothing     Cause = "nothing"      // the partition is held and nothing was ever stored of it
	CauseStoreFailed Cause = "store_failed" // the store: nothing moves until the next start
	CauseUnreadable  Cause = "unreadable"   // the partition's data is damaged
)

// Explanation tells in sentences, and in numbers, why the committed offset of a
// partition is where it is. What is not known is nil, and its sentence empty.
type Explanation struct {
	At        time.Time `json:"at"`
	Live      bool      `json:"live"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Asked     *int64    `json:"offset"` // the offset that was asked about; nil: that of the partition
	Here      bool      `json:"here"`   // the partition is held here

	Committed int64  `json:"committed"` // -1: none, or not known
	Frontier  int64  `json:"frontier"`
	Next      int64  `json:"next"`
	LogStart  *int64 `json:"log_start"`
	LogEnd    *int64 `json:"log_end"`

	Cause   Cause  `json:"cause"`
	Summary string `json:"summary"` // why the offset is where it is, in one or two sentences
	// Still is for how long the offset has not moved; AtLeast where it is known of
	// the time since the start only.
	Still   *time.Duration `json:"still_seconds"`
	AtLeast bool           `json:"at_least"`

	// Job is the one that the offset waits for, or that was asked about; nil: none.
	Job *JobDetail `json:"job"`
	// Facts are what is known of it and around it, by a word each: state, error,
	// behind, others, parked, ...
	Facts []Fact `json:"facts"`
	// Outage is the pattern of failures in the topic.
	Outage *Outage `json:"outage"`

	NextStep  string `json:"next_step"` // what happens by itself, and when
	Restart   string `json:"restart"`   // what a restart would run again
	Moved     string `json:"moved"`     // and the hand-over to another machine
	Retention string `json:"retention"` // when Kafka deletes the record
	// The numbers of these sentences.
	RestartReruns *int      `json:"restart_reruns"` // at most, by a crash
	MovedReruns   *int64    `json:"moved_reruns"`
	RetentionAt   time.Time `json:"retention_at"`

	Actions []Action `json:"actions"` // what one can do
}

// Fact is a sentence about one thing.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Outage tells whether what fails has something in common.
type Outage struct {
	Keys   int    `json:"keys"`   // lanes that fail or have failed for good, of the topic
	Same   int    `json:"same"`   // of these, with the error that most have
	Error  string `json:"error"`  // that error, of one of them
	Likely bool   `json:"likely"` // many keys fail with the same error
	// Sampled: there are more than were looked at.
	Sampled bool `json:"sampled"`
}
