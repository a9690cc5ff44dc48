package inspect

import (
	"context"

	"github.com/seed-2837c37b/holdfast/queue"
)

// What is read behind the first record of a plan, to tell whether later jobs of
// the records' lanes are done.
const (
	behindRecords = 10_000
	behindBytes   = 16 << 20
)

// lookBehind tells of targets, which ascend, whether a later job of their lanes is
// done. No store remembers that of each lane, but the records behind them tell it:
// what is stored, not open and not dead is done.
func (i *inspector) lookBehind(ctx context.Context, p *queue.Partition, targets []AgainTarget, lanes []queue.Lane) error {
	if len(targets) == 0 {
		return nil
	}
	of := map[uint64]bool{}
	for n, lane := range lanes {
		if lane.Own {
			targets[n].Overtaken = new(bool)
		} else {
			of[lane.ID] = true
		}
	}
	if len(of) == 0 {
		return nil
	}
	later, all, err := i.readBehind(ctx, p, targets[0].Offset+1, of)
	if err != nil {
		return err
	}
	last, err := i.lastDone(ctx, p, later)
	if err != nil {
		return err
	}
	for n := range targets {
		t := &targets[n]
		if done, some := last[lanes[n].ID]; t.Overtaken == nil && (all || some && done > t.Offset) {
			overtaken := some && done > t.Offset
			t.Overtaken = &overtaken
		}
	}
	return nil
}

// laterRecord is a record of a lane.
type laterRecord struct {
	offset int64
	lane   uint64
}

// readBehind lists the stored records of some lanes from an offset on, and tells
// whether these are all.
func (i *inspector) readBehind(ctx context.Context, p *queue.Partition, from int64, lanes map[uint64]bool) (later []laterRecord, all bool, err error) {
	tp, end := p.TopicPartition(), p.State().Next
	records, size := 0, 0
	for from < end && records < behindRecords && size < behindBytes {
		answer, err := i.opt.Kafka.Read(ctx, tp.Topic, tp.Partition, from, end-1)
		if ctx.Err() != nil {
			return nil, false, context.Cause(ctx)
		}
		if err != nil || answer.Next <= from { // it is for people
			return later, false, nil
		}
		for n := range answer.Records {
			r := &answer.Records[n]
			records++
			size += bytesOf(r)
			if r.Offset < end && !r.Lane.Own && lanes[r.Lane.ID] {
				later = append(later, laterRecord{r.Offset, r.Lane.ID})
			}
		}
		from = answer.Next
	}
	return later, from >= end, nil
}

// lastDone returns the highest offset of each lane that is done, of records that
// ascend.
func (i *inspector) lastDone(ctx context.Context, p *queue.Partition, later []laterRecord) (map[uint64]int64, error) {
	offsets := make([]int64, len(later))
	for n, r := range later {
		offsets[n] = r.offset
	}
	open := map[int64]bool{}
	jobs, err := p.Find(ctx, offsets...)
	if err != nil {
		return nil, notHeld(err)
	}
	for _, j := range jobs {
		open[j.Offset] = true
	}
	dead, err := i.deadAmong(ctx, p, offsets)
	if err != nil {
		return nil, err
	}
	last := map[uint64]int64{}
	for _, r := range later {
		if !open[r.offset] && !dead[r.offset] {
			last[r.lane] = r.offset
		}
	}
	return last, nil
}
