package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// AgainTarget is a finished record that a plan would run again.
type AgainTarget struct {
	Name
	ID        string    `json:"id"`           // of the job that it would be
	Key       []byte    `json:"key"`          // nil is Kafka's null; cut to 1 KiB
	Timestamp time.Time `json:"timestamp"`    // of the record; the zero time where it has none
	Bytes     int       `json:"record_bytes"` // of key, value and headers
	// Overtaken tells whether a later job of its lane is done: it runs behind that.
	// Nil: that is not known.
	Overtaken *bool `json:"overtaken"`
}

// rerunVerb makes jobs of finished records that Kafka still has.
type rerunVerb struct{}

const (
	// rerunBytes bounds the records of one command: they are in memory together,
	// since they go to the store with one transaction.
	rerunBytes = 16 << 20
	// maxShownKey bounds the key of a target.
	maxShownKey = 1 << 10
)

// Why a record does not run again, apart from what queue says.
const (
	reasonRunsAgain  = "it is about to run again, or runs"
	reasonOtherID    = "it is about to run again, or runs, under another id"
	reasonBeyond     = "it is not read from Kafka yet: it comes by itself, unless another owner has done it"
	reasonFiltered   = "the filter of its topic leaves it out"
	reasonNoRecord   = "Kafka has no record of that offset: it was compacted away or aborted, or ends a transaction"
	reasonTooLarge   = "it is beyond the 16 MiB of one command; give another one for it"
	reasonLaneParked = "a job of its offset is open, and its lane is parked; release that"
	saidAgain        = "finished record requeued from Kafka by an operator"
)

func (rerunVerb) validate(c Command) error {
	var problems []error
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	q := c.Select
	say(len(q.Partitions) != 1 || len(q.Offsets) == 0, "records are read from Kafka again by the offsets of one partition")
	say(len(q.Offsets) > MaxJobs, "%d offsets are more than the %d of one command", len(q.Offsets), MaxJobs)
	say(slices.ContainsFunc(q.Offsets, func(o int64) bool { return o < 0 }), "an offset is below zero")
	say(q.From > 0 || q.Key != nil || q.Lane != nil || len(q.States) > 0 || !q.StoredBefore.IsZero() || q.ErrorMatches != "" || q.Limit > 0 || !c.Dead.isZero(),
		"records that are read from Kafka again are selected by their offsets alone")
	say(c.ResetAttempts, "a record that is read from Kafka again begins with its first attempt anyway")
	say(c.Rate != 0 || c.StopAt != 0, "records that are read from Kafka again are requeued together: there is no rate, and no share to stop at")
	return errors.Join(problems...)
}

// rerun is what the command gives its jobs: an id of their own, or none.
func (p Plan) rerun() queue.Rerun {
	if !p.Command.NewID {
		return 0
	}
	return queue.RerunAt(p.Made)
}

func (rerunVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	parts, err := i.partitions(plan.Command.Select)
	if err != nil {
		return err
	}
	if i.opt.Kafka == nil {
		return ErrNoKafka
	}
	p, state := parts[0], parts[0].State()
	tp := p.TopicPartition()
	log, err := i.opt.Kafka.Log(ctx, tp.Topic, tp.Partition)
	if err != nil {
		return err
	}
	offsets := slices.Compact(slices.Sorted(slices.Values(plan.Command.Select.Offsets)))
	plan.Matched = len(offsets)
	left, err := i.finished(ctx, plan, p, offsets)
	if err != nil {
		return err
	}
	size := 0
	var lanes []queue.Lane
	unread, err := readEach(ctx, i.opt.Kafka, tp, left, func(offset int64, rec *queue.Record, answer *Records) (more bool) {
		name := Name{tp.Topic, tp.Partition, offset}
		switch {
		case state.TopicID != log.TopicID && state.TopicID != "" && log.TopicID != "":
			add(&plan.Refused, reasonNewTopic, name)
		case offset < log.Start:
			add(&plan.Refused, fmt.Sprintf("Kafka has it no more: its log begins at offset %d", log.Start), name)
		case rec == nil:
			add(&plan.Refused, answer.lacks(offset), name)
		case answer.Scheme != state.Scheme:
			add(&plan.Refused, queue.ErrOtherScheme.Error(), name)
		case size > 0 && size+bytesOf(rec) > rerunBytes:
			return false
		default:
			size += bytesOf(rec)
			plan.Again = append(plan.Again, AgainTarget{
				Name: name, ID: idOf(state.TopicID, name, plan.rerun()),
				Key: bytes.Clone(rec.Key[:min(len(rec.Key), maxShownKey)]), Timestamp: timestampOf(rec), Bytes: bytesOf(rec),
			})
			lanes = append(lanes, queue.Lane{ID: rec.Lane.ID, Own: rec.Lane.Own})
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, offset := range unread {
		add(&plan.Refused, reasonTooLarge, Name{tp.Topic, tp.Partition, offset})
	}
	return i.lookBehind(ctx, p, plan.Again, lanes)
}

// finished returns those of the offsets, which ascend, that have no job and no
// dead letter here. Of the others the plan says why.
func (i *inspector) finished(ctx context.Context, plan *Plan, p *queue.Partition, offsets []int64) (left []int64, err error) {
	jobs, err := p.Find(ctx, offsets...)
	if err != nil {
		return nil, notHeld(err)
	}
	tp, next := p.TopicPartition(), p.State().Next
	dead, err := i.deadAmong(ctx, p, offsets)
	if err != nil {
		return nil, err
	}
	for _, offset := range offsets {
		name := Name{tp.Topic, tp.Partition, offset}
		switch {
		case len(jobs) > 0 && jobs[0].Offset == offset:
			notAgain(&plan.AlreadyDone, &plan.Refused, name, jobs[0], plan.rerun())
			jobs = jobs[1:]
		case offset >= next:
			add(&plan.Refused, reasonBeyond, name)
		case dead[offset]:
			add(&plan.Refused, queue.ErrLetterKept.Error(), name)
		default:
			left = append(left, offset)
		}
	}
	return left, nil
}

// notAgain answers for a record of which there is a job.
func notAgain(already, refused *[]Group, name Name, job queue.Pending, rerun queue.Rerun) {
	switch {
	case !job.Aside:
		add(refused, queue.ErrJobWaiting.Error(), name)
	case job.State == queue.Parked:
		add(refused, reasonLaneParked, name)
	case (job.Rerun != 0) != (rerun != 0):
		add(refused, reasonOtherID, name)
	default:
		add(already, reasonRunsAgain, name)
	}
}

// deadAmong returns those of the offsets, which ascend, that have a dead letter. One
// of a deleted topic is of another record.
func (i *inspector) deadAmong(ctx context.Context, p *queue.Partition, offsets []int64) (map[int64]bool, error) {
	dead := map[int64]bool{}
	if len(offsets) == 0 {
		return dead, nil
	}
	last, topicID := offsets[len(offsets)-1], p.State().TopicID
	for l, err := range i.store.DeadLetters(ctx, p.TopicPartition(), offsets[0]) {
		if err != nil {
			return nil, err
		}
		if l.Offset > last {
			break
		}
		if l.TopicID == topicID || l.TopicID == "" || topicID == "" {
			dead[l.Offset] = true
		}
	}
	return dead, nil
}

// execute gives the records to the store together: after a crash all of them run
// again, or none.
func (rerunVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	q, rerun := plan.Command.Select, plan.rerun()
	if i.opt.Kafka == nil {
		return ErrNoKafka
	}
	if plan.Command.NewID && rerun == 0 {
		return errors.New("the plan does not say when it was made: ids follow from that")
	}
	tp := queue.TopicPartition{Topic: q.Topic, Partition: q.Partitions[0]}
	p := find(i.store.Attached(), tp)
	var offsets []int64
	for _, t := range plan.Again {
		switch {
		case p == nil:
			add(&op.Refused, reasonNotHeld, t.Name)
		case t.tp() != tp || t.ID != idOf(p.State().TopicID, t.Name, rerun):
			add(&op.Refused, reasonNewTopic, t.Name)
		default:
			offsets = append(offsets, t.Offset)
		}
	}
	recs, err := i.readAgain(ctx, tp, slices.Compact(slices.Sorted(slices.Values(offsets))), op)
	if err != nil || len(recs.Records) == 0 {
		return err
	}
	recs.Rerun = rerun
	results, err := i.store.RunAgain(ctx, recs)
	if err != nil {
		return err
	}
	return i.noteAgain(ctx, p, op, rerun, results)
}

// noteAgain puts into op what came of records.
func (i *inspector) noteAgain(ctx context.Context, p *queue.Partition, op *Operation, rerun queue.Rerun, results []queue.RequeueResult) error {
	for _, r := range results {
		name := Name{r.Topic, r.Partition, r.Offset}
		if errors.Is(r.Err, queue.ErrJobWaiting) {
			jobs, err := p.Find(ctx, r.Offset)
			if err != nil {
				return notHeld(err)
			}
			if len(jobs) > 0 {
				notAgain(&op.AlreadyDone, &op.Refused, name, jobs[0], rerun)
				continue
			}
		}
		if r.Err != nil {
			reason, _ := refusalOf(r.Err)
			add(&op.Refused, reason, name)
			continue
		}
		op.Done = append(op.Done, name)
		i.opt.Logger.Info(saidAgain, "job", name, "id", idOf(p.State().TopicID, name, rerun), "reason", op.Command.Reason)
	}
	return nil
}
