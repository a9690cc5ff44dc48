package inspect

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

// shownRefused is how many an operation names that it has refused for one reason.
const shownRefused = 10

// refuse counts a letter, job or lane under its reason, which may name it: beyond so
// many of them under one for all others, for the operation to fit into the ledger.
func (r *bulkRun) refuse(reason string, name Name) {
	known := func(g Group) bool { return g.Reason == reason }
	if len(r.Operation.Refused) >= maxErrors && !slices.ContainsFunc(r.Operation.Refused, known) {
		reason = otherErrors
	}
	r.changed = true
	if name.Offset < 0 { // a lane has no name
		addGroup(&r.Operation.Refused, reason, 1)
		return
	}
	add(&r.Operation.Refused, reason, name)
	for i := range r.Operation.Refused {
		group := &r.Operation.Refused[i]
		group.Jobs = group.Jobs[:min(len(group.Jobs), shownRefused)]
	}
}

// takeFrom takes at most n of a partition. After a crash each is counted once.
func (r *bulkRun) takeFrom(ctx context.Context, part *bulkPart, n int) error {
	marks, through, err := r.targets.next(ctx, part, n)
	if err != nil {
		return err
	}
	if len(marks) == 0 {
		if through {
			r.drop(part)
		}
		return nil
	}
	r.goOut(part, marks)
	r.Operation.Reason = ""
	answers, err := r.targets.take(ctx, part, marks)
	if err != nil {
		return err
	}
	if r.limiter != nil {
		r.limiter.AllowN(r.x.now(), len(marks))
	}
	for _, a := range answers {
		if errors.Is(a.err, queue.ErrDetached) {
			part.away = r.x.now()
		}
		r.note(part, a)
	}
	r.tally()
	return nil
}

// whole acts on marks in the transaction that says so: after a crash each of them
// was taken, and is out, or neither. Those of a partition that is not held any more
// are to come again, as back says.
func (r *bulkRun) whole(ctx context.Context, part *bulkPart, marks []mark, act func(*queue.Partition, mark) (bool, error), back func([]mark)) (answers []answer, err error) {
	p := find(r.x.store.Attached(), part.TopicPartition)
	if p == nil {
		back(marks)
		return nil, r.comeAgain(part, marks)
	}
	err = r.x.store.Whole(func() error {
		if err := r.write(); err != nil {
			return err
		}
		for n, m := range marks {
			done, err := act(p, m)
			_, refused := refusalOf(err)
			switch {
			case errors.Is(err, queue.ErrDetached):
				back(marks[n:])
				return r.comeAgain(part, marks[n:])
			case err != nil && !refused:
				return err
			}
			answers = append(answers, answer{m, done, err})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answers, r.x.store.Sync(ctx)
}

// comeAgain takes marks back that went out.
func (r *bulkRun) comeAgain(part *bulkPart, marks []mark) error {
	part.away = r.x.now()
	for _, m := range marks {
		delete(r.Out[part.Partition], m)
	}
	return r.write()
}

func (r *bulkRun) goOut(part *bulkPart, marks []mark) {
	if r.Out == nil {
		r.Out = map[int32]markSet{}
	}
	if r.Out[part.Partition] == nil {
		r.Out[part.Partition] = markSet{}
	}
	for _, m := range marks {
		r.Out[part.Partition][m] = struct{}{}
	}
}

// note counts what came of one that is out. One that runs stays out until it is
// known how that went.
func (r *bulkRun) note(part *bulkPart, a answer) {
	name := Name{part.Topic, part.Partition, a.offset}
	r.changed = true
	if a.done {
		r.x.opt.Logger.Debug(r.kind.what+" "+r.kind.taken+" by a stored operation", "job", name, "operation", r.Operation.ID)
		if r.kind.runs() {
			return
		}
		r.Operation.Done++
	}
	delete(r.Out[part.Partition], a.mark)
	if a.err != nil && !errors.Is(a.err, queue.ErrDetached) {
		reason, _ := refusalOf(a.err)
		r.refuse(reason, name)
	}
}
