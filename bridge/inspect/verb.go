package inspect

import (
	"context"
	"maps"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Verb is what to do to what a command selects.
type Verb string

const (
	// Retry lets retrying and halted jobs run now. A blocked one is refused:
	// it would run before an earlier job of its lane.
	Retry Verb = "retry"
	// Skip completes jobs without a run, wherever in their lanes they are. One
	// that runs is refused.
	Skip Verb = "skip"
	// Bury makes dead letters of jobs, wherever in their lanes they are. One
	// that runs is refused.
	Bury Verb = "bury"
	// Requeue makes jobs of dead letters, each exactly once. One whose partition
	// is not held here is refused. With Command.FromKafka it makes jobs of finished
	// records that Kafka still has.
	Requeue Verb = "requeue"
	// Discard removes dead letters for good.
	Discard Verb = "discard"
	// Import puts dead letters into the store that were exported, from here or from
	// another one, maybe with an edited record.
	Import Verb = "import"
	// Cancel ends the contexts of running jobs, and Command.Then says what
	// becomes of them. Only a running bridge can.
	Cancel Verb = "cancel"
)

// verb is how a command is checked, planned and carried out. There is one kind
// of it for each kind of thing that commands act on.
type verb interface {
	// validate tells what of the command does not belong to the verb.
	validate(Command) error
	// plan tells in plan what its command would change.
	plan(context.Context, *inspector, *Plan) error
	// execute changes what plan names, and tells in op what came of it. With
	// an error, what op names was done.
	execute(_ context.Context, _ *inspector, plan Plan, op *Operation) error
}

var verbs = map[Verb]verb{
	Import: importVerb{},
	Cancel: newCancelVerb(),
	Retry: jobVerb{
		judge: func(c Command, j queue.Pending) (bool, error) { return j.CanRetry(c.ResetAttempts) },
		apply: func(c Command, p *queue.Partition, seen queue.Pending) (bool, error) {
			return p.Retry(seen, c.ResetAttempts)
		},
		said: "job retried by an operator",
		bulk: bulk.Kind{Prefix: "re", Taken: "retried", What: "job", Vain: &bulk.Vain{What: "jobs", Said: "have failed again", Count: func(op *bulk.Operation) *int { return &op.FailedAgain }}},
	},
	Park: jobVerb{
		judge: func(_ Command, j queue.Pending) (bool, error) { return j.CanPark() },
		apply: func(c Command, p *queue.Partition, seen queue.Pending) (bool, error) {
			return p.Park(seen, c.Reason)
		},
		said:    "lane of a job parked by an operator",
		already: reasonParked,
		bulk:    bulk.Kind{Prefix: "pa", Taken: "parked", What: "lane"},
		lanes:   true,
	},
	Release: laneVerb{
		apply: func(c Command, p *queue.Partition, lane queue.ParkedLane) (bool, error) {
			return p.Release(lane, c.ResetAttempts)
		},
		said: "parked lane released by an operator",
		bulk: bulk.Kind{Prefix: "rl", Taken: "released", What: "lane", Vain: &bulk.Vain{What: "lanes", Said: "are parked again", Count: func(op *bulk.Operation) *int { return &op.ParkedAgain }}},
	},
	DiscardParked: laneVerb{
		apply: func(_ Command, p *queue.Partition, lane queue.ParkedLane) (bool, error) { return p.DiscardParked(lane) },
		said:  "jobs of a parked lane discarded by an operator: they count as done",
		bulk:  bulk.Kind{Prefix: "dp", Taken: "discarded", What: "lane"},
	},
	Pause:  pauseVerb{on: true},
	Resume: pauseVerb{},
	Drain:  drainVerb{},
	Leave:  leaveVerb{},
	Seek:   seekVerb{},
	Forget: forgetVerb{},
	Set:    setVerb{},
	Skip: jobVerb{
		judge: func(_ Command, j queue.Pending) (bool, error) { return true, j.CanSkip() },
		apply: func(_ Command, p *queue.Partition, seen queue.Pending) (bool, error) { return p.Skip(seen) },
		said:  "job skipped by an operator: it counts as done",
		bulk:  bulk.Kind{Prefix: "sk", Taken: "skipped", What: "job"},
	},
	Bury: jobVerb{
		judge: func(_ Command, j queue.Pending) (bool, error) { return true, j.CanSkip() },
		apply: func(c Command, p *queue.Partition, seen queue.Pending) (bool, error) { return p.Bury(seen, c.Reason) },
		said:  "job buried by an operator: it is a dead letter",
		bulk:  bulk.Kind{Prefix: "bu", Taken: "buried", What: "job"},
	},
	StopOperation: stopVerb{},
	Requeue: deadVerb{
		act:  requeue,
		said: "dead letter requeued by an operator",
		bulk: bulk.Kind{Prefix: "rq", Taken: "requeued", What: "letter", Vain: &bulk.Vain{What: "jobs", Said: "are dead again", Count: func(op *bulk.Operation) *int { return &op.DeadAgain }}},
	},
	Discard: deadVerb{
		act:  discard,
		said: "dead letter discarded by an operator",
		bulk: bulk.Kind{Prefix: "di", Taken: "discarded", What: "letter"},
	},
}

// verb is nil where there is none of that name.
func (c Command) verb() verb {
	if c.Verb == Requeue && c.FromKafka {
		return rerunVerb{}
	}
	return verbs[c.Verb]
}

func verbNames() (names []string) {
	for _, v := range slices.Sorted(maps.Keys(verbs)) {
		names = append(names, string(v))
	}
	return names
}
