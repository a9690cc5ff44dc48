package bulk

import (
	"context"
	"errors"

	"github.com/seed-2837c37b/holdfast/queue"
)

// refuse counts a letter, job or lane under its reason.
func (r *run) refuse(reason string, name Name) {
	r.changed = true
	r.Operation.refuseOne(reason, name)
}

// takeFrom takes at most n of a partition. After a crash each is counted once.
func (r *run) takeFrom(ctx context.Context, part *cursor, n int) error {
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
	if err := r.targets.take(ctx, part, marks); err != nil {
		return err
	}
	if r.limiter != nil {
		r.limiter.AllowN(r.x.Now(), len(marks))
	}
	r.tally()
	return nil
}

// whole acts on marks in the transaction that says so: after a crash each of them
// was taken, and is out, or neither, or is known to be refused. Those of a partition that is not held any more
// are to come again, as back says.
func (r *run) whole(ctx context.Context, part *cursor, marks []mark, act func(*queue.Partition, mark) (bool, error), back func([]mark)) error {
	p := r.held(part.TopicPartition)
	if p == nil {
		back(marks)
		return r.comeAgain(part, marks)
	}
	err := r.x.Store.Whole(func() error {
		if err := r.put(); err != nil {
			return err
		}
		taken := true
		for n, m := range marks {
			done, err := act(p, m)
			_, refused := r.x.Refusal(err)
			switch {
			case errors.Is(err, queue.ErrDetached):
				back(marks[n:])
				return r.comeAgain(part, marks[n:])
			case err != nil && !refused:
				return err
			}
			taken = taken && done
			r.note(part, answer{m, done, err})
		}
		if taken {
			return nil
		}
		return r.put()
	})
	if err != nil {
		return err
	}
	return r.x.Store.Sync(ctx)
}

// comeAgain takes marks back that went out.
func (r *run) comeAgain(part *cursor, marks []mark) error {
	part.away = r.x.Now()
	for _, m := range marks {
		delete(r.Out[part.Partition], m)
	}
	return r.put()
}

func (r *run) goOut(part *cursor, marks []mark) {
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
func (r *run) note(part *cursor, a answer) {
	name := Name{part.Topic, part.Partition, a.offset}
	r.changed = true
	if a.done {
		r.x.Logger.Debug(r.kind.What+" "+r.kind.Taken+" by a stored operation", "job", name, "operation", r.Operation.ID)
		if r.kind.Runs() {
			return
		}
		r.Operation.Done++
	}
	delete(r.Out[part.Partition], a.mark)
	if a.err != nil && !errors.Is(a.err, queue.ErrDetached) {
		reason, _ := r.x.Refusal(a.err)
		r.refuse(reason, name)
	}
}
