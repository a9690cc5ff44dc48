package inspect

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// bulkState is what the store keeps of an operation.
type bulkState struct {
	Operation BulkOperation `json:"operation"`
	PlanMade  time.Time     `json:"plan_made"`
	// Parts are the partitions of the topic whose dead letters it is about, each with
	// the number of its last burial then: what has a higher one died since. The clock
	// may have been set back, numbers are not.
	Parts map[int32]uint64 `json:"parts"`
	// Jobs are the partitions whose jobs it is about, TopicID is their topic's.
	Jobs    map[int32]*jobPart `json:"jobs,omitempty"`
	TopicID string             `json:"topic_id,omitempty"`
	// Lanes are the partitions whose parked lanes it is about.
	Lanes map[int32]*lanePart `json:"lanes,omitempty"`
	// LastParked is when the last lane of the plan was: later than PlanMade where
	// the clock has been set back in between.
	LastParked time.Time `json:"last_parked,omitzero"`
	// Out are the letters, jobs or lanes that were taken, or are about to be, and of which it
	// is not known yet what became of them, by partition.
	Out map[int32]markSet `json:"out,omitempty"`
}

// jobPart is a partition of an operation about jobs.
type jobPart struct {
	// At is how far down it has come: of the jobs from there on some were stored
	// after the plan, and all others had their turn.
	At       int64  `json:"at"`
	Left     int    `json:"left"`     // jobs of the plan whose turn is to come
	Frontier int64  `json:"frontier"` // when it was looked at: it moves back with a seek only
	Burials  uint64 `json:"burials"`  // number of the last one when the operation began
	// Full: a lane could not be parked, for too many are. Those that are left are
	// refused, but for lanes of single records.
	Full bool `json:"full,omitempty"`
}

// lanePart is a partition of an operation about parked lanes.
type lanePart struct {
	After *lanePlace `json:"after,omitempty"` // up to which each has had its turn; nil: none has
	// Last is the last one that a limit lets in; nil: all are in.
	Last    *lanePlace `json:"last,omitempty"`
	Through bool       `json:"through,omitempty"`
}

// lanePlace is the mark of a lane.
type lanePlace struct {
	Offset int64  `json:"offset"`
	Lane   uint64 `json:"lane"`
}

func placeOf(m mark) *lanePlace { return &lanePlace{m.offset, m.number} }

func (at lanePlace) mark() mark { return mark{at.Offset, at.Lane} }

func openBulk(op queue.Operation) (s bulkState, err error) {
	if op.Damaged != nil {
		return bulkState{}, op.Damaged
	}
	if err := json.Unmarshal(op.Data, &s); err != nil {
		return bulkState{}, fmt.Errorf("operation %s: %w", op.ID, err)
	}
	return s, nil
}

// encode gives op the state.
func (s *bulkState) encode(op *queue.Operation) (err error) {
	s.tally() // or who stops it would not know of those that are about to be taken
	if op.Data, err = json.Marshal(s); err != nil {
		return fmt.Errorf("operation %s: %w", op.ID, err)
	}
	op.ID, op.Began = s.Operation.ID, s.Operation.Began
	op.Open = s.Operation.State == OperationRunning || s.waiting() > 0
	return nil
}

func (s *bulkState) running() bool { return s.Operation.State == OperationRunning }

func (s *bulkState) waiting() (n int) {
	for _, set := range s.Out {
		n += len(set)
	}
	return n
}

// tally brings the counts in line with Out.
func (s *bulkState) tally() {
	op := &s.Operation
	op.Waiting = s.waiting()
	op.Taken = op.Done + op.again() + op.Forgotten + op.Waiting
}

// left is how many may still be taken.
func (s *bulkState) left() int {
	return max(0, s.Operation.Matched-s.Operation.Taken-count(s.Operation.Refused))
}

// show is what an operator sees.
func (s *bulkState) show() BulkOperation {
	op := s.Operation
	op.Refused = slices.Clone(op.Refused)
	if op.Command.Rate > 0 && s.running() {
		left := op.Command.lasts(s.left())
		op.Left = &left
	}
	return op
}

// covers reports whether the operation is about a letter that the query of its
// command matches.
func (s *bulkState) covers(ref queue.DeadRef) bool {
	last, in := s.Parts[ref.Partition]
	return in && ref.Topic == s.Operation.Topic && ref.Number <= last
}

// tp is a partition of the operation.
func (s *bulkState) tp(partition int32) queue.TopicPartition {
	return queue.TopicPartition{Topic: s.Operation.Topic, Partition: partition}
}

func (m mark) compare(other mark) int {
	return cmp.Or(cmp.Compare(m.offset, other.offset), cmp.Compare(m.number, other.number))
}

// markSet is stored as the differences of its sorted marks.
type markSet map[mark]struct{}

// MarshalJSON never fails.
func (s markSet) MarshalJSON() ([]byte, error) {
	var packed []byte
	var last mark
	for _, l := range slices.SortedFunc(maps.Keys(s), mark.compare) {
		packed = binary.AppendUvarint(packed, uint64(l.offset-last.offset))
		packed = binary.AppendVarint(packed, int64(l.number-last.number))
		last = l
	}
	return json.Marshal(packed)
}

var errMarks = errors.New("what an operation has taken cannot be read")

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *markSet) UnmarshalJSON(text []byte) error {
	var packed []byte
	if err := json.Unmarshal(text, &packed); err != nil {
		return err
	}
	*s = markSet{}
	var l mark
	for len(packed) > 0 {
		offset, n := binary.Uvarint(packed)
		if n <= 0 {
			return errMarks
		}
		number, m := binary.Varint(packed[n:])
		if m <= 0 {
			return errMarks
		}
		l.offset += int64(offset)
		l.number += uint64(number)
		(*s)[l] = struct{}{}
		packed = packed[n+m:]
	}
	return nil
}

// end is called once.
func (s *bulkState) end(state OperationState, reason string, at time.Time) {
	op := &s.Operation
	op.State, op.Reason, op.Ended = state, reason, at
	if state == OperationDone {
		op.AlreadyDone = s.left()
	}
}
