package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sort"
	"time"

	"go.etcd.io/bbolt"
)

// Pending is an open job as it stood at one moment.
type Pending struct {
	Offset   int64
	Lane     Lane // without its name
	State    JobState
	Attempts int       // runs counted so far
	Due      time.Time // Retrying and Delayed: when it runs; else zero
	Error    string    // of the last counted run
	Crashes  int       // of the process that were counted against the job
	Suspect  bool      // Ready: its turn comes when no other suspect runs
	Guarded  bool      // it would have been given up, had that been allowed, and retries
	// History are the first failed run and the last ones.
	History []Attempt
	// After is the offset of the job that has to finish before a Blocked one;
	// -1 where that is a run whose job Reset or SkipTo has forgotten.
	After int64
	// Deferred tells of a Running job that no worker has any more.
	Deferred bool
	// Aside tells that the frontier does not wait for the job.
	Aside bool
	Rerun Rerun // not zero: the job has an id of its own

	gen   int  // of the partition: a Reset makes another job of the same offset
	alone bool // its lane is parked, and it runs: the others of the lane are aside
	later bool // it is of a scheme that has not begun, and in no lane yet
}

// pageJobs bounds what one hold of the store's lock looks at.
const pageJobs = 256

// Pending lists the open and the aside jobs from an offset on, ascending. The jobs are those
// of the time of the call; one that finishes before its page is made is left
// out, and states are those of the page. Neither the store's lock nor a read
// transaction is held while the caller works. What was appended before the
// call is flushed first.
func (p *Partition) Pending(ctx context.Context, from int64) iter.Seq2[Pending, error] {
	return p.walk(ctx, from, p.nextPage)
}

// PendingBelow lists jobs as Pending does, but those below an offset, descending.
func (p *Partition) PendingBelow(ctx context.Context, before int64) iter.Seq2[Pending, error] {
	return p.walk(ctx, before, p.pageBelow)
}

// pager describes the jobs of a page, of those below end, and tells where the next
// one begins.
type pager func(at, end int64, gen int) (page []Pending, next int64, more bool, err error)

func (p *Partition) walk(ctx context.Context, at int64, turn pager) iter.Seq2[Pending, error] {
	return func(yield func(Pending, error) bool) {
		at := at
		end, gen, err := p.storedUpTo(ctx)
		for more := true; more && err == nil; {
			var page []Pending
			page, at, more, err = turn(at, end, gen)
			for _, j := range page {
				if !yield(j, nil) {
					return
				}
			}
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
		if err != nil {
			yield(Pending{}, fmt.Errorf("list jobs of %s: %w", p.tp, err))
		}
	}
}

// Find returns those of the jobs at the given offsets, which ascend, that are
// open or aside. What was appended before is flushed first.
func (p *Partition) Find(ctx context.Context, offsets ...int64) ([]Pending, error) {
	end, gen, err := p.storedUpTo(ctx)
	var found []Pending
	for len(offsets) > 0 && err == nil {
		var page []Pending
		n := min(pageJobs, len(offsets))
		page, err = p.findPage(offsets[:n], end, gen)
		found = append(found, page...)
		offsets = offsets[n:]
	}
	if err != nil {
		return nil, fmt.Errorf("find jobs of %s: %w", p.tp, err)
	}
	return found, nil
}

// Record reads the record of a job that was listed. It reports false when the
// job is not open or aside any more. The error of one that cannot be read is a
// *[DamageError].
func (p *Partition) Record(offset int64) (rec Record, open bool, err error) {
	p.store.mu.Lock()
	aside := !p.open.has(offset)
	p.store.mu.Unlock()
	rec, err = p.store.readBody(p.tp, offset, aside)
	if err == nil {
		return rec, true, nil
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if err := p.usable(); err != nil {
		return Record{}, false, err
	}
	if aside && errors.Is(err, errNotStored) || !aside && !p.open.has(offset) {
		return Record{}, false, nil
	}
	return Record{}, true, err
}

// LastOpen returns the highest offset of an open job, or false where there is
// none.
func (p *Partition) LastOpen() (offset int64, open bool) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.open.max()
}

// Attached returns the partitions that are attached, by topic and number.
func (s *Store) Attached() []*Partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := make([]*Partition, 0, len(s.parts))
	for _, p := range s.parts {
		if !p.detached {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, func(a, b *Partition) int {
		return a.tp.compare(b.tp)
	})
	return parts
}

// TopicPartition returns the partition's name.
func (p *Partition) TopicPartition() TopicPartition { return p.tp }

// storedUpTo makes the file hold every open job below the offset it returns.
func (p *Partition) storedUpTo(ctx context.Context) (end int64, gen int, err error) {
	p.store.mu.Lock()
	err = p.usable()
	end, gen = p.next, p.gen
	p.store.mu.Unlock()
	if err != nil {
		return 0, 0, err
	}
	return end, gen, p.store.Sync(ctx)
}

// nextPage is the pager of jobs from an offset on.
func (p *Partition) nextPage(from, end int64, gen int) (page []Pending, next int64, more bool, err error) {
	offsets := p.openFrom(from, end)
	aside, err := p.readAside(func(t *asideTable) ([]asideSeen, error) { return t.from(from, pageJobs) })
	if err != nil {
		return nil, 0, false, err
	}
	next = math.MaxInt64
	if len(offsets) == pageJobs {
		next = offsets[pageJobs-1] + 1
	}
	if len(aside) == pageJobs {
		next = min(next, aside[pageJobs-1].offset+1)
	}
	page, err = p.pageOf(before(offsets, next, func(o int64) int64 { return o }), before(aside, next, asideSeen.at), gen)
	return page, next, next < math.MaxInt64, err
}

// pageBelow is the pager of jobs below an offset, the last one first.
func (p *Partition) pageBelow(before, end int64, gen int) (page []Pending, next int64, more bool, err error) {
	offsets := p.openBelow(min(before, end))
	aside, err := p.readAside(func(t *asideTable) ([]asideSeen, error) { return t.below(before, pageJobs) })
	if err != nil {
		return nil, 0, false, err
	}
	next = math.MinInt64
	if len(offsets) == pageJobs {
		next = offsets[pageJobs-1]
	}
	if len(aside) == pageJobs {
		next = max(next, aside[pageJobs-1].offset)
	}
	offsets = slices.DeleteFunc(offsets, func(offset int64) bool { return offset < next })
	aside = slices.DeleteFunc(aside, func(j asideSeen) bool { return j.offset < next })
	slices.Reverse(offsets)
	slices.Reverse(aside)
	page, err = p.pageOf(offsets, aside, gen)
	slices.Reverse(page)
	return page, next, next > math.MinInt64, err
}

// before returns the part of an ascending list that is below an offset.
func before[T any](list []T, end int64, offset func(T) int64) []T {
	return list[:sort.Search(len(list), func(i int) bool { return offset(list[i]) >= end })]
}

// findPage describes those of the jobs that there are.
func (p *Partition) findPage(offsets []int64, end int64, gen int) ([]Pending, error) {
	aside, err := p.readAside(func(t *asideTable) ([]asideSeen, error) { return t.among(offsets) })
	if err != nil {
		return nil, err
	}
	return p.pageOf(p.openAmong(offsets, end), aside, gen)
}

// pageOf describes open jobs and aside ones, by offset.
func (p *Partition) pageOf(open []int64, aside []asideSeen, gen int) ([]Pending, error) {
	page, err := p.page(open, gen)
	if err != nil || len(aside) == 0 {
		return page, err
	}
	more, err := p.asidePage(aside)
	page = append(page, more...)
	slices.SortFunc(page, func(a, b Pending) int { return cmp.Compare(a.Offset, b.Offset) })
	return page, err
}

func (p *Partition) openFrom(from, end int64) []int64 {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.open.list(from, end, pageJobs)
}

func (p *Partition) openBelow(end int64) []int64 {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.open.listBelow(end, pageJobs)
}

func (p *Partition) openAmong(offsets []int64, end int64) (open []int64) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	for _, offset := range offsets {
		if offset < end && p.open.has(offset) {
			open = append(open, offset)
		}
	}
	return open
}

// ErrReset means that a partition was made to go on from another offset while its
// jobs were looked at.
var ErrReset = errors.New("it was reset meanwhile; ask again")

// page describes jobs by the file's index, which says in which lane each is,
// and by memory, which says what became of it.
func (p *Partition) page(offsets []int64, gen int) ([]Pending, error) {
	lanes, err := p.readLanes(offsets)
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if err := cmp.Or(p.usable(), err); err != nil {
		return nil, err
	}
	if p.gen != gen {
		return nil, ErrReset
	}
	page := make([]Pending, 0, len(offsets))
	for i, offset := range offsets {
		if !p.open.has(offset) {
			continue
		}
		w, ok := p.find(offset, lanes[i])
		if !ok {
			return nil, &DamageError{fmt.Sprintf("%s@%d index", p.tp, offset), errNotStored}
		}
		page = append(page, p.describe(w, offset, lanes[i]))
	}
	return page, nil
}

// readLanes reads the lanes of jobs, whose offsets ascend, from the index.
func (p *Partition) readLanes(offsets []int64) ([]Lane, error) {
	lanes := make([]Lane, len(offsets))
	err := p.store.view(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, p.tp)
		if b == nil {
			return nil
		}
		for i := 0; i < len(offsets); {
			key, value := seekBlock(b.Bucket(bucketIndex), offsets[i])
			if key == nil {
				i++ // finished meanwhile
				continue
			}
			rs, _, err := p.loadIndex(b, key, value)
			if err != nil {
				return err
			}
			last := rs.offset(rs.len() - 1)
			for first := true; i < len(offsets) && (first || offsets[i] <= last); i++ {
				if at, ok := rs.find(offsets[i]); ok {
					r := rs.at(at)
					lanes[i] = Lane{ID: r.lane, Own: r.flags&flagOwn != 0}
				}
				first = false
			}
		}
		return nil
	})
	return lanes, err
}
