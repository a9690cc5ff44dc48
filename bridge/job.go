package bridge

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Header is one record header. A nil Value is Kafka's null.
type Header struct {
	Key   string
	Value []byte
}

// Record is one Kafka record. A nil Key or Value is Kafka's null, an empty one
// is empty. Its slices belong to the bridge: read them, copy what you change.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp time.Time // the zero time where the record has none
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Job is one run of a record.
type Job struct {
	Record

	// Lane is the value that put the record in its lane, by default its key.
	Lane string
	// Attempt counts the runs of this job from 1, across restarts and crashes.
	// A run that was interrupted by a stop or a revocation does not count.
	Attempt int
	// LastError is the error of the attempt before, empty on the first one.
	LastError string

	topicID string
	rerun   queue.Rerun
	run     *attempt // nil: made by hand, not by a bridge
}

// ID names the job for ever: topic-id/partition@offset. It is the same over
// attempts, restarts and owners, and differs for a topic deleted and created
// anew, so it is what a receiver of side effects removes duplicates by. On
// brokers without topic ids the topic's name stands in. A finished record that an
// operator runs again under an id of its own is another job: the time of that
// follows, topic-id/partition@offset+20260131T080000.000Z.
func (j *Job) ID() string {
	id := j.topicID
	if id == "" {
		id = j.Topic
	}
	return fmt.Sprintf("%s/%d@%d%s", id, j.Partition, j.Offset, j.rerun)
}

// LogValue is the job's name: a payload never gets into a log by itself.
func (j *Job) LogValue() slog.Value { return slog.StringValue(j.String()) }

// String returns the job's name for people: topic/partition@offset.
func (j *Job) String() string {
	return fmt.Sprintf("%s/%d@%d", j.Topic, j.Partition, j.Offset)
}
