package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Then is what becomes of a job whose run is cancelled. It counts when the
// handler returns an error; a job whose handler returns nil all the same is
// done. A handler that ignores its context is named in the log after some
// seconds, and goes on.
type Then string

// What can become of a cancelled job.
const (
	ThenHalt  Then = "halt"  // it holds its lane until an operator acts
	ThenRetry Then = "retry" // as if its run had failed: by the topic's retry policy
	ThenBury  Then = "bury"  // it becomes a dead letter, as by the verb bury
	ThenSkip  Then = "skip"  // it counts as done
)

var thens = map[Then]bool{"": true, ThenHalt: true, ThenRetry: true, ThenBury: true, ThenSkip: true}

var (
	errNotRunning = errors.New("it is not running")
	errNoBridge   = errors.New("no bridge runs here: only a running one can cancel")
	errEnded      = errors.New("its run has ended")
)

const reasonTold = "its handler was told so before, and has not returned yet"

// cancelVerb tells the handlers of jobs to end. What it names as done was told:
// the outcome follows when the handler returns. Until then another command may say
// something else of the same run.
type cancelVerb struct{ jobVerb }

func newCancelVerb() cancelVerb {
	return cancelVerb{jobVerb{judge: func(_ Command, j queue.Pending) (bool, error) {
		if j.State != queue.Running {
			return false, errNotRunning
		}
		return true, nil
	}}}
}

func (v cancelVerb) validate(c Command) error {
	err := v.jobVerb.validate(c)
	if !thens[c.Then] {
		names := slices.Sorted(maps.Keys(thens))[1:]
		text := make([]string, len(names))
		for i, name := range names {
			text[i] = string(name)
		}
		err = errors.Join(err, fmt.Errorf("%q cannot become of a cancelled job; there are %s", c.Then, strings.Join(text, ", ")))
	}
	return err
}

func (v cancelVerb) execute(_ context.Context, i *inspector, plan Plan, op *Operation) error {
	then := plan.Command.Then
	if then == "" {
		then = ThenHalt
	}
	instead := map[Then]int{}
	for _, t := range plan.Jobs {
		if i.opt.Cancel == nil {
			add(&op.Refused, errNoBridge.Error(), t.Name)
			continue
		}
		switch before, underWay := i.opt.Cancel(t, then); {
		case !underWay:
			add(&op.Refused, errEnded.Error(), t.Name)
		case before == then:
			add(&op.AlreadyDone, reasonTold, t.Name)
		default:
			op.Done = append(op.Done, t.Name)
			instead[before]++
			i.opt.Logger.Info("job cancelled by an operator: its handler was told to end",
				"job", t.Name, "state", string(t.State), "attempts", t.Attempts, "then", string(then), "reason", plan.Command.Reason)
		}
	}
	delete(instead, "")
	for _, before := range slices.Sorted(maps.Keys(instead)) {
		op.Says = append(op.Says, fmt.Sprintf("%s had been told to end before: %s follows now, instead of %s.", words.Number(instead[before], "job"), then, before))
	}
	return nil
}
