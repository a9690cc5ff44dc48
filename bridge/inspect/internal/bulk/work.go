package bulk

import (
	"context"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Why what is left of a partition is refused.
const (
	ReasonNotHeld  = "its partition is not held here any more"
	ReasonNewTopic = "its topic was deleted and created anew"
	reasonSought   = "its partition was moved back since"
)

// Work is what an operation is about, and what is done to it: [Letters], [Jobs] or
// [Lanes].
type Work interface {
	kind() Kind
	// targets are what a run of it takes.
	targets(*run) targets
}

// Letters are dead letters. Where their jobs run, the partition has to be held.
type Letters struct {
	Kind
	// Select tells whether the command is about a letter.
	Select func(queue.DeadLetter) (bool, error)
	// Refuse tells why a letter cannot be taken; empty: it can, as far as is known.
	Refuse func(held []*queue.Partition, l queue.DeadLetter) (reason string)
	// Act acts on letters of one partition. It is durable on return.
	Act func(context.Context, ...queue.DeadRef) ([]queue.RequeueResult, error)
}

// Jobs are open jobs, from the last one of a partition to the first.
type Jobs struct {
	Kind
	Offsets []int64 // those that the command names; nil: all
	From    int64   // offsets below it are none of its
	// Select tells whether the command is about a job.
	Select func(*queue.Partition, queue.Pending) (bool, error)
	// Judge tells whether a job would change, or why it is refused.
	Judge func(queue.Pending) (needed bool, refusal error)
	// Act acts on a job as it was seen, by the next flush.
	Act func(_ *queue.Partition, seen queue.Pending) (changed bool, err error)
	// Whole: it acts on the lane of a job, with all jobs of that.
	Whole bool
	// Reset: the attempts of the jobs begin anew.
	Reset bool
}

// Lanes are parked lanes.
type Lanes struct {
	Kind
	// Select tells whether the command is about a lane.
	Select func(queue.ParkedLane) bool
	// Act acts on a lane, by the next flush.
	Act func(*queue.Partition, queue.ParkedLane) (changed bool, err error)
}

// Kind is how operations of a verb are told of. The zero value is a verb of which
// none are stored.
type Kind struct {
	Prefix string // of their ids
	Taken  string // what has become of what they take
	What   string // that is; several get an s
	Vain   *Vain  // nil: nothing runs
}

// Vain is how it is told that what was let run has run in vain.
type Vain struct {
	What  string // runs: jobs, or lanes
	Said  string // of them
	Count func(*Operation) *int
}

// Stored tells that operations of the verb are stored.
func (k Kind) Stored() bool { return k.Prefix != "" }

// Runs tells whether jobs run once they were taken, which are followed.
func (k Kind) Runs() bool { return k.Vain != nil }

func (k Kind) kind() Kind { return k }

// Terms are how an operation is to go.
type Terms struct {
	Rate float64 // takes per second; 0: as many as the store takes
	// StopAt is the share of what ran in vain at which it stops; 1: none.
	StopAt float64
	Least  int // finished ones that StopAt goes by, at least
	Limit  int // so many are taken at most; 0: all
}

// targets are the letters, jobs or lanes that a run takes.
type targets interface {
	// partitions are those that it is about.
	partitions() []int32
	// away tells that the partition has to be held, and is not.
	away(queue.TopicPartition) bool
	// next returns at most n of a partition whose turn it is, and whether there are
	// no more.
	next(_ context.Context, _ *cursor, n int) (marks []mark, through bool, err error)
	// take writes the run, which has the marks in Out, and then acts on them. Which
	// they are is in the file no later than the act. Those of a partition that is not
	// held any more are to come again. It notes what came of each.
	take(context.Context, *cursor, []mark) error
	// look tells what has become of marks that are out. Of a job, to be dead again
	// is to have failed again.
	look(_ context.Context, partition int32, marks []mark) ([]queue.Fate, error)
	// giveUp refuses what is left of a partition.
	giveUp(_ context.Context, _ *cursor, reason string) error
}

// answer is what came of one that was to be taken. Neither done nor an error:
// there was nothing to do any more.
type answer struct {
	mark
	done bool
	err  error
}
