package inspect

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

const (
	// Drain stops fetching and lets what is stored be finished, except jobs that
	// wait for an operator. With Command.Leave the bridge stops then and leaves
	// its group; Command.Undo takes it back. A bridge that is started anew fetches.
	Drain Verb = "drain"
	// Leave removes the static member from its group, so that its partitions go
	// to others at once: a running bridge stops first, as planned.
	Leave Verb = "leave"
)

// DrainOrder is what an operator wants of a running bridge.
type DrainOrder struct {
	Leave bool // the group, once the bridge is empty: it stops
	Undo  bool // fetching goes on
}

// DrainState is how far a bridge is with it.
type DrainState struct {
	On      bool // nothing is fetched
	Ordered bool // by an operator: it goes on when nobody waits for it any more
	Empty   bool // all that can be is finished and committed
	Leaves  bool // it stops and leaves its group then
}

// String says it, with "the bridge" before it.
func (d DrainState) String() string {
	text := map[bool]string{true: "is drained", false: "is being drained"}[d.Empty]
	if d.Leaves {
		text += ", and stops and leaves its group then"
	}
	return text
}

// drain is how far the bridge is; without one nothing is drained.
func (i *inspector) drain() DrainState {
	if i.opt.DrainState == nil {
		return DrainState{}
	}
	return i.opt.DrainState()
}

// draining tells how far the bridge is; nil: it fetches.
func (i *inspector) draining(views []view) *Draining {
	state := i.drain()
	if !state.On {
		return nil
	}
	d := &Draining{Empty: state.Empty, Leaves: state.Leaves}
	for j := range views {
		if p := views[j].part; p != nil {
			going, stuck := p.Outlook()
			d.Going, d.Stuck, d.Running = d.Going+going, d.Stuck+stuck, d.Running+p.Running()
		}
	}
	return d
}

// wholeVerb acts on the bridge as a whole: it selects nothing.
type wholeVerb interface{ whole() }

type drainVerb struct{}

func (drainVerb) whole() {}

func (drainVerb) validate(c Command) error {
	if c.Leave && c.Undo {
		return errors.New("a drain is taken back or leaves the group, not both")
	}
	return nil
}

var errNoDrain = fmt.Errorf("%w: nothing is fetched; holdfast run finishes what is stored, holdfast leave takes a member that has stopped out of its group", ErrNoBridge)

func (drainVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	if i.opt.Drain == nil {
		return errNoDrain
	}
	state, c := i.opt.DrainState(), plan.Command
	plan.Matched = 1
	switch {
	case c.Undo && !state.On:
		addOther(&plan.AlreadyDone, "records are fetched: the bridge is not drained")
		return nil
	case c.Undo:
		plan.say("Records are fetched again, from the next offset of each partition on; nothing is skipped.")
		return nil
	case state.On && state.Ordered && (state.Leaves || !c.Leave):
		addOther(&plan.AlreadyDone, map[bool]string{true: "it is drained", false: "it is being drained"}[state.Empty])
		return nil
	}
	if err := i.outlook(ctx, plan); err != nil {
		return err
	}
	sum := sumUp(plan.Partitions)
	is, run := "are", "run"
	if sum.Going == 1 {
		is = "is"
	}
	if sum.Running == 1 {
		run = "runs"
	}
	plan.say("Fetching stops, and %s of %s %s finished first; %d %s now.",
		words.Number(sum.Going, "stored job"), words.Number(len(plan.Partitions), "partition"), is, sum.Running, run)
	if sum.Stuck > 0 {
		plan.say("%s not waited for: halted, paused, or behind one of these, until an operator acts. They stay stored, and hold the committed offset.",
			words.AreNumber(sum.Stuck, "job"))
	}
	if state.On {
		plan.say("The program that the bridge is part of drains it already: it stays drained when that gives up.")
	}
	if !c.Leave {
		plan.say("Nothing is fetched then until the bridge is started anew, also after a crash, or with --undo. Nothing is skipped, nothing runs again.")
		return nil
	}
	plan.say("Then the bridge stops and leaves its group: its partitions go to others at once. One that is started anew before, also after a crash, fetches again and stays.")
	if sum.Stuck == 0 { // then nothing is done above an offset that is not
		sum.Reruns = 0
	}
	plan.sayMoved(sum, sum.Stuck)
	return nil
}

// say adds a sentence.
func (p *Plan) say(format string, args ...any) { p.Says = append(p.Says, fmt.Sprintf(format, args...)) }

func (drainVerb) execute(_ context.Context, i *inspector, plan Plan, op *Operation) error {
	if i.opt.Drain == nil {
		return errNoDrain
	}
	c := plan.Command
	if !i.opt.Drain(DrainOrder{Leave: c.Leave, Undo: c.Undo}) {
		addOther(&op.AlreadyDone, map[bool]string{true: "records are fetched: the bridge is not drained", false: "it is being drained"}[c.Undo])
		return nil
	}
	switch {
	case c.Undo:
		op.say("Records are fetched again.")
	case c.Leave:
		op.say("The bridge is being drained; it stops and leaves its group when it is empty.")
	default:
		op.say("The bridge is being drained.")
	}
	return nil
}

func (o *Operation) say(format string, args ...any) {
	o.Says = append(o.Says, fmt.Sprintf(format, args...))
}

type leaveVerb struct{}

func (leaveVerb) whole() {}

func (leaveVerb) validate(Command) error { return nil }

func (leaveVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	plan.Matched = 1
	if err := i.outlook(ctx, plan); err != nil {
		return err
	}
	sum := sumUp(plan.Partitions)
	switch {
	case i.opt.Leave != nil:
		if sum.Running > 0 {
			plan.say("The bridge stops. Of %s under way, those that do not end within its stop_within are cancelled then.", words.Number(sum.Running, "run"))
		} else {
			plan.say("The bridge stops.")
		}
		plan.say("It leaves its group, and its partitions go to others at once.")
	case i.opt.Kafka != nil:
		plan.say("The member of this store is removed from its group, and its partitions go to others at once.")
	default:
		return ErrNoKafka
	}
	plan.sayMoved(sum, sum.Going+sum.Stuck)
	return nil
}

func (leaveVerb) execute(ctx context.Context, i *inspector, _ Plan, op *Operation) error {
	switch {
	case i.opt.Leave != nil && i.opt.Leave():
		op.say("The bridge stops and leaves its group.")
	case i.opt.Leave != nil:
		addOther(&op.AlreadyDone, "the bridge is about to stop and to leave its group")
	case i.opt.Kafka == nil:
		return ErrNoKafka
	default:
		was, err := i.opt.Kafka.Leave(ctx)
		if err != nil {
			return err
		}
		if !was {
			addOther(&op.AlreadyDone, "the group has no member of this store")
			return nil
		}
		op.say("The member of this store was removed from its group.")
	}
	return nil
}
