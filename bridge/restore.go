package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

// restoreWithin bounds the fetch of one damaged record; restoreAgain is the
// pause before the next try while Kafka does not answer.
const (
	restoreWithin = 10 * time.Second
	restoreAgain  = 5 * time.Second
)

// restore fetches the record of a job whose stored body is damaged from Kafka
// again. If Kafka no longer has it, the job is halted: to skip it silently
// would lose it. The job has its record back if ok is true, else the outcome
// says what becomes of it.
func (r *run) restore(taken *queue.Job, v *view) (outcome queue.Outcome, ok bool) {
	name := fmt.Sprintf("%s@%d", taken.TopicPartition(), taken.Offset)
	if v.claim == nil {
		return queue.Outcome{Kind: queue.Release}, false
	}
	ctx, cancel := context.WithTimeout(v.scope, restoreWithin)
	defer cancel()
	message, err := v.claim.Read(ctx, taken.Offset)
	if err != nil && v.scope.Err() != nil { // interrupted
		return queue.Outcome{Kind: queue.Release}, false
	}
	if gone(err) {
		r.log.Error("a damaged record cannot be fetched again; its lane is held", "job", name, "damage", taken.Damaged, "error", err)
		return queue.Outcome{Kind: queue.Halt, Error: fmt.Sprintf("%v; Kafka no longer has the record: %v", taken.Damaged, err)}, false
	}
	if err != nil {
		due := r.cfg.Clock.Now().Add(restoreAgain)
		r.log.Warn("a damaged record cannot be fetched now, will try again", "job", name, "damage", taken.Damaged, "error", err)
		return queue.Outcome{Kind: queue.Snooze, Due: due}, false // its handler had no attempt
	}
	record := newRecord(message)
	lane, _ := v.route.lanes.Lane(lookAt(&record)) // for its name; the job stays in the lane it was given
	record.Lane = queue.Lane{ID: taken.Lane.ID, Name: lane.Name, Own: taken.Lane.Own}
	if err := v.stored.Replace(record); err != nil { // the job is no longer where it was
		return queue.Outcome{Kind: queue.Release}, false
	}
	r.log.Warn("a damaged record was fetched again", "job", name, "damage", taken.Damaged)
	taken.Record, taken.Damaged = record, nil
	return queue.Outcome{}, true
}

// gone tells whether Kafka will never deliver the record again. That the topic
// is unknown may pass.
func gone(err error) bool {
	return errors.As(err, new(*kafka.OutOfRangeError)) || errors.Is(err, kafka.ErrNoRecord)
}
