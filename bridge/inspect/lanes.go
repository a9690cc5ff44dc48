package inspect

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// LaneOrder says which lanes come first.
type LaneOrder string

// The orders. The zero value is ByJobs.
const (
	ByJobs     LaneOrder = "jobs"     // those with the most jobs
	ByAge      LaneOrder = "age"      // those whose head has the lowest offset, by partition
	ByAttempts LaneOrder = "attempts" // those whose head has run most often
)

// DefaultLanes is how many lanes a [LaneQuery] lists that names no limit.
const DefaultLanes = 20

// LaneQuery selects lanes. Every field narrows it. Lanes that are set aside are
// among them where States names Parked, and come first.
type LaneQuery struct {
	Topic      string    `json:"topic"`
	Partitions []int32   `json:"partitions"` // of Topic
	States     []State   `json:"states"`     // of the head
	Blocked    bool      `json:"blocked"`    // only lanes in which jobs wait for another
	Sort       LaneOrder `json:"sort"`
	Limit      int       `json:"limit"` // zero: DefaultLanes
}

// Validate reports everything that is wrong with the query.
func (q LaneQuery) Validate() error {
	var problems []error
	if err := (Query{Topic: q.Topic, Partitions: q.Partitions, States: q.States, Limit: q.Limit}).Validate(); err != nil {
		problems = append(problems, err)
	}
	switch q.Sort {
	case "", ByJobs, ByAge, ByAttempts:
	default:
		problems = append(problems, fmt.Errorf("order %q is unknown; there are jobs, age and attempts", q.Sort))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("lanes: %w", err)
	}
	return nil
}

// Lane is a lane that holds jobs. It is named by the job at its head, and one
// that is set aside by that which it was parked for; -1: there is none.
type Lane struct {
	Name
	Key       []byte    `json:"key"`      // of the head's record; nil is Kafka's null
	Lane      string    `json:"lane"`     // the value that put the jobs there
	Own       bool      `json:"own_lane"` // it is a lane of that job only
	State     State     `json:"state"`
	Jobs      int       `json:"jobs"` // unfinished ones, the head among them
	Attempts  int       `json:"attempts"`
	Due       time.Time `json:"due"`
	Error     string    `json:"error"`
	Timestamp time.Time `json:"timestamp"` // of the head's record
	// Started is when the run of the head began; zero where it does not run, or no bridge does.
	Started time.Time `json:"started_at"`
	// Holds: the committed offset waits for the head.
	Holds bool `json:"holds_offset"`
}

// laneRef tells lanes apart.
type laneRef struct {
	queue.TopicPartition
	own bool
	id  uint64 // the offset under own
}

// refOf is that of the lane of a job.
func refOf(tp queue.TopicPartition, lane queue.Lane, offset int64) laneRef {
	if lane.Own {
		return laneRef{tp, true, uint64(offset)}
	}
	return laneRef{tp, false, lane.ID}
}
