package bridge

import (
	"cmp"
	"fmt"
	"time"
)

// OnFailure says what becomes of a job that is given up: by its handler, see
// [Bury], by a [Class], or because the [RetryPolicy] has had enough.
type OnFailure uint8

const (
	// Block halts the job: it holds its lane and the offset until an operator
	// acts, and everything else goes on.
	Block OnFailure = iota
	// BuryJob makes the job a dead letter: it counts as complete and is kept
	// until an operator requeues or discards it, and its lane goes on.
	BuryJob
	// ParkLane sets the lane aside: this job and every later one of its lane
	// are kept in order until an operator releases or discards them, and the
	// offset moves on. It needs lanes by key.
	ParkLane
)

var onFailureNames = [...]string{Block: "block", BuryJob: "bury", ParkLane: "park"}

// String returns the name that the configuration file uses.
func (f OnFailure) String() string {
	if int(f) < len(onFailureNames) {
		return onFailureNames[f]
	}
	return fmt.Sprintf("OnFailure(%d)", f)
}

// DefaultAttempts is how often a job runs before it is given up, where neither
// [Block] nor a [RetryPolicy] says otherwise.
const DefaultAttempts = 10

// retry is the policy of a topic that names none.
func (f OnFailure) retry() RetryPolicy {
	if f == Block {
		return Backoff{}
	}
	return Backoff{MaxAttempts: DefaultAttempts}
}

// DeadLetter is how the dead letters of a topic are kept.
type DeadLetter struct {
	// Topic is where a copy of each goes, with [HeaderID] and what follows it
	// there in its headers; zero: nowhere. It must exist: nothing is created.
	// What became a dead letter while no Topic was set is not copied later.
	Topic string
	// Partitioner is the hash by which keys of copies are placed in partitions,
	// by its name, see [partitioner.Hashes]. Zero: murmur2, as Java producers do.
	Partitioner string
	// AllowLoop allows a Topic that this bridge consumes itself.
	AllowLoop bool
	// Keep is how long a dead letter is kept from its burial. Zero: until an
	// operator requeues or discards it.
	Keep time.Duration
	// KeepBytes bounds what the topic's dead letters take up in the store, in
	// bytes; above it the oldest go. Zero: no bound. With a Topic, none goes by
	// Keep or KeepBytes before its copy is there. [Hooks.Durable] tells of each.
	KeepBytes int64
	// Guard holds burials back while everything fails.
	Guard Guard
}

// Guard is the outage guard of a topic under [BuryJob]: burying takes a token
// from a bucket that fills while jobs succeed, so that a dependency that is
// down does not turn the stream into dead letters. Without a token the job goes
// on retrying at the longest delay.
type Guard struct {
	// Bucket is how many tokens there are at most, and at first. Zero: 100;
	// negative: there is no guard.
	Bucket int
	// Successes is how many successful jobs earn a token. Zero: 50.
	Successes int
	// Every is how often a token is earned by time. Zero: 5 minutes.
	Every time.Duration
}

// The defaults of [Guard].
const (
	defaultBucket    = 100
	defaultSuccesses = 50
	defaultEvery     = 5 * time.Minute
)

func (g Guard) withDefaults() Guard {
	return Guard{
		Bucket:    cmp.Or(g.Bucket, defaultBucket),
		Successes: cmp.Or(g.Successes, defaultSuccesses),
		Every:     cmp.Or(g.Every, defaultEvery),
	}
}
