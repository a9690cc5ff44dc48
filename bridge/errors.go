package bridge

import (
	"errors"
)

// Errors of [Bridge.Run]. Each arrives wrapped in a sentence that names what
// was found and the remedy; tell them apart with [errors.Is].
var (
	// ErrStoreInUse means that another process holds the data directory.
	ErrStoreInUse = errors.New("store in use")
	// ErrStoreDamaged means that the store cannot be opened safely.
	ErrStoreDamaged = errors.New("store damaged")
	// ErrStoreForeign means that the store belongs to another group or cluster.
	ErrStoreForeign = errors.New("store belongs to another group or cluster")
	// ErrStoreNewer means that a newer version of holdfast wrote the store.
	ErrStoreNewer = errors.New("store has a newer format")
	// ErrStoreFailed means that a write to the store failed: its outcome is
	// unknown, so nothing runs and no offset moves until the next start.
	ErrStoreFailed = errors.New("store write failed")
	// ErrKafkaUnreachable means that no broker answered at the start.
	ErrKafkaUnreachable = errors.New("kafka unreachable")
	// ErrRefused means that the bridge will not run like this because a
	// promise would be broken, for example two patterns that match one topic.
	ErrRefused = errors.New("refused")
	// ErrProduceFailed means that records of a job were not produced, and is the
	// error of the attempt. They may be there all the same.
	ErrProduceFailed = errors.New("produce failed")
)

// Causes why a job's context ended, as [context.Cause] gives them.
var (
	// ErrStopping: the bridge stops and [Config.StopWithin] has passed.
	ErrStopping = errors.New("bridge is stopping")
	// ErrRevoked: the partition goes to another member of the group.
	ErrRevoked = errors.New("partition revoked")
	// ErrTimeout: the run has taken longer than [Topic.Timeout]. The error of a
	// run that fails because of it matches ErrTimeout, too.
	ErrTimeout = errors.New("job timed out")
	// ErrCancelled: an operator cancelled the run.
	ErrCancelled = errors.New("job cancelled by an operator")
)
