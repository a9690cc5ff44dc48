package bulk

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Entry is what the ledger keeps of an operation.
type Entry struct {
	Operation Operation `json:"operation"`
	PlanMade  time.Time `json:"plan_made"`
	// Parts are the partitions of the topic whose dead letters it is about, each with
	// the number of its last burial then: what has a higher one died since. The clock
	// may have been set back, numbers are not.
	Parts map[int32]uint64 `json:"parts"`
	// Jobs are the partitions whose jobs it is about, TopicID is their topic's.
	Jobs    map[int32]*JobPart `json:"jobs,omitempty"`
	TopicID string             `json:"topic_id,omitempty"`
	// Lanes are the partitions whose parked lanes it is about.
	Lanes map[int32]*LanePart `json:"lanes,omitempty"`
	// LastParked is when the last lane of the plan was: later than PlanMade where
	// the clock has been set back in between.
	LastParked time.Time `json:"last_parked,omitzero"`
	// Out are the letters, jobs or lanes that were taken, or are about to be, and of which it
	// is not known yet what became of them, by partition.
	Out map[int32]markSet `json:"out,omitempty"`
}

// JobPart is a partition of an operation about jobs.
type JobPart struct {
	// At is how far down it has come: of the jobs from there on some were stored
	// after the plan, and all others had their turn.
	At       int64  `json:"at"`
	Left     int    `json:"left"`     // jobs of the plan whose turn is to come
	Frontier int64  `json:"frontier"` // when it was looked at: it moves back with a reset only
	Burials  uint64 `json:"burials"`  // number of the last one when the operation began
	// Resets is how often its jobs had been forgotten when the operation began: those
	// that came since are not of the plan. Nil: an earlier version did not note it.
	Resets *uint64 `json:"resets,omitempty"`
	// Full: a lane could not be parked, for too many are. Those that are left are
	// refused, but for lanes of single records.
	Full bool `json:"full,omitempty"`
}

// LanePart is a partition of an operation about parked lanes.
type LanePart struct {
	After *LanePlace `json:"after,omitempty"` // up to which each has had its turn; nil: none has
	// Last is the last one that a limit lets in; nil: all are in.
	Last    *LanePlace `json:"last,omitempty"`
	Through bool       `json:"through,omitempty"`
}

// LanePlace is the mark of a lane.
type LanePlace struct {
	Offset int64  `json:"offset"`
	Lane   uint64 `json:"lane"`
}

// PlaceOf is that of a parked lane.
func PlaceOf(l queue.ParkedLane) *LanePlace { return placeOf(laneMark(l)) }

func placeOf(m mark) *LanePlace { return &LanePlace{m.offset, m.number} }

func (at LanePlace) mark() mark { return mark{at.Offset, at.Lane} }

// Read reads an entry of the ledger.
func Read(op queue.Operation) (e Entry, err error) {
	if op.Damaged != nil {
		return Entry{}, op.Damaged
	}
	if err := json.Unmarshal(op.Data, &e); err != nil {
		return Entry{}, fmt.Errorf("operation %s: %w", op.ID, err)
	}
	return e, nil
}

// Write puts the entry into op, whose version stays.
func (e *Entry) Write(op *queue.Operation) (err error) {
	e.tally() // or who stops it would not know of those that are about to be taken
	if op.Data, err = json.Marshal(e); err != nil {
		return fmt.Errorf("operation %s: %w", op.ID, err)
	}
	op.ID, op.Began = e.Operation.ID, e.Operation.Began
	op.Open = e.Running() || e.waiting() > 0
	return nil
}

// Running tells that it goes on while a bridge runs.
func (e *Entry) Running() bool { return e.Operation.State == Running }

func (e *Entry) waiting() (n int) {
	for _, set := range e.Out {
		n += len(set)
	}
	return n
}

// tally brings the counts in line with Out.
func (e *Entry) tally() {
	op := &e.Operation
	op.Waiting = e.waiting()
	op.Taken = op.Done + op.again() + op.Forgotten + op.Waiting
}

// Left is how many may still be taken.
func (e *Entry) Left() int {
	return max(0, e.Operation.Matched-e.Operation.Taken-e.Operation.refused())
}

// tp is a partition of the operation.
func (e *Entry) tp(partition int32) queue.TopicPartition {
	return queue.TopicPartition{Topic: e.Operation.Topic, Partition: partition}
}

// End is called once.
func (e *Entry) End(state State, reason string, at time.Time) {
	op := &e.Operation
	op.State, op.Reason, op.Ended = state, reason, at
	if state == Done {
		op.AlreadyDone = e.Left()
	}
}
