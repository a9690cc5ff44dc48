package queue

import (
	"context"
	"fmt"
	"math"

	"go.etcd.io/bbolt"
)

// Fate is what has become of a dead letter.
type Fate int

// The fates of dead letters.
const (
	LetterKept      Fate = iota + 1 // it is there
	LetterWaits                     // it was requeued, and its job is not finished
	LetterDeadAgain                 // it was requeued, and its job was buried again
	LetterGone                      // its job has finished, or it was discarded or has expired
	LetterForgotten                 // it was dropped with all of its partition
)

// Fates tells what has become of dead letters, as the file has it. A letter of the
// same offset is what a requeued job has become where its number is above last, and
// else another one of that offset. Without a letter's number it tells of the job of
// the offset. They are looked up in pages: no read transaction is held for long.
func (s *Store) Fates(ctx context.Context, last uint64, refs ...DeadRef) ([]Fate, error) {
	fates := make([]Fate, 0, len(refs))
	for len(refs) > 0 {
		n := min(pageJobs, len(refs))
		err := s.viewUsable(func(tx *bbolt.Tx) error {
			var g *graveyard
			for _, ref := range refs[:n] {
				if g == nil || g.tp != ref.TopicPartition {
					g = openGraveyard(tx, ref.TopicPartition)
				}
				fates = append(fates, g.fate(ref, last))
			}
			return nil
		})
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("look after %d dead letters: %w", len(refs), err)
		}
		refs = refs[n:]
	}
	return fates, nil
}

// graveyard is where the letters of one partition are, or have gone.
type graveyard struct {
	tp          TopicPartition
	known       bool          // the file has the partition
	burials     uint64        // that there were
	dead, aside *bbolt.Bucket // may be nil
}

func openGraveyard(tx *bbolt.Tx, tp TopicPartition) *graveyard {
	g := &graveyard{tp: tp}
	part := partitionBucket(tx, tp)
	if part == nil {
		return g
	}
	g.known, g.dead = true, part.Bucket(bucketDead)
	var tally tallyValue
	if value := part.Get(keyTally); value != nil && decodeValue(value, &tally) != nil {
		tally.Burials = math.MaxUint64 // it is damaged, and says nothing
	}
	g.burials = tally.Burials
	if aside, ok := openAside(part); ok {
		g.aside = aside.index
	}
	return g
}

func (g *graveyard) fate(ref DeadRef, last uint64) Fate {
	switch {
	case !g.known, g.burials < max(ref.Number, last): // numbers begin anew where the partition did
		return LetterForgotten
	case g.dead != nil && g.dead.Get(deadKey(ref.Offset, ref.Number)) != nil:
		return LetterKept
	case g.aside != nil && g.aside.Get(offsetKey(ref.Offset)) != nil:
		return LetterWaits
	case g.dead != nil:
		key, _ := g.dead.Cursor().Seek(deadKey(ref.Offset, max(ref.Number, last)+1))
		if len(key) == deadKeySize && mustOffset(key[:8]) == ref.Offset {
			return LetterDeadAgain
		}
	}
	return LetterGone
}
