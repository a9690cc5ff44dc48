package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Query selects open jobs. Every field narrows it; the zero value selects all.
type Query struct {
	Topic      string  `json:"topic,omitzero"`
	Partitions []int32 `json:"partitions,omitzero"`  // of Topic
	Offsets    []int64 `json:"offsets,omitzero"`     // of Topic and one partition
	From       int64   `json:"from_offset,omitzero"` // offsets below it are left out
	Key        []byte  `json:"key,omitzero"`         // of the record; nil: any
	Lane       []byte  `json:"lane,omitzero"`        // the lane's name; nil: any, jobs in a lane of their own included
	States     []State `json:"states,omitzero"`
	// StoredBefore is when jobs came in, at the latest; zero: any. Of a job that
	// came before its partition was last opened, the record's timestamp counts
	// instead: one without that is left out.
	StoredBefore time.Time `json:"stored_before,omitzero"`
	// ErrorMatches is a regular expression that the last error matches; empty:
	// any, none included.
	ErrorMatches string `json:"error_matches,omitzero"`
	Limit        int    `json:"limit,omitzero"` // at most so many jobs; zero: all
}

// Validate reports everything that is wrong with the query.
func (q Query) Validate() error {
	var problems []error
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	say(len(q.Partitions) > 0 && q.Topic == "", "partitions without a topic")
	say(len(q.Offsets) > 0 && (q.Topic == "" || len(q.Partitions) != 1), "offsets without a topic and one partition: each partition has its own")
	say(q.Limit < 0, "limit %d is below zero", q.Limit)
	for _, state := range q.States {
		say(queueStates[state] == 0, "state %q is unknown; there are ready, blocked, running, deferred, retrying, halted, parked, delayed and paused; dead letters are no open jobs: they have inspect dead, requeue and discard", state)
	}
	if _, err := regexp.Compile(q.ErrorMatches); err != nil {
		problems = append(problems, fmt.Errorf("error-matches is no regular expression: %w", err))
	}
	if len(problems) > 0 {
		return fmt.Errorf("query: %w", errors.Join(problems...))
	}
	return nil
}

func (q Query) isZero() bool { return reflect.ValueOf(q).IsZero() }

func (q Query) selects(tp queue.TopicPartition) bool {
	return (q.Topic == "" || q.Topic == tp.Topic) && (len(q.Partitions) == 0 || slices.Contains(q.Partitions, tp.Partition))
}

// named returns the offsets that are asked for whatever their jobs are like.
func (q Query) named() map[int64]bool {
	if len(q.States) > 0 || q.Key != nil || q.Lane != nil || !q.StoredBefore.IsZero() || q.ErrorMatches != "" || q.Limit > 0 || q.From > 0 {
		return nil
	}
	offsets := make(map[int64]bool, len(q.Offsets))
	for _, offset := range q.Offsets {
		offsets[offset] = true
	}
	return offsets
}

// Jobs lists the jobs that q selects.
func (i *inspector) Jobs(ctx context.Context, q Query) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		for f, err := range i.scan(ctx, q) {
			open := false
			if err == nil {
				open, err = f.read()
			}
			if err != nil {
				yield(Job{}, err)
				return
			}
			if open && !yield(f.job(), nil) {
				return
			}
		}
	}
}

// scan finds the jobs that q selects. It reads a record only where the query
// depends on it.
func (i *inspector) scan(ctx context.Context, q Query) iter.Seq2[*found, error] {
	return func(yield func(*found, error) bool) {
		err := q.Validate()
		var parts []*queue.Partition
		if err == nil {
			parts, err = i.partitions(q)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		matched := 0
		for _, p := range parts {
			for f, err := range q.scan(ctx, p) {
				if matched++; !yield(f, err) || err != nil || matched == q.Limit {
					return
				}
			}
		}
	}
}

// scan finds the jobs of one partition.
func (q Query) scan(ctx context.Context, p *queue.Partition) iter.Seq2[*found, error] {
	return func(yield func(*found, error) bool) {
		topicID, text := p.State().TopicID, regexp.MustCompile(q.ErrorMatches)
		for pending, err := range q.pending(ctx, p) {
			f := &found{Pending: pending, tp: p.TopicPartition(), topicID: topicID, part: p}
			match := false
			if err == nil {
				match, err = q.matches(f, text)
			}
			if (match || err != nil) && !yield(f, notHeld(err)) {
				return
			}
		}
	}
}

// pending lists the jobs of one partition that come into question.
func (q Query) pending(ctx context.Context, p *queue.Partition) iter.Seq2[queue.Pending, error] {
	if len(q.Offsets) == 0 {
		return p.Pending(ctx, q.From)
	}
	return func(yield func(queue.Pending, error) bool) {
		offsets := slices.Compact(slices.Sorted(slices.Values(q.Offsets)))
		jobs, err := p.Find(ctx, offsets...)
		if err != nil {
			yield(queue.Pending{}, err)
			return
		}
		for _, j := range jobs {
			if j.Offset >= q.From && !yield(j, nil) {
				return
			}
		}
	}
}

func (q Query) matches(f *found, text *regexp.Regexp) (bool, error) {
	if len(q.States) > 0 && !slices.Contains(q.States, f.state()) || q.ErrorMatches != "" && !text.MatchString(f.Error) {
		return false, nil
	}
	if !q.StoredBefore.IsZero() {
		if match, err := q.matchesTime(f); err != nil || !match {
			return false, err
		}
	}
	if q.Key == nil && q.Lane == nil {
		return true, nil
	}
	open, err := f.read()
	if err != nil || !open || f.damaged != nil {
		return false, err
	}
	if q.Key != nil && (f.record.Key == nil || !bytes.Equal(q.Key, f.record.Key)) {
		return false, nil
	}
	return q.Lane == nil || !f.Lane.Own && bytes.Equal(q.Lane, f.record.Lane.Name), nil
}

// matchesTime tells whether a job came in before the time that is asked for.
func (q Query) matchesTime(f *found) (bool, error) {
	if stored := f.part.Stored(f.Pending); !stored.IsZero() {
		return stored.Before(q.StoredBefore), nil
	}
	open, err := f.read()
	if err != nil || !open || f.damaged != nil || f.record.Timestamp < 0 {
		return false, err
	}
	return time.UnixMilli(f.record.Timestamp).Before(q.StoredBefore), nil
}
