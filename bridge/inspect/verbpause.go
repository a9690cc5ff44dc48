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

const (
	// Pause lets no job of a topic, of partitions or of a lane start, until
	// Command.Until or a resume. Running jobs finish, and records are still
	// stored. It is durable. A lane need not have a job.
	Pause Verb = "pause"
	// Resume ends pauses of exactly what is selected: one of a topic leaves
	// those of its partitions and lanes.
	Resume Verb = "resume"
)

// PauseEntry is what an operator has paused.
type PauseEntry struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"` // -1: the whole topic
	OfLane    bool      `json:"of_lane"`   // only a lane of the partition
	LaneID    LaneID    `json:"lane_id"`
	Lane      string    `json:"lane"` // its name; empty where it is not known
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"` // it ends by itself; the zero time: it does not
	Reason    string    `json:"reason"`
}

func pauseOf(p queue.Pause) PauseEntry {
	return PauseEntry{
		Topic: p.Topic, Partition: p.Partition, OfLane: p.OfLane, LaneID: LaneID(p.Lane), Lane: string(p.LaneName),
		Since: p.Since, Until: p.Until, Reason: p.Reason,
	}
}

func (p PauseEntry) scope() queue.Scope {
	return queue.Scope{Topic: p.Topic, Partition: p.Partition, OfLane: p.OfLane, Lane: uint64(p.LaneID)}
}

// Why there is nothing to pause or to resume, or it is refused.
const (
	reasonPaused      = "it is paused already"
	reasonNotPaused   = "it is not paused"
	reasonPauseOver   = "the pause would be over"
	reasonUnknownLane = "no job of the lane is here to tell its id by, and the topic's partitioner does not tell it"
)

func (i *inspector) Pauses(context.Context) ([]PauseEntry, error) {
	if err := i.store.Err(); err != nil {
		return nil, err
	}
	var list []PauseEntry
	for _, p := range i.store.Pauses() {
		list = append(list, pauseOf(p))
	}
	return list, nil
}

// pauseVerb begins or ends pauses.
type pauseVerb struct{ on bool }

func (v pauseVerb) validate(c Command) error {
	q := c.Select
	var problems []error
	if len(q.Offsets) > 0 || q.From > 0 || len(q.States) > 0 || !q.StoredBefore.IsZero() || q.ErrorMatches != "" || q.Limit > 0 {
		problems = append(problems, fmt.Errorf("%s is about a topic, partitions or a lane, not about single jobs", c.Verb))
	}
	if q.Key != nil && q.Lane != nil {
		problems = append(problems, errors.New("both a key and a lane are selected; name one"))
	}
	if c.ResetAttempts {
		problems = append(problems, fmt.Errorf("attempts are not reset by %s", c.Verb))
	}
	if !v.on && !c.Until.IsZero() {
		problems = append(problems, errors.New("resume has no until-time"))
	}
	return errors.Join(problems...)
}

func (v pauseVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	inForce := map[queue.Scope]PauseEntry{}
	for _, p := range i.store.Pauses() {
		inForce[p.Scope] = pauseOf(p)
	}
	wanted, err := v.wanted(ctx, i, plan)
	if err != nil {
		return err
	}
	c := plan.Command
	for _, p := range wanted {
		before, is := inForce[p.scope()]
		switch {
		case !v.on && !is:
			addOther(&plan.AlreadyDone, reasonNotPaused)
		case !v.on:
			plan.Pauses = append(plan.Pauses, before)
		case !c.Until.IsZero() && !i.now().Before(c.Until):
			addOther(&plan.AlreadyDone, reasonPauseOver)
		case is && before.Until.Equal(c.Until) && (c.Reason == "" || c.Reason == before.Reason):
			addOther(&plan.AlreadyDone, reasonPaused)
		default:
			p.Until, p.Reason = c.Until, c.Reason
			plan.Pauses = append(plan.Pauses, p)
		}
	}
	plan.Matched = len(wanted)
	return nil
}

// wanted is what the command is about.
func (v pauseVerb) wanted(ctx context.Context, i *inspector, plan *Plan) (list []PauseEntry, err error) {
	q := plan.Command.Select
	ofLane := q.Key != nil || q.Lane != nil
	if !v.on { // also what is not held any more
		return i.resumable(q, ofLane), nil
	}
	parts, err := i.partitions(Query{Topic: q.Topic, Partitions: q.Partitions})
	if err != nil {
		return nil, err
	}
	if !ofLane && len(q.Partitions) == 0 {
		return []PauseEntry{{Topic: q.Topic, Partition: queue.AllPartitions}}, nil
	}
	for _, part := range parts {
		p := PauseEntry{Topic: q.Topic, Partition: part.TopicPartition().Partition}
		if ofLane {
			lane, ok, err := i.laneOf(ctx, part, q)
			if err != nil {
				return nil, err
			}
			if !ok {
				addOther(&plan.Refused, reasonUnknownLane)
				continue
			}
			p.OfLane, p.LaneID, p.Lane = true, LaneID(lane.ID), string(lane.Name)
		}
		list = append(list, p)
	}
	return list, nil
}

// resumable is what a resume is about: pauses in force, or else what the command
// names, for which there is none.
func (i *inspector) resumable(q Query, ofLane bool) (list []PauseEntry) {
	name := slices.Concat(q.Key, q.Lane)
	for _, each := range i.store.Pauses() {
		whole := each.Partition == queue.AllPartitions
		switch {
		case each.Topic != q.Topic || each.OfLane != ofLane:
		case !ofLane && whole != (len(q.Partitions) == 0):
		case !whole && len(q.Partitions) > 0 && !slices.Contains(q.Partitions, each.Partition):
		case ofLane && !bytes.Equal(each.LaneName, name) && !i.isLane(q, each.Lane):
		default:
			list = append(list, pauseOf(each))
		}
	}
	for _, number := range q.Partitions {
		if !ofLane && !slices.ContainsFunc(list, func(p PauseEntry) bool { return p.Partition == number }) {
			list = append(list, PauseEntry{Topic: q.Topic, Partition: number})
		}
	}
	if len(list) == 0 {
		list = append(list, PauseEntry{Topic: q.Topic, Partition: queue.AllPartitions, OfLane: ofLane})
	}
	return list
}

// isLane reports whether the query names the lane of that id.
func (i *inspector) isLane(q Query, id uint64) bool {
	if i.opt.LaneOf == nil {
		return false
	}
	lane, ok := i.opt.LaneOf(q.Topic, q.Key, q.Lane)
	return ok && lane.ID == id
}

// laneOf finds the lane that the query names: by the topic's partitioner, or by
// a job that is in it.
func (i *inspector) laneOf(ctx context.Context, p *queue.Partition, q Query) (lane queue.Lane, ok bool, err error) {
	if i.opt.LaneOf != nil {
		if lane, ok := i.opt.LaneOf(q.Topic, q.Key, q.Lane); ok {
			return lane, true, nil
		}
	}
	for f, err := range (Query{Topic: q.Topic, Key: q.Key, Lane: q.Lane}).scan(ctx, p) {
		if err != nil {
			return queue.Lane{}, false, err
		}
		if !f.Lane.Own {
			return queue.Lane{ID: f.Lane.ID, Name: f.record.Lane.Name}, true, nil
		}
	}
	return queue.Lane{}, false, nil
}

func (v pauseVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	var changed []PauseEntry
	for _, p := range plan.Pauses {
		done, err := v.apply(i.store, p)
		if err != nil {
			return err
		}
		if done {
			changed = append(changed, p)
		} else {
			addOther(&op.AlreadyDone, map[bool]string{true: reasonPaused, false: reasonNotPaused}[v.on])
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := i.store.Sync(ctx); err != nil {
		return err
	}
	op.Pauses = changed
	return nil
}

func (v pauseVerb) apply(s *queue.Store, p PauseEntry) (changed bool, err error) {
	if !v.on {
		return s.Resume(p.scope())
	}
	return s.Pause(queue.Pause{Scope: p.scope(), LaneName: []byte(p.Lane), Until: p.Until, Reason: p.Reason})
}
