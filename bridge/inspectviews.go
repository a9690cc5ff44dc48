package bridge

import (
	"context"
	"iter"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

func (l live) Status(ctx context.Context) (inspect.Status, error) {
	return ask(l, func(i inspect.Inspector) (inspect.Status, error) { return i.Status(ctx) })
}

func (l live) Lanes(ctx context.Context, q inspect.LaneQuery) iter.Seq2[inspect.Lane, error] {
	return func(yield func(inspect.Lane, error) bool) {
		i, err := l.now()
		if err != nil {
			yield(inspect.Lane{}, err)
			return
		}
		for lane, err := range i.Lanes(ctx, q) {
			if !yield(lane, ended(err)) {
				return
			}
		}
	}
}

func (l live) Job(ctx context.Context, name inspect.Name) (inspect.JobDetail, error) {
	return ask(l, func(i inspect.Inspector) (inspect.JobDetail, error) { return i.Job(ctx, name) })
}

func (l live) Workers(ctx context.Context) ([]inspect.Worker, error) {
	return ask(l, func(i inspect.Inspector) ([]inspect.Worker, error) { return i.Workers(ctx) })
}

func (l live) Disk(ctx context.Context) (inspect.Disk, error) {
	return ask(l, func(i inspect.Inspector) (inspect.Disk, error) { return i.Disk(ctx) })
}

func (l live) Explain(ctx context.Context, topic string, partition int32, offset *int64) (inspect.Explanation, error) {
	return ask(l, func(i inspect.Inspector) (inspect.Explanation, error) {
		return i.Explain(ctx, topic, partition, offset)
	})
}

// ask asks the inspector of the store that is open.
func ask[T any](l live, question func(inspect.Inspector) (T, error)) (T, error) {
	i, err := l.now()
	if err != nil {
		var none T
		return none, err
	}
	answer, err := question(i)
	return answer, ended(err)
}
