package bridge

import (
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/queue"
)

// cause is why a record is not worked on.
type cause uint8

const (
	kept cause = iota
	filtered
	expired
	causes
)

func (c cause) String() string { return [causes]string{"kept", "filtered", "expired"}[c] }

// drops are the records of a batch that were left out, by cause.
type drops [causes]drop

type drop struct {
	first, last int64
	records     int
}

func (d *drops) add(why cause, offset int64) {
	each := &d[why]
	if each.records == 0 {
		each.first = offset
	}
	each.last = offset
	each.records++
}

// dropCounts is drops over the life of the process.
type dropCounts [causes]atomic.Int64

// judge says what becomes of a message that was read.
func (r *reader) judge(to *route, message *sarama.ConsumerMessage) cause {
	switch {
	case to.filter != nil && !r.passes(to.filter, message):
		return filtered
	case to.expiry > 0 && isOlder(unixMilli(message.Timestamp), r.cfg.Clock.Now(), to.expiry):
		return expired
	}
	return kept
}

// passes asks the topic's filter, and says once that it panics.
func (r *reader) passes(filter func(*Record) bool, message *sarama.ConsumerMessage) bool {
	pass, panicked, stack := passes(filter, message)
	if panicked != nil && !r.filterFailed {
		r.log.Error("filter panicked; the record becomes a job (said once per partition)", "offset", message.Offset, "panic", panicked, "stack", string(stack))
		r.filterFailed = true
	}
	return pass
}

// passes asks a filter, which is not ours and may panic: then the record is kept.
func passes(filter func(*Record) bool, message *sarama.ConsumerMessage) (pass bool, panicked any, stack []byte) {
	record := Record{
		Topic:     message.Topic,
		Partition: message.Partition,
		Offset:    message.Offset,
		Key:       message.Key,
		Value:     message.Value,
	}
	if ms := unixMilli(message.Timestamp); ms >= 0 {
		record.Timestamp = time.UnixMilli(ms)
	}
	for _, h := range message.Headers {
		record.Headers = append(record.Headers, Header{Key: string(h.Key), Value: h.Value})
	}
	defer func() {
		if v := recover(); v != nil {
			pass, panicked, stack = true, v, debug.Stack()
		}
	}()
	return filter(&record), nil, nil
}

// isOlder reports whether a record's timestamp is longer ago than it may be. One
// without a timestamp never is.
func isOlder(ms int64, now time.Time, than time.Duration) bool {
	return ms >= 0 && now.Sub(time.UnixMilli(ms)) > than
}

// tellDropped counts what was left out, once nothing can lose it any more.
func (r *run) tellDropped(part *partition, left *drops) {
	for why := filtered; why < causes; why++ {
		if d := left[why]; d.records > 0 {
			part.dropped[why].Add(int64(d.records))
			r.hooks.dropped(Dropped{
				Topic: part.topic, Partition: part.id, First: d.first, Last: d.last, Records: d.records, Reason: why.String(),
			})
		}
	}
}

// tellExpired is for a job that was not run any more.
func (r *run) tellExpired(part *partition, job *queue.Job) {
	var left drops
	left.add(expired, job.Offset)
	r.tellDropped(part, &left)
}
