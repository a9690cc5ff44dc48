package bulk

import (
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Claim is a running operation with what it is about.
type Claim struct {
	*Entry
	Work Work
}

// First returns the first of the claims that takes something; nil: none.
func First(claims []Claim, takes func(Claim) (bool, error)) (*Claim, error) {
	for at, c := range claims {
		if is, err := takes(c); is || err != nil {
			return &claims[at], err
		}
	}
	return nil, nil
}

// Needs tells whether the operation may have something to take of a partition which
// has to be held for that.
func (c Claim) Needs(partition int32) bool {
	switch w := c.Work.(type) {
	case Letters:
		_, in := c.Parts[partition]
		return in && w.Runs()
	case Jobs:
		part := c.Jobs[partition]
		return part != nil && part.At > 0
	case Lanes:
		part := c.Lanes[partition]
		return part != nil && !part.Through
	}
	return false
}

// TakesLetter tells whether the operation is about to take a dead letter.
func (c Claim) TakesLetter(l queue.DeadLetter) (bool, error) {
	w, ok := c.Work.(Letters)
	last, in := c.Parts[l.Partition]
	if !ok || !in || l.Topic != c.Operation.Topic || l.Number > last {
		return false, nil
	}
	return w.Select(l)
}

// TakesJob tells whether the operation is about to take a job.
func (c Claim) TakesJob(p *queue.Partition, j queue.Pending) (bool, error) {
	takes, _, err := c.judgeJob(p, j)
	return takes, err
}

// judgeJob is TakesJob, and why the operation does not where it would have been its.
func (c Claim) judgeJob(p *queue.Partition, j queue.Pending) (takes bool, refusal, err error) {
	w, ok := c.Work.(Jobs)
	tp := p.TopicPartition()
	part := c.Jobs[tp.Partition]
	if !ok || part == nil || tp.Topic != c.Operation.Topic || j.Offset >= part.At || w.Runs() && failedSince(j, c.PlanMade) {
		return false, nil, nil
	}
	if len(w.Offsets) > 0 && !slices.Contains(w.Offsets, j.Offset) || j.Offset < w.From {
		return false, nil, nil
	}
	match, err := w.Select(p, j)
	if !match || err != nil {
		return false, nil, err
	}
	needed, refusal := w.Judge(j)
	return needed && refusal == nil, refusal, nil
}

// failedSince tells whether a job has run in vain since a plan was made.
func failedSince(j queue.Pending, made time.Time) bool {
	n := len(j.History)
	return n > 0 && j.History[n-1].At.After(made)
}

// TakesLane tells whether the operation is about to act on a parked lane. One that
// was parked after the plan is none of its.
func (c Claim) TakesLane(l queue.ParkedLane) (bool, error) {
	w, ok := c.Work.(Lanes)
	part := c.Lanes[l.Partition]
	if !ok || part == nil || part.Through || l.Topic != c.Operation.Topic || l.Released {
		return false, nil
	}
	if l.Since.After(c.PlanMade) && l.Since.After(c.LastParked) {
		return false, nil
	}
	at := laneMark(l)
	if part.After != nil && at.compare(part.After.mark()) <= 0 || part.Last != nil && at.compare(part.Last.mark()) > 0 {
		return false, nil
	}
	return w.Select(l), nil
}

// earlier are the operations whose letters, jobs or lanes are theirs, since they
// began first.
func (x *Engine) earlier(r *run) (claims []Claim) {
	for _, other := range x.runs {
		began := other.Operation.Began.Compare(r.Operation.Began)
		if !other.broken && other.Running() && (began < 0 || began == 0 && other.Operation.ID < r.Operation.ID) {
			claims = append(claims, Claim{&other.Entry, other.work})
		}
	}
	return claims
}
