package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
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

// LaneID is the hash by which a store knows a lane. As text it has 16
// hexadecimal digits.
type LaneID uint64

func (id LaneID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// MarshalText returns the text.
func (id LaneID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text.
func (id *LaneID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil {
		return fmt.Errorf("%.40q is not a lane's id of up to 16 hexadecimal digits", text)
	}
	*id = LaneID(n)
	return nil
}

// manyLanes is up to how many lanes of a partition all are looked at.
const manyLanes = 10_000

// laneFound is a lane that a query selects.
type laneFound struct {
	queue.LaneSeen
	part *queue.Partition
}

// Lanes lists the lanes that q selects.
func (i *inspector) Lanes(ctx context.Context, q LaneQuery) iter.Seq2[Lane, error] {
	return func(yield func(Lane, error) bool) {
		err := q.Validate()
		var parts []*queue.Partition
		if err == nil {
			parts, err = i.partitions(Query{Topic: q.Topic, Partitions: q.Partitions})
		}
		if err != nil {
			yield(Lane{}, err)
			return
		}
		left := q.limit()
		if slices.Contains(q.States, Parked) {
			for lane, err := range i.Parked(ctx, Query{Topic: q.Topic, Partitions: q.Partitions}) {
				if err == nil && lane.Released {
					continue
				}
				if !yield(lane.lane(), err) || err != nil {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
		q.Limit = left
		found := q.first(parts)
		if len(found) > 0 {
			err = i.store.Sync(ctx) // what has just come in is to be readable
		}
		if err != nil {
			yield(Lane{}, err)
			return
		}
		started := i.started()
		for _, f := range found {
			lane, there, err := i.showLane(f, started)
			if err != nil {
				yield(Lane{}, err)
				return
			}
			if there && !yield(lane, nil) {
				return
			}
		}
	}
}

func (q LaneQuery) limit() int { return cmp.Or(q.Limit, DefaultLanes) }

// lane shows a lane that is set aside as one of others.
func (l ParkedLane) lane() Lane {
	return Lane{
		Name: Name{l.Topic, l.Partition, l.Offset}, Lane: l.Lane, Own: l.Own, State: Parked,
		Jobs: int(l.Jobs), Error: l.Reason,
	}
}

// first returns the lanes that are to be shown, in their order.
func (q LaneQuery) first(parts []*queue.Partition) (found []laneFound) {
	limit := q.limit()
	for _, p := range parts {
		seen, _ := p.Lanes(manyLanes)
		for _, l := range seen {
			if q.matches(l) {
				found = append(found, laneFound{l, p})
			}
		}
		slices.SortFunc(found, q.compare)
		found = found[:min(len(found), limit)]
	}
	return found
}

func (q LaneQuery) matches(l queue.LaneSeen) bool {
	if q.Blocked && l.Jobs < 2 {
		return false
	}
	return len(q.States) == 0 || slices.Contains(q.States, stateOf(l))
}

func stateOf(l queue.LaneSeen) State {
	if l.Deferred {
		return Deferred
	}
	return State(l.State.String())
}

func (q LaneQuery) compare(a, b laneFound) int {
	byName := func() int {
		x, y := a.part.TopicPartition(), b.part.TopicPartition()
		return compareNames(Name{x.Topic, x.Partition, a.Head}, Name{y.Topic, y.Partition, b.Head})
	}
	switch q.Sort {
	case ByAge:
		return byName()
	case ByAttempts:
		return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), cmp.Compare(b.Jobs, a.Jobs), byName())
	}
	return cmp.Or(cmp.Compare(b.Jobs, a.Jobs), byName())
}

// showLane reads the head's record. It reports false where the head has finished
// meanwhile.
func (i *inspector) showLane(f laneFound, started map[Name]time.Time) (lane Lane, there bool, err error) {
	tp := f.part.TopicPartition()
	lane = Lane{
		Name: Name{tp.Topic, tp.Partition, f.Head}, Own: f.Lane.Own, State: stateOf(f.LaneSeen), Jobs: f.Jobs,
		Attempts: f.Attempts, Due: f.Due, Error: f.Error, Holds: f.part.State().Frontier == f.Head,
	}
	head := found{Pending: queue.Pending{Offset: f.Head}, tp: tp, part: f.part}
	open, err := head.read()
	if err != nil || !open {
		return lane, false, err
	}
	lane.Key, lane.Lane = head.record.Key, string(head.record.Lane.Name)
	lane.Timestamp = timestampOf(head.record)
	lane.Started = started[lane.Name]
	return lane, true, nil
}

// started tells when the runs under way began, as far as anybody knows.
func (i *inspector) started() map[Name]time.Time {
	at := map[Name]time.Time{}
	if i.opt.Live == nil {
		return at
	}
	for _, w := range i.opt.Live.Workers() {
		at[w.Name] = w.Started
	}
	return at
}

// running finds the run of a job; nil: none is under way, or nobody tells.
func (i *inspector) running(name Name) *Worker {
	if i.opt.Live == nil {
		return nil
	}
	for _, w := range i.opt.Live.Workers() {
		if w.Name == name {
			return &w
		}
	}
	return nil
}
