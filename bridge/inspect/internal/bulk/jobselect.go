package bulk

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

func (t *jobTargets) takes(p *queue.Partition, j queue.Pending, earlier []Claim) (bool, error) {
	takes, refusal, err := t.claim().judgeJob(p, j)
	if takes && err == nil {
		var by *Claim
		by, err = First(earlier, func(c Claim) (bool, error) { return c.TakesJob(p, j) })
		takes = by == nil
	}
	if err == nil && errors.Is(refusal, queue.ErrJobRunning) { // other refusals were the plan's
		tp := p.TopicPartition()
		t.refuse(refusal.Error(), Name{tp.Topic, tp.Partition, j.Offset})
	}
	return takes, err
}

// below lists the jobs of one partition that come into question, from the last
// one below an offset to the first. It may list others.
func (w Jobs) below(ctx context.Context, p *queue.Partition, before int64) iter.Seq2[queue.Pending, error] {
	list := p.PendingBelow(ctx, before)
	if len(w.Offsets) > 0 {
		list = w.findBelow(ctx, p, before)
	}
	return func(yield func(queue.Pending, error) bool) {
		for j, err := range list {
			if err == nil && j.Offset < w.From || !yield(j, err) {
				return
			}
		}
	}
}

func (w Jobs) findBelow(ctx context.Context, p *queue.Partition, before int64) iter.Seq2[queue.Pending, error] {
	return func(yield func(queue.Pending, error) bool) {
		offsets := slices.Compact(slices.Sorted(slices.Values(w.Offsets)))
		offsets = slices.DeleteFunc(offsets, func(offset int64) bool { return offset >= before })
		for end := len(offsets); end > 0; end -= min(end, batch) {
			jobs, err := p.Find(ctx, offsets[max(0, end-batch):end]...)
			if err != nil {
				yield(queue.Pending{}, err)
				return
			}
			for _, j := range slices.Backward(jobs) {
				if !yield(j, nil) {
					return
				}
			}
		}
	}
}
