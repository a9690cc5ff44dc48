package queue

import (
	"context"
	"fmt"
)

// Progress is how far a partition has come, as one flush has put it on disk.
type Progress struct {
	// Frontier is the lowest unfinished offset; -1 before SetStart.
	Frontier int64
	// Ahead is what is complete above it, ascending and apart from each other.
	// Offsets that Kafka skips count as complete.
	Ahead []Range
	// Left counts complete offsets above those of Ahead, which is bounded.
	Left int64
}

// maxAhead bounds the ranges that a Progress lists, and those that a partition
// remembers of other owners. It is more than commit metadata can carry.
const maxAhead = 1 << 14

// Progress waits for a flush and returns what it has made durable. Frontier and
// Ahead belong together: a Frontier alone is cheaper to have from that method.
func (p *Partition) Progress(ctx context.Context) (Progress, error) {
	answer, err := p.ask()
	if err != nil {
		return Progress{}, err
	}
	signal(p.store.urgent)
	select {
	case progress := <-answer:
		return progress, nil
	case <-p.store.failed:
		return Progress{}, p.store.Err()
	case <-ctx.Done():
		return Progress{}, fmt.Errorf("wait for the progress of %s: %w", p.tp, context.Cause(ctx))
	}
}

// ask makes the next flush send the progress that it writes.
func (p *Partition) ask() (<-chan Progress, error) {
	answer := make(chan Progress, 1) // the committer does not wait for who has given up
	err := p.change(func() error {
		p.asked = append(p.asked, answer)
		return nil
	})
	return answer, err
}

// progress is as memory has it: durable with the flush that is being gathered.
func (p *Partition) progress() Progress {
	pr := Progress{Frontier: p.frontier()}
	elsewhere := p.elsewhere.from(p.next)
	pr.Left = p.next - pr.Frontier - int64(p.open.count) + elsewhere.count()
	at := pr.Frontier
	for open := range p.open.ranges() {
		if !pr.add(Range{at, open.From}) {
			return pr
		}
		at = open.To
	}
	pr.add(Range{at, p.next})
	for _, r := range elsewhere {
		if !pr.add(r) {
			break
		}
	}
	return pr
}

// add lists one more range, and reports false when the list is full.
func (pr *Progress) add(r Range) bool {
	n := len(pr.Ahead)
	switch {
	case r.From >= r.To:
		return true
	case n > 0 && pr.Ahead[n-1].To == r.From:
		pr.Ahead[n-1].To = r.To
	case n == maxAhead:
		return false
	default:
		pr.Ahead = append(pr.Ahead, r)
	}
	pr.Left -= r.To - r.From
	return true
}

// CompleteElsewhere takes over what another owner has completed: open jobs are
// dropped, and records that are still to come are dropped when they do. The
// ranges ascend and are apart from each other. Runs under way of such jobs are
// dropped at their Finish; their lanes wait for it.
//
// It is durable with the next flush and outlives restarts. Of very many ranges
// above State.Next only the lowest are remembered.
func (p *Partition) CompleteElsewhere(done []Range) error {
	return p.change(func() error {
		set := ranges(done)
		if err := set.check(); err != nil {
			return fmt.Errorf("complete ranges of %s: %w", p.tp, err)
		}
		if p.next < 0 {
			return fmt.Errorf("complete ranges of %s: no start offset is set", p.tp)
		}
		p.skipAll(set.has)
		p.elsewhere = p.elsewhere.from(p.next).union(set.from(p.next))
		if first := p.elsewhere; len(first) > 0 && first[0].From <= p.next {
			p.next = first[0].To // nothing to fetch of it
			p.elsewhere = first[1:]
		}
		p.elsewhere = p.elsewhere[:min(len(p.elsewhere), maxAhead)]
		p.elsewhereChanged = true
		return nil
	})
}

// Lacking counts the offsets of the ranges, which ascend and are apart from each
// other, that are not complete here: open, or not known.
func (p *Partition) Lacking(done []Range) (n int64) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	set := ranges(done)
	if set.check() != nil || p.next < 0 {
		return 0
	}
	for open := range p.open.ranges() {
		n += set.within(open.From, open.To).count()
	}
	return n + set.from(p.next).without(p.elsewhere).count()
}

// unfinished drops the records that another owner has completed. They ascend
// and are not below next.
func (p *Partition) unfinished(recs []Record) []Record {
	kept := recs[:0]
	for _, r := range recs {
		p.passed(r.Offset)
		if len(p.elsewhere) == 0 || r.Offset < p.elsewhere[0].From {
			kept = append(kept, r)
		}
	}
	clear(recs[len(kept):])
	return kept
}

// passed forgets the ranges of other owners that end at or below offset. The
// file keeps its list until none is left: next bounds it.
func (p *Partition) passed(offset int64) {
	for len(p.elsewhere) > 0 && p.elsewhere[0].To <= offset {
		p.elsewhere = p.elsewhere[1:]
		if len(p.elsewhere) == 0 {
			p.elsewhereChanged = true
		}
	}
}
