package history

import (
	"fmt"
	"strings"
)

// Rule names what a violation broke.
type Rule string

// The rules: promises 1 to 5, and what the observer itself must guarantee.
const (
	OffsetLeads Rule = "offset leads" // promise 1
	Lost        Rule = "lost"         // promise 2
	OutOfOrder  Rule = "out of order" // promise 3
	Overlap     Rule = "overlap"      // promise 3
	DurableRan  Rule = "durable ran"  // promise 4
	HaltedRan   Rule = "halted ran"   // promise 4
	Duplicate   Rule = "duplicate"    // promise 5
	Observer    Rule = "observer"     // the history cannot have happened
)

// Violation is one broken rule.
type Violation struct {
	Rule      Rule
	Topic     string
	Partition int32
	Offset    int64 // of the job that suffered
	Text      string
	Events    []Event // that show it, in their order
}

// Error names the job, the rule and the events.
func (v Violation) Error() string {
	shown := make([]string, len(v.Events))
	for i, e := range v.Events {
		shown[i] = e.String()
	}
	return fmt.Sprintf("%s/%d@%d: %s: %s: %s", v.Topic, v.Partition, v.Offset, v.Rule, v.Text, strings.Join(shown, ", "))
}

// Report is the judgement of a history.
type Report struct {
	Violations []Violation

	Produced  int // records
	Starts    int // handler calls
	Done      int // records handled to their end at least once
	Crashes   int
	Stops     int
	Commits   int // committed offsets seen
	Interrupt int // jobs running at a crash
	Halted    int // times that a job was durably given up
	Retried   int // times that an operator asked to run one again
	Skipped   int // times that an operator asked to complete one
	Undurable int // jobs that ran again because a crash came before their fsync

	// Jobs that one process had done and another ran again.
	AfterCrash int // the one had crashed since
	HandedOver int // or not
}

// String sums the history up in one line.
func (r Report) String() string {
	return fmt.Sprintf("%d records, %d done, %d handler calls, %d crashes, %d stops, %d running at a crash, %d done again because they were not durable, %d done again elsewhere after a crash and %d without, %d halted, %d retried and %d skipped by an operator, %d commits seen, %d violations",
		r.Produced, r.Done, r.Starts, r.Crashes, r.Stops, r.Interrupt, r.Undurable, r.AfterCrash, r.HandedOver, r.Halted, r.Retried, r.Skipped, r.Commits, len(r.Violations))
}
