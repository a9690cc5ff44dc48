package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

func bytesOf(r *queue.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// nearby is the distance between two offsets that are worth one answer of Kafka.
const nearby = 64

// readEach reads the records of offsets, which ascend, and calls found with each and
// the answer that it is in; with nil where there is none for a bridge. It returns
// the offset for which found says that there is enough, and those behind it.
func readEach(ctx context.Context, k Kafka, tp queue.TopicPartition, offsets []int64, found func(offset int64, rec *queue.Record, answer *Records) (more bool)) (unread []int64, err error) {
	for len(offsets) > 0 {
		near := 1
		for near < len(offsets) && offsets[near]-offsets[near-1] <= nearby {
			near++
		}
		answer, err := k.Read(ctx, tp.Topic, tp.Partition, offsets[0], offsets[near-1])
		switch {
		case errors.Is(err, ErrNoRecord):
			answer = Records{Next: offsets[0] + 1}
		case err != nil:
			return nil, err
		case answer.Next <= offsets[0]:
			return nil, fmt.Errorf("%s@%d: Kafka does not deliver it at the moment; try again", tp, offsets[0])
		}
		recs := answer.Records
		for len(offsets) > 0 && offsets[0] < answer.Next {
			for len(recs) > 0 && recs[0].Offset < offsets[0] {
				recs = recs[1:]
			}
			var rec *queue.Record
			if len(recs) > 0 && recs[0].Offset == offsets[0] {
				rec = &recs[0]
			}
			if !found(offsets[0], rec, &answer) {
				return offsets, nil
			}
			offsets = offsets[1:]
		}
	}
	return nil, nil
}

// lacks tells why the answer has no record of an offset.
func (r *Records) lacks(offset int64) string {
	if slices.Contains(r.Filtered, offset) {
		return reasonFiltered
	}
	return reasonNoRecord
}

// readAgain reads what is to run again. The topic is asked for behind that: an id
// never comes back.
func (i *inspector) readAgain(ctx context.Context, tp queue.TopicPartition, offsets []int64, op *Operation) (recs queue.Again, err error) {
	recs.TopicPartition = tp
	size := 0
	unread, err := readEach(ctx, i.opt.Kafka, tp, offsets, func(offset int64, rec *queue.Record, answer *Records) (more bool) {
		switch {
		case rec == nil:
			add(&op.Refused, answer.lacks(offset), Name{tp.Topic, tp.Partition, offset})
		case size > 0 && size+bytesOf(rec) > rerunBytes:
			return false
		default:
			size += bytesOf(rec)
			recs.Scheme = answer.Scheme
			recs.Records = append(recs.Records, rec.Clone())
		}
		return true
	})
	for _, offset := range unread {
		add(&op.Refused, reasonTooLarge, Name{tp.Topic, tp.Partition, offset})
	}
	if err != nil || len(recs.Records) == 0 {
		return recs, err
	}
	log, err := i.opt.Kafka.Log(ctx, tp.Topic, tp.Partition)
	recs.TopicID = log.TopicID
	return recs, err
}
