package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Forget removes all that the store has of a topic that is gone, from Kafka or
// from the configuration: jobs, what is parked, dead letters and pauses. A topic
// that is in both is refused, and a partition that is held.
const Forget Verb = "forget"

// ForgetTarget is a partition of which nothing would be left.
type ForgetTarget struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"` // -1: none
	Open      int    `json:"open"`      // unfinished jobs
	Aside     int    `json:"aside"`     // requeued and released jobs
	Parked    int64  `json:"parked"`    // jobs of parked lanes
	Dead      int    `json:"dead"`      // dead letters
	// Damaged tells why the jobs could not be counted.
	Damaged error `json:"damaged"`
}

func (t ForgetTarget) tp() queue.TopicPartition {
	return queue.TopicPartition{Topic: t.Topic, Partition: t.Partition}
}

type forgetVerb struct{}

func (forgetVerb) validate(c Command) error {
	q := c.Select
	if len(q.Offsets) > 0 || q.From > 0 || q.Key != nil || q.Lane != nil || len(q.States) > 0 || q.Limit > 0 {
		return errors.New("forget selects a topic or partitions of it, not jobs")
	}
	return nil
}

const reasonHeld = "it is held here: stop the bridge, or take the topic out of its configuration"

func (forgetVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	topic := plan.Command.Select.Topic
	there, err := i.stillThere(ctx, topic)
	if err != nil {
		return err
	}
	if err := i.store.Sync(ctx); err != nil { // a new partition is in the file with its first flush
		return err
	}
	stored, err := i.store.Partitions()
	if err != nil {
		return err
	}
	var sum ForgetTarget
	for _, tp := range stored {
		if !plan.Command.Select.selects(tp) {
			continue
		}
		plan.Matched++
		if !i.offline && find(i.store.Attached(), tp) != nil {
			addOther(&plan.Refused, reasonHeld)
			continue
		}
		t := forgetTarget(i.holding(ctx, tp))
		plan.Forgets = append(plan.Forgets, t)
		sum.Open += t.Open + t.Aside
		sum.Parked += t.Parked
		sum.Dead += t.Dead
	}
	if len(plan.Forgets) == 0 {
		return nil
	}
	plan.say("%s of %s go from the store, with %s, %s and %s: they never run, and nothing brings them back.",
		words.Number(len(plan.Forgets), "partition"), topic, words.Number(sum.Open, "unfinished job"), words.Number(sum.Parked, "parked job"), words.Number(sum.Dead, "dead letter"))
	plan.say("%s", there)
	return nil
}

// stillThere tells whether Kafka and the configuration know the topic. One that
// both know is refused.
func (i *inspector) stillThere(ctx context.Context, topic string) (text string, err error) {
	entry, configured := "", false
	if i.opt.Entry != nil {
		entry, configured = i.opt.Entry(topic)
	}
	if i.opt.Kafka == nil {
		return "Kafka was not asked whether the topic is gone.", nil
	}
	_, err = i.opt.Kafka.Log(ctx, topic, 0)
	switch {
	case errors.Is(err, ErrNoTopic):
		return "Kafka has no such topic any more.", nil
	case err != nil:
		return "", fmt.Errorf("ask whether the topic is gone: %w", err)
	case configured:
		return "", fmt.Errorf("%w: topic %s is there, and consumed here by the entry %s: take that out of the configuration first, or use discard, skip or seek", ErrRefused, topic, entry)
	}
	return "Kafka still has the topic: the group's committed offsets stay, and a member that consumes it goes on from there.", nil
}

// holding is what the store has of a partition. Without a bridge all of them are
// attached.
func (i *inspector) holding(ctx context.Context, tp queue.TopicPartition) queue.Holding {
	p := find(i.store.Attached(), tp)
	if p == nil {
		return i.store.Holding(tp)
	}
	h := queue.Holding{TopicPartition: tp, State: p.State(), Dead: i.store.DeadCount(tp)}
	for l, err := range i.store.ParkedLanes(ctx, tp) {
		if err != nil {
			h.Damaged = err
		} else if !l.Released {
			h.Parked += l.Jobs
		}
	}
	return h
}

func forgetTarget(h queue.Holding) ForgetTarget {
	return ForgetTarget{
		Topic: h.Topic, Partition: h.Partition, Committed: h.State.Acknowledged,
		Open: h.State.Open, Aside: h.State.Aside, Parked: h.Parked, Dead: h.Dead.Letters, Damaged: h.Damaged,
	}
}

func (forgetVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	for _, t := range plan.Forgets {
		gone, err := i.drop(ctx, t.tp())
		if err != nil {
			return err
		}
		if !gone {
			addOther(&op.Refused, reasonHeld)
			continue
		}
		op.Forgets = append(op.Forgets, t)
	}
	if err := i.store.Sync(ctx); err != nil {
		op.Forgets = nil
		return err
	}
	for _, t := range op.Forgets {
		i.opt.Logger.Warn("partition forgotten by an operator", "topic", t.Topic, "partition", t.Partition,
			"open", t.Open, "aside", t.Aside, "parked", t.Parked, "dead", t.Dead, "reason", op.Command.Reason)
	}
	return nil
}

func (i *inspector) drop(ctx context.Context, tp queue.TopicPartition) (gone bool, err error) {
	if p := find(i.store.Attached(), tp); p != nil && i.offline {
		p.Detach()
		if err := i.store.Sync(ctx); err != nil { // the flush lets go of it
			return false, err
		}
	}
	known, err := i.store.Partitions()
	if err != nil || !slices.Contains(known, tp) {
		return false, err
	}
	return i.store.Drop(tp)
}
