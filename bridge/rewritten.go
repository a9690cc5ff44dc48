package bridge

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// compareLog looks whether the log holds the last unfinished record as it is
// stored. A log that was cut off and has grown again may be as long as before,
// so that offsets alone do not tell; and without a look, what is new below the
// next offset to fetch would never be read.
func (o *ownership) compareLog(ctx context.Context, f *recovery.Facts) error {
	at, open := o.stored.LastOpen()
	if !open || at < f.LogStart || at >= f.LogEnd || f.TopicID != o.stored.State().TopicID {
		return nil
	}
	stored, open, err := o.stored.Record(at)
	if err != nil || !open { // a damaged one is found again when its job runs
		return nil
	}
	message, err := o.claim.Read(ctx, at)
	if gone(err) { // compacted
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare the log with what is stored: %w", err)
	}
	fetched := newRecord(message)
	f.Rewritten, f.RewrittenAt = !sameRecord(&stored, &fetched), at
	return nil
}

func sameRecord(a, b *queue.Record) bool {
	return a.Timestamp == b.Timestamp && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) &&
		slices.EqualFunc(a.Headers, b.Headers, func(x, y queue.Header) bool {
			return x.Key == y.Key && bytes.Equal(x.Value, y.Value)
		})
}
