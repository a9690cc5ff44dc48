package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// DeadQuery selects dead letters. Every field narrows it; the zero value
// selects all.
type DeadQuery struct {
	Topic        string    `json:"topic,omitzero"`
	Partitions   []int32   `json:"partitions,omitzero"`    // of Topic
	Offsets      []int64   `json:"offsets,omitzero"`       // of Topic and one partition
	Key          []byte    `json:"key,omitzero"`           // of the record; nil: any
	Lane         []byte    `json:"lane,omitzero"`          // the lane's name; nil: any, jobs in a lane of their own included
	BuriedBefore time.Time `json:"buried_before,omitzero"` // zero: any
	ErrorMatches string    `json:"error_matches,omitzero"` // regular expression that the reason or the last error matches; empty: any
	Limit        int       `json:"limit,omitzero"`         // at most so many letters; zero: all
}

// Validate reports everything that is wrong with the query.
func (q DeadQuery) Validate() error {
	problems := []error{}
	if err := (Query{Topic: q.Topic, Partitions: q.Partitions, Offsets: q.Offsets, Limit: q.Limit}).Validate(); err != nil {
		problems = append(problems, err)
	}
	if _, err := regexp.Compile(q.ErrorMatches); err != nil {
		problems = append(problems, fmt.Errorf("error-matches is no regular expression: %w", err))
	}
	if len(problems) > 0 {
		return fmt.Errorf("dead letters: %w", errors.Join(problems...))
	}
	return nil
}

// LogValue leaves out keys, lanes and texts, which may be personal.
func (q DeadQuery) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("partitions", q.Partitions), slog.String("offsets", logged(q.Offsets)),
		slog.Bool("by_key", q.Key != nil), slog.Bool("by_lane", q.Lane != nil),
		slog.Time("buried_before", q.BuriedBefore), slog.Bool("by_error", q.ErrorMatches != ""), slog.Int("limit", q.Limit),
	)
}

func (q DeadQuery) isZero() bool { return reflect.ValueOf(q).IsZero() }

// DeadLetter is a job that was given up.
type DeadLetter struct {
	Name
	ID        string    `json:"id"`        // topic-id/partition@offset: the same for ever; see Rerun
	Number    uint64    `json:"number"`    // of the burial: tells letters of one offset apart
	Key       []byte    `json:"key"`       // nil is Kafka's null
	Value     []byte    `json:"value"`     // nil is Kafka's null
	Headers   []Header  `json:"headers"`   // as Kafka delivered them
	Lane      string    `json:"lane"`      // the value that put it in its lane
	Own       bool      `json:"own_lane"`  // its lane held no other job
	Timestamp time.Time `json:"timestamp"` // of the record; the zero time where it has none
	Buried    time.Time `json:"buried_at"`
	Operator  bool      `json:"operator"` // buried by one, not by a run
	Reason    string    `json:"reason"`   // why it was buried
	Error     string    `json:"error"`    // of the last attempt
	Attempts  int       `json:"attempts"` // runs that were counted
	// History are the failed attempts: the first one and up to ten last ones,
	// each error cut to 512 bytes.
	History []Attempt `json:"history"`
	Bytes   int64     `json:"stored_bytes"` // that it takes up on disk
	Unsent  bool      `json:"unsent"`       // its copy is not in the dead-letter topic yet
	// Overtaken tells that a later job of its key is known to be done: requeued, it
	// runs behind that.
	Overtaken bool   `json:"overtaken"`
	LaneID    LaneID `json:"lane_id"` // of a lane of its own it says nothing
	// Checkpoint is what the job's runs have reached; nil: nothing.
	Checkpoint []byte `json:"checkpoint"`
	// Rerun is when an operator gave the job an id of its own. The zero time: it has
	// its record's.
	Rerun time.Time `json:"rerun_at"`
	// Changed is when the letter was last imported, and Change what was changed by
	// that; the zero time: it is as it was buried.
	Changed time.Time `json:"changed_at"`
	Change  string    `json:"change"`
	// Checksum is of the record's key, value, headers and timestamp: of an exported
	// letter it tells whether these were edited. Empty where it is damaged.
	Checksum string `json:"checksum"`
	// Damaged tells that the stored letter cannot be read. What could not is
	// missing.
	Damaged error `json:"damaged"`
}

// Header is a record header. A nil Value is Kafka's null.
type Header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Dead lists the dead letters that q selects.
func (i *inspector) Dead(ctx context.Context, q DeadQuery) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		for f, err := range i.scanDead(ctx, q) {
			there := false
			if err == nil {
				there, err = f.read(i.store)
			}
			if err != nil {
				yield(DeadLetter{}, err)
				return
			}
			if there && !yield(f.show(), nil) {
				return
			}
		}
	}
}

// deadFound is a dead letter that a query selects.
type deadFound struct {
	queue.DeadLetter
	whole bool // its record has been read
}

func (f *deadFound) name() Name { return Name{f.Topic, f.Partition, f.Offset} }

// read makes the record known. It reports false when the letter is gone.
func (f *deadFound) read(s *queue.Store) (there bool, err error) {
	if f.whole {
		return true, nil
	}
	l, there, err := s.DeadLetter(f.DeadRef)
	if there {
		f.DeadLetter, f.whole = l, true
	}
	return there, err
}

func (f *deadFound) show() DeadLetter {
	l := DeadLetter{
		Name:       f.name(),
		ID:         idOf(f.TopicID, f.name(), f.Rerun),
		Number:     f.Number,
		Key:        f.Record.Key,
		Value:      f.Record.Value,
		Lane:       string(f.Record.Lane.Name),
		Own:        f.Record.Lane.Own,
		Buried:     f.Buried,
		Operator:   f.Operator,
		Reason:     f.Reason,
		Error:      f.Error,
		Attempts:   f.Attempts,
		History:    history(f.History),
		Bytes:      f.Bytes,
		Unsent:     f.Unsent,
		Overtaken:  f.Overtaken,
		LaneID:     LaneID(f.Record.Lane.ID),
		Checkpoint: f.Checkpoint,
		Rerun:      f.Rerun.Time(),
		Changed:    f.Changed,
		Change:     f.Change,
		Damaged:    f.Damaged,
	}
	if f.Damaged == nil {
		l.Checksum = checksumText(f.Record.Checksum())
	}
	for _, h := range f.Record.Headers {
		l.Headers = append(l.Headers, Header(h))
	}
	if f.Record.Timestamp >= 0 {
		l.Timestamp = time.UnixMilli(f.Record.Timestamp)
	}
	return l
}

func checksumText(sum uint32) string { return fmt.Sprintf("%08x", sum) }

// scanDead finds the dead letters that q selects. It reads a record only where
// the query depends on it.
func (i *inspector) scanDead(ctx context.Context, q DeadQuery) iter.Seq2[*deadFound, error] {
	return func(yield func(*deadFound, error) bool) {
		if err := q.Validate(); err != nil {
			yield(nil, err)
			return
		}
		if err := i.store.Sync(ctx); err != nil { // what is being buried counts, too
			yield(nil, err)
			return
		}
		matched, text := 0, regexp.MustCompile(q.ErrorMatches)
		parts := Query{Topic: q.Topic, Partitions: q.Partitions}
		for _, c := range i.store.DeadCounts() {
			if !parts.selects(c.TopicPartition) {
				continue
			}
			for l, err := range i.store.DeadLetters(ctx, c.TopicPartition, 0) {
				f, match := &deadFound{DeadLetter: l}, false
				if err == nil {
					match, err = q.matches(i.store, f, text)
				}
				if !match && err == nil {
					continue
				}
				if matched++; !yield(f, err) || err != nil || matched == q.Limit {
					return
				}
			}
		}
	}
}

func (q DeadQuery) matches(s *queue.Store, f *deadFound, text *regexp.Regexp) (bool, error) {
	switch {
	case len(q.Offsets) > 0 && !slices.Contains(q.Offsets, f.Offset),
		!q.BuriedBefore.IsZero() && !f.Buried.Before(q.BuriedBefore),
		q.ErrorMatches != "" && !text.MatchString(f.Reason) && !text.MatchString(f.Error):
		return false, nil
	case q.Key == nil && q.Lane == nil:
		return true, nil
	}
	there, err := f.read(s)
	if err != nil || !there || f.Damaged != nil {
		return false, err
	}
	r := f.Record
	if q.Key != nil && (r.Key == nil || !bytes.Equal(q.Key, r.Key)) {
		return false, nil
	}
	return q.Lane == nil || !r.Lane.Own && bytes.Equal(q.Lane, r.Lane.Name), nil
}
