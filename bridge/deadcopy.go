package bridge

import (
	"strconv"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Headers of the copies of dead letters, beside [HeaderID], those of the record
// itself, and its origin: [HeaderTopic] and the following. Times are RFC 3339 in
// UTC; what is not known has no header.
const (
	HeaderGroup        = "holdfast-group"         // whose job it was
	HeaderAttempts     = "holdfast-attempts"      // runs that were counted
	HeaderError        = "holdfast-error"         // of the last one
	HeaderReason       = "holdfast-reason"        // why it was buried, where the error does not say it
	HeaderFirstFailure = "holdfast-first-failure" // when the first run failed
	HeaderLastFailure  = "holdfast-last-failure"  // and the last one
	// HeaderBuried is when the job became a dead letter. With [HeaderID] it
	// tells a copy that was sent twice from a job that died twice.
	HeaderBuried = "holdfast-buried"
	// HeaderBurial counts the burials of the partition in its data directory,
	// from 1: the order in which copies are sent.
	HeaderBurial = "holdfast-burial"
)

// copyOf is the record of a letter as its topic gets it.
func (c *courier) copyOf(l *queue.DeadLetter, s source) kafka.Message {
	record := Record{
		Topic: c.topic, Partition: l.Partition, Offset: l.Offset, Key: l.Record.Key, Value: l.Record.Value,
	}
	for _, h := range l.Record.Headers {
		record.Headers = append(record.Headers, Header(h))
	}
	record.Headers = append(record.Headers, c.burialOf(l)...)
	return messages([]Record{record}, s.to.dead.placeOf(s.Partition))[0]
}

// burialOf are the headers of a copy.
func (c *courier) burialOf(l *queue.DeadLetter) []Header {
	job := Job{Record: Record{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset}, topicID: l.TopicID, rerun: l.Rerun}
	if l.Record.Timestamp >= 0 {
		job.Timestamp = time.UnixMilli(l.Record.Timestamp)
	}
	headers := append([]Header{{HeaderID, []byte(job.ID())}}, origin(&job.Record)...)
	headers = append(headers,
		Header{HeaderGroup, []byte(c.cfg.Group)},
		Header{HeaderAttempts, strconv.AppendInt(nil, int64(l.Attempts), 10)},
		Header{HeaderBuried, timeText(l.Buried)},
		Header{HeaderBurial, strconv.AppendUint(nil, l.Number, 10)},
	)
	if l.Error != "" {
		headers = append(headers, Header{HeaderError, []byte(l.Error)})
	}
	if l.Reason != "" && l.Reason != l.Error {
		headers = append(headers, Header{HeaderReason, []byte(l.Reason)})
	}
	if n := len(l.History); n > 0 {
		headers = append(headers, Header{HeaderFirstFailure, timeText(l.History[0].At)}, Header{HeaderLastFailure, timeText(l.History[n-1].At)})
	}
	return headers
}
