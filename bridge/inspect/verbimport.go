package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-2837c37b/holdfast/queue"
)

// importVerb puts dead letters into the store that were exported.
type importVerb struct{}

const (
	reasonImported = "it is here already, with this record"
	saidImported   = "dead letter imported by an operator"
)

func (importVerb) validate(c Command) error {
	if c.ResetAttempts {
		return noReset(c.Verb)
	}
	var problems []error
	if len(c.Import) == 0 || len(c.Import) > MaxJobs {
		problems = append(problems, fmt.Errorf("an import has 1 to %d dead letters, not %d", MaxJobs, len(c.Import)))
	}
	for _, l := range c.Import {
		if err := l.importable(); err != nil && len(problems) < maxErrors {
			problems = append(problems, fmt.Errorf("dead letter %s: %w", l.Name, err))
		}
	}
	return errors.Join(problems...)
}

// importable tells what is wrong with a letter that is to be imported.
func (l DeadLetter) importable() error {
	switch {
	case l.Topic == "" || strings.ContainsRune(l.Topic, 0) || l.Partition < 0 || l.Offset < 0:
		return errors.New("its name is no topic, partition and offset")
	case l.Buried.IsZero():
		return errors.New("it does not say when it was buried")
	case l.Damaged != nil:
		return fmt.Errorf("it was damaged when it was exported: %w", l.Damaged)
	case len(l.Checkpoint) > queue.MaxCheckpoint:
		return fmt.Errorf("its checkpoint has %d bytes: %w", len(l.Checkpoint), queue.ErrCheckpointTooLarge)
	}
	return nil
}

// plan tells which letters are new here, or have another record.
func (importVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	for _, l := range plan.Command.Import {
		plan.Matched++
		there, err := i.imported(ctx, l)
		if err == nil && !there {
			err = i.mayImport(ctx, l)
		}
		reason, refused := refusalOf(err)
		switch {
		case refused:
			add(&plan.Refused, reason, l.Name)
		case err != nil:
			return err
		case there:
			add(&plan.AlreadyDone, reasonImported, l.Name)
		default:
			plan.Dead = append(plan.Dead, DeadTarget{l.Name, l.ID, l.Number})
		}
	}
	return nil
}

// imported tells whether the letter of this burial is here with this record.
func (i *inspector) imported(ctx context.Context, l DeadLetter) (bool, error) {
	for listed, err := range i.store.DeadLetters(ctx, l.tp(), l.Offset) {
		if err != nil {
			return false, err
		}
		if listed.Offset != l.Offset {
			return false, nil
		}
		if !listed.Buried.Equal(l.Buried) {
			continue
		}
		stored, there, err := i.store.DeadLetter(listed.DeadRef)
		if err != nil || !there {
			return false, err
		}
		record := l.record(queue.Lane{})
		return stored.Damaged == nil && stored.Record.Checksum() == record.Checksum(), nil
	}
	return false, nil
}

// mayImport is what the store will say, as far as the partition is held here.
func (i *inspector) mayImport(ctx context.Context, l DeadLetter) error {
	p := find(i.store.Attached(), l.tp())
	if p == nil {
		return nil
	}
	state := p.State()
	if state.Next < 0 {
		return nil
	}
	if l.Offset >= state.Next {
		return queue.ErrNotDelivered
	}
	open, err := p.Find(ctx, l.Offset)
	if err == nil && len(open) > 0 {
		err = queue.ErrJobWaiting
	}
	return err
}

// execute imports the letters that the plan names.
func (importVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	planned := make(map[DeadTarget]bool, len(plan.Dead))
	for _, t := range plan.Dead {
		planned[t] = true
	}
	var letters []queue.DeadImport
	flush := func() error {
		results, err := i.store.ImportDead(ctx, letters...)
		if letters = letters[:0]; err != nil {
			return err
		}
		for _, r := range results {
			noteImport(i, op, r)
		}
		return nil
	}
	for _, l := range plan.Command.Import {
		if !planned[DeadTarget{l.Name, l.ID, l.Number}] {
			continue
		}
		if letters = append(letters, i.toImport(ctx, l, op.Command.Reason)); len(letters) == batchJobs {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	op.Command.Import = nil // who asked has them
	return flush()
}

func noteImport(i *inspector, op *Operation, r queue.RequeueResult) {
	name := Name{r.Topic, r.Partition, r.Offset}
	switch {
	case r.Done:
		op.Done = append(op.Done, name)
		i.opt.Logger.Info(saidImported, "job", name, "reason", op.Command.Reason)
	case r.Err != nil:
		reason, known := refusalOf(r.Err)
		if !known {
			reason = r.Err.Error()
		}
		add(&op.Refused, reason, name)
	default:
		add(&op.AlreadyDone, reasonImported, name)
	}
}

// toImport is the letter as the store takes it, with what is to be remembered of
// the import.
func (i *inspector) toImport(ctx context.Context, l DeadLetter, reason string) queue.DeadImport {
	lane := queue.Lane{ID: uint64(l.LaneID), Name: []byte(l.Lane), Own: l.Own}
	if !l.Own && l.LaneID == 0 && i.opt.LaneOf != nil {
		if known, ok := i.opt.LaneOf(l.Topic, nil, []byte(l.Lane)); ok {
			lane.ID = known.ID
		}
	}
	in := queue.DeadImport{DeadLetter: queue.DeadLetter{
		DeadRef: queue.DeadRef{TopicPartition: l.tp(), Offset: l.Offset},
		TopicID: l.topicID(), Buried: l.Buried, Operator: l.Operator, Reason: l.Reason, Error: l.Error, Attempts: l.Attempts,
		Checkpoint: l.Checkpoint, Rerun: queue.RerunAt(l.Rerun), Record: l.record(lane),
	}}
	for _, one := range l.History {
		in.History = append(in.History, queue.Attempt(one))
	}
	what := "imported by "
	if l.Checksum != checksumText(in.Record.Checksum()) {
		what = "imported with an edited record by "
	}
	if in.Change = what + ActorOf(ctx); reason != "" {
		in.Change += ": " + reason
	}
	return in
}

func (l DeadLetter) record(lane queue.Lane) queue.Record {
	r := queue.Record{Offset: l.Offset, Timestamp: -1, Key: l.Key, Value: l.Value, Lane: lane}
	if !l.Timestamp.IsZero() {
		r.Timestamp = l.Timestamp.UnixMilli()
	}
	for _, h := range l.Headers {
		r.Headers = append(r.Headers, queue.Header(h))
	}
	return r
}

// topicID is what the id begins with, where that is not the topic's name.
func (l DeadLetter) topicID() string {
	id, _, _ := strings.Cut(l.ID, "/")
	if id == l.Topic {
		return ""
	}
	return id
}

func (n Name) tp() queue.TopicPartition {
	return queue.TopicPartition{Topic: n.Topic, Partition: n.Partition}
}
