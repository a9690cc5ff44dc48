package inspect

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

func (t *jobTargets) takes(f *found, earlier []claim) (bool, error) {
	takes, refusal, err := claim{&t.bulkState, t.text}.takesJob(t.verb, f)
	if takes && err == nil {
		var by *claim
		by, err = claimedBy(earlier, func(c claim) (bool, error) { return c.claimsJob(f) })
		takes = by == nil
	}
	if err == nil && errors.Is(refusal, queue.ErrJobRunning) { // other refusals were the plan's
		t.refuse(refusal.Error(), f.name())
	}
	return takes, err
}

// below lists the jobs of one partition that come into question, from the last
// one below an offset to the first. It may list others.
func (q Query) below(ctx context.Context, p *queue.Partition, before int64) iter.Seq2[*found, error] {
	list := p.PendingBelow(ctx, before)
	if len(q.Offsets) > 0 {
		list = q.findBelow(ctx, p, before)
	}
	return func(yield func(*found, error) bool) {
		topicID := p.State().TopicID
		for j, err := range list {
			if err == nil && j.Offset < q.From || !yield(&found{Pending: j, tp: p.TopicPartition(), topicID: topicID, part: p}, err) {
				return
			}
		}
	}
}

func (q Query) findBelow(ctx context.Context, p *queue.Partition, before int64) iter.Seq2[queue.Pending, error] {
	return func(yield func(queue.Pending, error) bool) {
		offsets := slices.Compact(slices.Sorted(slices.Values(q.Offsets)))
		offsets = slices.DeleteFunc(offsets, func(offset int64) bool { return offset >= before })
		for end := len(offsets); end > 0; end -= min(end, batchJobs) {
			jobs, err := p.Find(ctx, offsets[max(0, end-batchJobs):end]...)
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

// takesJob tells whether the operation, of the verb, takes the job, or why it
// does not where it would have been its.
func (c claim) takesJob(v jobVerb, f *found) (takes bool, refusal, err error) {
	part := c.Jobs[f.tp.Partition]
	if part == nil || f.tp.Topic != c.Operation.Topic || f.Offset >= part.At || v.bulk.runs() && failedSince(f, c.PlanMade) {
		return false, nil, nil
	}
	q := c.Operation.Command.Select
	if len(q.Offsets) > 0 && !slices.Contains(q.Offsets, f.Offset) || f.Offset < q.From {
		return false, nil, nil
	}
	match, err := q.matches(f, c.text)
	if !match || err != nil {
		return false, nil, err
	}
	needed, refusal := v.judge(c.Operation.Command, f.Pending)
	return needed && refusal == nil, refusal, nil
}

// claimsJob is takesJob for an operation of any verb.
func (c claim) claimsJob(f *found) (bool, error) {
	v, ok := verbs[c.Operation.Verb].(jobVerb)
	if !ok {
		return false, nil
	}
	takes, _, err := c.takesJob(v, f)
	return takes, err
}

// failedSince tells whether a job has run in vain since a plan was made.
func failedSince(f *found, made time.Time) bool {
	n := len(f.History)
	return n > 0 && f.History[n-1].At.After(made)
}

// errorMatches is what the last errors of what the command selects match.
func (c Command) errorMatches() (*regexp.Regexp, error) {
	if c.Dead.ErrorMatches != "" {
		return regexp.Compile(c.Dead.ErrorMatches)
	}
	return regexp.Compile(c.Select.ErrorMatches)
}
