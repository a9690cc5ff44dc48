package inspect

import (
	"context"

	"github.com/seed-2837c37b/holdfast/queue"
)

// bulkVerb is a verb of which operations can be stored.
type bulkVerb interface {
	verb
	kind() bulkKind
	// begin says in state what the operation of a plan is about.
	begin(*inspector, Plan, *bulkState) error
	// targets are what an operation takes.
	targets(*bulkRun) bulkTargets
}

// bulkKind is how operations of a verb are told of. The zero value is a verb of
// which none are stored.
type bulkKind struct {
	prefix string // of their ids
	taken  string // what has become of what they take
	what   string // that is; several get an s
	vain   *vain  // nil: nothing runs
}

// vain is how it is told that what was let run has run in vain.
type vain struct {
	what  string // runs: jobs, or lanes
	said  string // of them
	count func(*BulkOperation) *int
}

func (k bulkKind) stored() bool { return k.prefix != "" }

// runs tells whether jobs run once they were taken, which are followed.
func (k bulkKind) runs() bool { return k.vain != nil }

// bulkOf returns a verb of which operations are stored, or false.
func bulkOf(v Verb) (bulkVerb, bool) {
	b, ok := verbs[v].(bulkVerb)
	return b, ok && b.kind().stored()
}

// bulkTargets are what an operation takes: dead letters, jobs, or parked lanes.
type bulkTargets interface {
	// partitions are those that it is about.
	partitions() []int32
	// away tells that the partition has to be held, and is not.
	away(queue.TopicPartition) bool
	// next returns at most n of a partition whose turn it is, and whether there are
	// no more.
	next(_ context.Context, _ *bulkPart, n int) (marks []mark, through bool, err error)
	// take writes the run, which has the marks in Out, and then acts on them. Which
	// they are is in the file no later than the act. Those of a partition that is not
	// held any more are to come again.
	take(context.Context, *bulkPart, []mark) ([]answer, error)
	// look tells what has become of marks that are out. Of a job, to be dead again
	// is to have failed again.
	look(_ context.Context, partition int32, marks []mark) ([]queue.Fate, error)
	// giveUp refuses what is left of a partition.
	giveUp(_ context.Context, _ *bulkPart, reason string) error
}

// mark names a dead letter of a partition by the number of its burial, a job by its
// attempts when it was taken, and a lane as laneMark does.
type mark struct {
	offset int64
	number uint64
}

// answer is what came of one that was to be taken. Neither done nor an error:
// there was nothing to do any more.
type answer struct {
	mark
	done bool
	err  error
}
