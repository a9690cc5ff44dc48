package bridge

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/partitioner"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Headers of what a bridge produces. Where a record has several headers of one
// of these names, because it was produced from a record that was produced, the
// last one counts.
const (
	// HeaderID is the [Job.ID] of the job that produced the record, and
	// HeaderIndex its place among the records of that job, from 0. Together they
	// are the same however often the job has run.
	HeaderID    = "holdfast-id"
	HeaderIndex = "holdfast-index"

	// The origin of a record: what the job was. The timestamp is RFC 3339 in
	// UTC; a record without one has no such header.
	HeaderTopic     = "holdfast-topic"
	HeaderPartition = "holdfast-partition"
	HeaderOffset    = "holdfast-offset"
	HeaderTimestamp = "holdfast-timestamp"
)

// Produce says what becomes of the records that jobs produce. The zero value is
// a good default where handlers name the topic of each record.
type Produce struct {
	// Topic is where records go that name no topic, and the results of handlers.
	// It must exist: nothing is created.
	Topic string
	// Results makes handlers that have a result by themselves produce it: what a
	// process of package exec writes to stdout, what a receiver of package
	// webhook answers. It needs a Topic.
	Results bool
	// Key is the key of these results.
	Key ResultKey
	// Partitioner is the hash by which keys are placed in partitions, by its
	// name, see [partitioner.Hashes]. Records without a key are placed in turn.
	// Zero: murmur2, as Java producers do.
	Partitioner string
	// OriginHeaders adds [HeaderTopic], [HeaderPartition], [HeaderOffset] and
	// [HeaderTimestamp].
	OriginHeaders bool
	// AllowLoop allows a Topic that this bridge consumes itself. What is produced
	// to it becomes jobs again.
	AllowLoop bool
}

// ResultKey is where a result has its key from.
type ResultKey uint8

const (
	// KeyOfRecord is the key of the job's own record.
	KeyOfRecord ResultKey = iota
	// KeyOfLane is the value that put the job in its lane.
	KeyOfLane
	// NoKey is Kafka's null.
	NoKey
)

// Produce hands over records that belong to the job's result. They are sent
// when the handler has returned nil, and the job is done when all of them are
// acknowledged by all in-sync replicas; a failure is a failed attempt. A run
// that returns an error produces nothing.
//
// They arrive at least once: a run that was cut short, or whose acknowledgement
// was lost, is repeated and produces them again. Each carries [HeaderID] and
// [HeaderIndex], by which a consumer removes duplicates: it suffices when a job
// produces the same records in the same order at every run.
//
// Of each record Topic, Key, Value, Headers and Timestamp are taken, not
// copied; without a Topic it goes to that of [Topic.Produce], without a Timestamp it gets
// the time of sending. Records with the same topic and partition arrive in the
// order in which they were handed over, and those of a lane in the order of its
// jobs.
//
// No worker waits for acknowledgements, unless 64 MiB of records do: the lane of
// the job does, which shows as deferred, and the bridge's stop. An
// acknowledgement that does not come within 30 s is a failure.
//
// Produce is for the handler before it returns, or for whoever works on a
// deferred job before [Deferred.Finish], and for one goroutine at a time. A Job
// that neither a bridge has made nor [Try] drops what it is given.
func (j *Job) Produce(records ...Record) {
	if j.run != nil {
		kept := j.run.more()
		kept.output = append(kept.output, records...)
	}
}

// WantsResult tells a handler that what it has for a result is to be produced:
// its topic has [Produce.Results].
func (j *Job) WantsResult() bool { return j.run != nil && j.run.produce.Results }

// ProduceResult produces the one result of the job as [Topic.Produce] says.
// Without [Job.WantsResult] it does nothing.
func (j *Job) ProduceResult(value []byte, headers ...Header) {
	if !j.WantsResult() {
		return
	}
	record := Record{Value: value, Headers: headers}
	switch j.run.produce.Key {
	case KeyOfRecord:
		record.Key = j.Key
	case KeyOfLane:
		record.Key = []byte(j.Lane)
	}
	j.Produce(record)
}

// producing is [Produce] ready to use.
type producing struct {
	Produce
	placement partitioner.Placement
}

func newProducing(p Produce) (*producing, error) {
	made := &producing{Produce: p}
	var err error
	made.placement.Hash, err = hashNamed(p.Partitioner)
	return made, err
}

// hashNamed is the hash of that name; of no name, murmur2.
func hashNamed(name string) (partitioner.Hash, error) {
	if name == "" {
		return partitioner.Hash{}, nil
	}
	hash, ok := partitioner.HashByName(name)
	if !ok {
		var names []string
		for _, h := range partitioner.Hashes() {
			names = append(names, h.Name)
		}
		return hash, fmt.Errorf("%q is unknown; use one of %s", name, strings.Join(names, ", "))
	}
	return hash, nil
}

// complete returns the records of a job as they are sent.
func (p *producing) complete(j *Job, output []Record) ([]Record, error) {
	records, trace := make([]Record, len(output)), j.Trace()
	for i, r := range output {
		if r.Topic == "" {
			r.Topic = p.Topic
		}
		if r.Topic == "" {
			return nil, errNoTopic
		}
		r.Headers = append(trace.traced(r.Headers[:len(r.Headers):len(r.Headers)]),
			Header{HeaderID, []byte(j.ID())}, Header{HeaderIndex, strconv.AppendInt(nil, int64(i), 10)})
		if p.OriginHeaders {
			r.Headers = append(r.Headers, origin(&j.Record)...)
		}
		records[i] = r
	}
	return records, nil
}

var errNoTopic error = &translated{ErrProduceFailed,
	errors.New("a record to produce names no topic, and that of its job has none to produce to: set one of them")}

// origin are the headers that say where a record came from.
func origin(r *Record) []Header {
	headers := []Header{
		{HeaderTopic, []byte(r.Topic)},
		{HeaderPartition, strconv.AppendInt(nil, int64(r.Partition), 10)},
		{HeaderOffset, strconv.AppendInt(nil, r.Offset, 10)},
	}
	if !r.Timestamp.IsZero() {
		headers = append(headers, Header{HeaderTimestamp, timeText(r.Timestamp)})
	}
	return headers
}

func timeText(t time.Time) []byte { return t.UTC().AppendFormat(nil, time.RFC3339Nano) }

// messages are records as the producer takes them.
func messages(records []Record, place func(key []byte, partitions int32) int32) []kafka.Message {
	list := make([]kafka.Message, len(records))
	for i, r := range records {
		list[i] = kafka.Message{Topic: r.Topic, Key: r.Key, Value: r.Value, Timestamp: r.Timestamp, Place: place}
		for _, h := range r.Headers {
			list[i].Headers = append(list[i].Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
		}
	}
	return list
}

// produced returns the records of a run as they are sent.
func (a *attempt) produced() ([]Record, error) { return a.produce.complete(&a.Job, a.output()) }

// keepsOutput drops what a run that failed has produced.
func (a *attempt) keepsOutput(err error) bool {
	if err != nil {
		a.more().output = nil
	}
	return err == nil
}

// produce sends what a run that succeeded has produced, and notes the outcome
// of the job once that is acknowledged. With an error nothing was sent.
func (r *run) produce(a *attempt, taken *queue.Job, v *view, began time.Time) error {
	records, err := a.produced()
	if err != nil {
		return err
	}
	a.more().output = records
	job := *taken // the worker's own is used again
	r.store.Defer(&job)
	r.pool.detach(&a.Job)
	err = r.cluster.Producer().Send(v.scope, messages(records, a.produce.placement.Partition), func(err error) {
		defer r.pool.rejoin(&a.Job)
		err = produceFailed(v, err)
		outcome := r.conclude(&job, a, v, began, r.cfg.Clock.Now(), err)
		r.fail(r.store.Finish(queue.Finished{Job: &job, Outcome: outcome}))
	})
	if err != nil {
		r.pool.rejoin(&a.Job)
	}
	return produceFailed(v, err)
}

// produceFailed is the error of a run whose records were not acknowledged. One
// that was interrupted has the cause of that.
func produceFailed(v *view, err error) error {
	if err == nil || v.scope.Err() != nil {
		return err
	}
	return &translated{sentinel: ErrProduceFailed, err: err}
}
