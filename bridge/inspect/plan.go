package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

// MaxJobs is how many jobs one plan changes at most.
const MaxJobs = 10_000

// sampleSize is how many jobs a plan shows in full.
const sampleSize = 10

// Plan is what a command would do. It is plain data: it can be stored, shown
// and executed later.
type Plan struct {
	Command Command      `json:"command"`
	Made    time.Time    `json:"made_at"`
	Matched int          `json:"matched"` // jobs that the selection matches
	Jobs    []Target     `json:"jobs"`    // those that would change
	Sample  []Job        `json:"sample"`  // the first of these, in full
	Lanes   []ParkedLane `json:"lanes"`   // those that would be released or discarded
	Pauses  []PauseEntry `json:"pauses"`  // those that would begin, change or end
	// Dead are the dead letters that would change, DeadSample the first of
	// these in full, and Errors how often which error is among those matched.
	Dead       []DeadTarget `json:"dead"`
	DeadSample []DeadLetter `json:"dead_sample"`
	Errors     []Group      `json:"errors"`
	// Letters tells more of the dead letters; nil for other verbs.
	Letters *Letters `json:"letters"`
	// Background tells that Execute stores an operation, which a running bridge
	// then executes: for the whole of the selection, More included.
	Background bool `json:"background"`
	// Pace and, of jobs, Cutoffs tell more of a plan with Background; else they are
	// nil.
	Pace    *Pace    `json:"pace"`
	Cutoffs []Cutoff `json:"cutoffs"`
	// Operations are those that would be stopped.
	Operations []BulkOperation `json:"operations"`
	// More is how many others would change that are beyond [MaxJobs]: execute
	// this plan and make another.
	More        int     `json:"more"`
	AlreadyDone []Group `json:"already_done"` // nothing is to be done about these
	Refused     []Group `json:"refused"`
	// Says tells in sentences what would be skipped, run again or lost, and which
	// lanes there is no room to park.
	Says       []string           `json:"says"`
	Partitions []PartitionOutlook `json:"partitions"` // of a drain, or of leaving the group
	Seeks      []SeekTarget       `json:"seeks"`      // partitions that would move
	Forgets    []ForgetTarget     `json:"forgets"`    // partitions of which nothing would be left
	Settings   []SettingChange    `json:"settings"`   // that would change
	Again      []AgainTarget      `json:"again"`      // finished records that would run again
}

// changes is how much would change.
func (p Plan) changes() int {
	return len(p.Jobs) + len(p.Lanes) + len(p.Pauses) + len(p.Dead) + len(p.Operations) + p.More +
		len(p.Seeks) + len(p.Forgets) + len(p.Settings) + len(p.Again)
}

// Target is a job that a plan would change, as it stood then.
type Target struct {
	Name
	ID       string `json:"id"`
	State    State  `json:"state"`
	Attempts int    `json:"attempts"`
}

// isOf tells whether the job is of the topic of that id.
func (t Target) isOf(topicID string) bool {
	rerun, ok := strings.CutPrefix(t.ID, idOf(topicID, t.Name, 0))
	return ok && (rerun == "" || rerun[0] == '+')
}

// Why nothing is to be done, or a job is refused, apart from what queue says.
const (
	reasonFinished = "it is finished"
	reasonRuns     = "it runs anyway"
	reasonUnknown  = "it is not stored here"
	reasonNotHeld  = bulk.ReasonNotHeld
	reasonNewTopic = bulk.ReasonNewTopic
	reasonNotDead  = "it is no dead letter any more"
	reasonNoLetter = "there is no dead letter of it, or none any more"
	reasonAlive    = "it is no dead letter: its job is not finished"
)

// Plan tells what the command would do.
func (i *inspector) Plan(ctx context.Context, c Command) (Plan, error) {
	if err := c.Validate(); err != nil {
		return Plan{}, err
	}
	plan := Plan{Command: c, Made: i.now()}
	if err := c.verb().plan(ctx, i, &plan); err != nil {
		return Plan{}, fmt.Errorf("plan %s: %w", c.Verb, err)
	}
	return plan, nil
}

// show takes the first jobs into the sample.
func (p *Plan) show(f *found) error {
	if len(p.Sample) == sampleSize {
		return nil
	}
	open, err := f.read()
	if open {
		p.Sample = append(p.Sample, f.job())
	}
	return err
}

// addMissing answers for jobs that were named and are not open.
func (p *Plan) addMissing(i *inspector, offsets map[int64]bool) error {
	if len(offsets) == 0 {
		return nil
	}
	parts, err := i.partitions(p.Command.Select)
	if err != nil {
		return err
	}
	tp, next := parts[0].TopicPartition(), parts[0].State().Next
	for _, offset := range slices.Sorted(maps.Keys(offsets)) {
		name := Name{tp.Topic, tp.Partition, offset}
		if offset < 0 || offset >= next {
			add(&p.Refused, reasonUnknown, name)
		} else {
			add(&p.AlreadyDone, reasonFinished, name)
		}
	}
	return nil
}

// refusalOf is the sentence for an error that concerns one job only.
func refusalOf(err error) (reason string, ok bool) {
	if errors.Is(err, queue.ErrDetached) {
		return reasonNotHeld, true
	}
	if damage := new(queue.DamageError); errors.As(err, &damage) {
		return damage.Error(), true
	}
	for _, refusal := range []error{queue.ErrJobWaiting, queue.ErrLetterKept, queue.ErrOtherScheme, queue.ErrNoRoom, queue.ErrNotDelivered, queue.ErrTopicAnew, queue.ErrJobRunning, queue.ErrJobBlocked, queue.ErrJobPaused, queue.ErrJobChanged, queue.ErrJobParked, queue.ErrTooManyParked, queue.ErrLaneReleased} {
		if errors.Is(err, refusal) {
			return refusal.Error(), true
		}
	}
	return "", false
}
