package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"
)

// ParkedLane is a lane that was set aside, or that is released and has jobs
// from then.
type ParkedLane struct {
	TopicPartition
	Lane Lane // its name is missing where only another store knows it
	// Offset is the job that it was parked for, which is also that of a lane of a
	// single record; -1: an operator has parked the lane, or another store.
	Offset   int64
	Since    time.Time
	Reason   string // the error of that job, or the operator's words
	Released bool   // its jobs run
	Jobs     int64  // kept here
	Bytes    int64  // of their bodies
	// Elsewhere are the ids of other stores that keep jobs of the lane.
	Elsewhere []string
}

func (v parkedValue) lane(tp TopicPartition, key []byte) ParkedLane {
	lane := ParkedLane{
		TopicPartition: tp,
		Lane:           Lane{ID: binary.BigEndian.Uint64(key[1:]), Name: v.Name},
		Offset:         v.Offset,
		Since:          time.Unix(0, v.Since),
		Reason:         v.Reason,
		Released:       v.Released,
		Jobs:           v.Jobs,
		Bytes:          v.Bytes,
		Elsewhere:      slices.Clone(v.Elsewhere),
	}
	if key[0] == 1 {
		lane.Lane.Own, lane.Offset, lane.Lane.ID = true, mustOffset(key[1:]), 0
	}
	return lane
}

// ParkedLanes lists the parked lanes of a partition, attached or not, by their
// ids and then those of single records by offset. What was parked before the
// call is flushed first. No transaction is held while the caller works.
func (s *Store) ParkedLanes(ctx context.Context, tp TopicPartition) iter.Seq2[ParkedLane, error] {
	return s.parkedLanes(ctx, tp, nil)
}

// ParkedBehind lists the parked lanes as ParkedLanes does, from the first one
// behind a lane on, of which Lane, or Offset where that is its Own, are enough, and
// which need not be parked.
func (s *Store) ParkedBehind(ctx context.Context, tp TopicPartition, lane ParkedLane) iter.Seq2[ParkedLane, error] {
	return s.parkedLanes(ctx, tp, append(laneKey(lane.Lane, lane.Offset), 0))
}

func (s *Store) parkedLanes(ctx context.Context, tp TopicPartition, first []byte) iter.Seq2[ParkedLane, error] {
	return func(yield func(ParkedLane, error) bool) {
		err := s.Sync(ctx)
		for from, more := first, true; more && err == nil; {
			var page []ParkedLane
			if page, from, err = s.parkedPage(tp, from); from == nil {
				more = false
			}
			for _, lane := range page {
				if !yield(lane, nil) {
					return
				}
			}
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
		if err != nil {
			yield(ParkedLane{}, fmt.Errorf("list parked lanes of %s: %w", tp, err))
		}
	}
}

// parkedPage returns some of the lanes, and where the next page begins.
func (s *Store) parkedPage(tp TopicPartition, from []byte) (page []ParkedLane, next []byte, err error) {
	next, err = s.walkParked(tp, from, func(key, value []byte) {
		if len(key) == laneKeySize {
			page = append(page, openParked(value).lane(tp, key))
		}
	})
	return page, next, err
}

// walkParked visits a page of the lines of parked lanes, and says where the next one
// begins.
func (s *Store) walkParked(tp TopicPartition, from []byte, visit func(key, value []byte)) (next []byte, err error) {
	_, err = s.viewAside(tp, func(t *asideTable) {
		c, seen := t.parked.Cursor(), 0
		for key, value := c.Seek(from); key != nil; key, value = c.Next() {
			if seen++; seen > pageJobs {
				next = slices.Clone(key)
				return
			}
			visit(key, value)
		}
	})
	return next, err
}

// openParked reads a line of the parked lanes.
func openParked(value []byte) parkedValue {
	v := parkedValue{Offset: -1}
	if err := decodeValue(value, &v); err != nil {
		return parkedValue{Offset: -1, Reason: "what was noted about the lane is damaged"}
	}
	return v
}

// FindParked returns those of the lanes, named as for ParkedBehind, that are parked,
// or released and not yet through, and whether the store knows the partition. What
// was parked before the call is flushed first.
func (s *Store) FindParked(ctx context.Context, tp TopicPartition, lanes ...ParkedLane) (parked []ParkedLane, known bool, err error) {
	if err := s.Sync(ctx); err != nil {
		return nil, false, err
	}
	for ; len(lanes) > 0 && err == nil; lanes = lanes[min(pageJobs, len(lanes)):] {
		var found []ParkedLane
		found, known, err = s.findParked(tp, lanes[:min(pageJobs, len(lanes))])
		parked = append(parked, found...)
	}
	if err != nil {
		return nil, false, fmt.Errorf("find parked lanes of %s: %w", tp, err)
	}
	return parked, known, nil
}

func (s *Store) findParked(tp TopicPartition, lanes []ParkedLane) (found []ParkedLane, known bool, err error) {
	known, err = s.viewAside(tp, func(t *asideTable) {
		for _, lane := range lanes {
			key := laneKey(lane.Lane, lane.Offset)
			if value := t.parked.Get(key); value != nil {
				found = append(found, openParked(value).lane(tp, key))
			}
		}
	})
	return found, known, err
}
