package kafka

import (
	"errors"
	"fmt"
	"strings"
)

// Causes of the end of a claim, read with context.Cause from the context of
// Own. Errors that say more wrap them.
var (
	// ErrRevoked: the group gives the partition to another member. Until Own
	// returns, for at most Claim.DrainWithin, it is still ours: commits succeed.
	ErrRevoked = errors.New("partition revoked")
	// ErrStopping: the context of Consume ended.
	ErrStopping = errors.New("bridge is stopping")
	// ErrLost: the membership ended without a revocation, because the
	// coordinator could not be reached, forgot the member, or because the
	// subscription changed. The partition may come back.
	ErrLost = errors.New("partition lost")
)

var (
	// ErrUnreachable: no broker answered.
	ErrUnreachable = errors.New("cannot reach Kafka")
	// ErrFenced: the commit carries an ownership that is over.
	ErrFenced = errors.New("commit refused: the partition is no longer owned")
	// ErrMetadataTooLarge: the broker's offset.metadata.max.bytes is less than
	// the length of the commit's metadata. The same offset can be committed with
	// less of it.
	ErrMetadataTooLarge = errors.New("commit metadata is larger than the broker accepts")
	// ErrInstanceFenced: another process joined the group with the same
	// instance id.
	ErrInstanceFenced = errors.New("another process uses this instance id")
	// ErrUnknownTopic: the topic or the partition does not exist (any more).
	ErrUnknownTopic = errors.New("topic or partition does not exist")
	// ErrClosed: Cluster.Close was called.
	ErrClosed = errors.New("the Kafka clients are closed")
	// ErrNotAuthorized: the user may not write to the topic.
	ErrNotAuthorized = errors.New("not authorized")
	// ErrTooLarge: the record is larger than its topic takes.
	ErrTooLarge = errors.New("record is larger than the topic takes")
	// ErrRecordRefused: the broker minds something else in the record, such as a
	// null key where the topic is compacted.
	ErrRecordRefused = errors.New("record is refused")
	// ErrUndelivered: no acknowledgement came in time. The record may be there.
	ErrUndelivered = errors.New("not acknowledged")
)

// OutOfRangeError says that Kafka does not hold the offset asked for.
type OutOfRangeError struct {
	Topic          string
	Partition      int32
	Offset         int64 // what was asked for
	Oldest, Newest int64 // what Kafka holds; -1 where it could not be asked
}

func (e *OutOfRangeError) Error() string {
	return fmt.Sprintf("%s/%d@%d: offset out of range: Kafka holds %d to %d", e.Topic, e.Partition, e.Offset, e.Oldest, e.Newest)
}

// ForeignMembersError refuses to commit offsets of fixed partitions to a group
// that has members: their commits would overwrite ours, and ours theirs.
type ForeignMembersError struct {
	Group   string
	Members []string // client ids, or instance ids where there are any
}

func (e *ForeignMembersError) Error() string {
	return fmt.Sprintf("group %q has members (%s) while all partitions here are fixed: stop them, or use a group of its own",
		e.Group, strings.Join(e.Members, ", "))
}

// CopyError says that another process works with a copy of our store, and goes on.
type CopyError struct {
	Opening, Other Opening // ours and its own
	By             string  // who that is
}

func (e *CopyError) Error() string {
	return fmt.Sprintf("a copy of this data directory is in use: %s works with store %s, too, in its opening %d, and this is opening %d: stop one of the two for good; to work beside the other, start with an empty data directory",
		e.By, e.Opening.Store, e.Other.Epoch, e.Opening.Epoch)
}

// ConfigError names a field of sarama's configuration that holdfast relies on
// and that the caller's tuning changed.
type ConfigError struct {
	Client string // "group", "fetch" or "commit"
	Field  string // as sarama names it, for example "Consumer.Return.Errors"
	Want   string // what it has to be
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("sarama setting %s of the %s client was changed: holdfast relies on %s", e.Field, e.Client, e.Want)
}
