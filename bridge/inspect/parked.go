package inspect

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

const (
	// Park sets the lanes of the selected jobs aside, with all of their jobs but
	// one that runs, and with later ones: the committed offset does not wait for
	// them. It is durable, and later owners of the partition heed it, too.
	Park Verb = "park"
	// Release lets the jobs of parked lanes run, in the order of their offsets,
	// and new ones behind them. It is about the jobs that this store keeps.
	Release Verb = "release"
	// DiscardParked removes the jobs of parked lanes for good, those that this
	// store keeps: they count as done, and new jobs of their lanes run.
	DiscardParked Verb = "discard-parked"
)

// ParkedLane is a lane that was set aside, or that was released and has jobs
// from then.
type ParkedLane struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Held      bool   `json:"held"`     // the partition is held here: the lane can be released
	LaneID    LaneID `json:"lane_id"`  // says nothing where Own
	Lane      string `json:"lane"`     // its name; empty where only another store knows it
	Own       bool   `json:"own_lane"` // the lane is a single record
	// Offset is that of the job that it was parked for; -1: an operator has parked
	// it, or another store.
	Offset   int64     `json:"offset"`
	Since    time.Time `json:"since"`
	Reason   string    `json:"reason"`       // that job's error, or the operator's words
	Released bool      `json:"released"`     // its jobs run
	Jobs     int64     `json:"jobs"`         // kept by this store
	Bytes    int64     `json:"stored_bytes"` // of them
	// Elsewhere are the ids of other stores that keep the rest of its jobs: each
	// lists and releases its own part when it holds the partition.
	Elsewhere []string `json:"elsewhere"`
}

func (i *inspector) Parked(ctx context.Context, q Query) iter.Seq2[ParkedLane, error] {
	return func(yield func(ParkedLane, error) bool) {
		held := i.store.Attached()
		for lane, err := range i.scanParked(ctx, q) {
			if !yield(parkedLane(lane, find(held, lane.TopicPartition) != nil), err) {
				return
			}
		}
	}
}

// scanParked finds the lanes that are set aside, or released and not yet through.
func (i *inspector) scanParked(ctx context.Context, q Query) iter.Seq2[queue.ParkedLane, error] {
	return func(yield func(queue.ParkedLane, error) bool) {
		err := q.Validate()
		var tps []queue.TopicPartition
		if err == nil {
			err = i.store.Sync(ctx) // a new partition is in the file with its first flush
		}
		if err == nil {
			tps, err = i.store.Partitions()
		}
		if err != nil {
			yield(queue.ParkedLane{}, err)
			return
		}
		matched := 0
		for _, tp := range tps {
			if !q.selects(tp) {
				continue
			}
			for lane, err := range i.store.ParkedLanes(ctx, tp) {
				if err == nil && !i.parked(q, lane) {
					continue
				}
				if matched++; !yield(lane, err) || err != nil || matched == q.Limit {
					return
				}
			}
		}
	}
}

func parkedLane(l queue.ParkedLane, held bool) ParkedLane {
	return ParkedLane{
		Topic: l.Topic, Partition: l.Partition, Held: held, LaneID: LaneID(l.Lane.ID), Lane: string(l.Lane.Name), Own: l.Lane.Own,
		Offset: l.Offset, Since: l.Since, Reason: l.Reason, Released: l.Released, Jobs: l.Jobs, Bytes: l.Bytes, Elsewhere: l.Elsewhere,
	}
}

func (l ParkedLane) stored() queue.ParkedLane {
	return queue.ParkedLane{
		TopicPartition: queue.TopicPartition{Topic: l.Topic, Partition: l.Partition},
		Lane:           queue.Lane{ID: uint64(l.LaneID), Name: []byte(l.Lane), Own: l.Own},
		Offset:         l.Offset,
	}
}

// parked reports whether the query selects the lane: by its name, by a key that
// belongs into it, or by the job that it was parked for.
func (i *inspector) parked(q Query, l queue.ParkedLane) bool {
	if len(q.Offsets) > 0 && !slices.Contains(q.Offsets, l.Offset) {
		return false
	}
	if q.Key == nil && q.Lane == nil {
		return true
	}
	name := q.Lane
	if name == nil {
		name = q.Key
	}
	return !l.Lane.Own && (l.Lane.Name != nil && bytes.Equal(name, l.Lane.Name) || i.isLane(Query{Topic: l.Topic, Key: q.Key, Lane: q.Lane}, l.Lane.ID))
}
