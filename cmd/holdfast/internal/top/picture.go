package top

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Bridge is what is read of an inspector.
type Bridge interface {
	Status(context.Context) (inspect.Status, error)
	Lanes(context.Context, inspect.LaneQuery) iter.Seq2[inspect.Lane, error]
	Workers(context.Context) ([]inspect.Worker, error)
	Explain(ctx context.Context, topic string, partition int32, offset *int64) (inspect.Explanation, error)
}

// view is what the lower part of the screen is about.
type view int

const (
	viewPartitions view = iota
	viewLanes
	viewWorkers
	viewCount
)

// wanted is what has to be asked for a screen.
type wanted struct {
	view      view
	lanes     inspect.LaneOrder
	explained subject // the zero value: nothing is
}

// subject is what an explanation is about.
type subject struct {
	topic     string // empty: nothing
	partition int32
	offset    int64 // -1: the partition
}

func (s subject) String() string {
	if s.offset < 0 {
		return fmt.Sprintf("%s/%d", s.topic, s.partition)
	}
	return fmt.Sprintf("%s/%d@%d", s.topic, s.partition, s.offset)
}

// picture is what a bridge answered.
type picture struct {
	of          wanted
	status      inspect.Status
	lanes       []inspect.Lane
	workers     []inspect.Worker
	explanation *inspect.Explanation
}

// maxLanes is how many lanes are asked for: nobody scrolls further.
const maxLanes = 200

// patience is how long a bridge may take to answer before the screen says so.
const patience = 10 * time.Second

// take asks the bridge.
func take(ctx context.Context, b Bridge, want wanted) (p picture, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p.of = want
	if p.status, err = b.Status(ctx); err != nil {
		return p, err
	}
	switch {
	case want.explained.topic != "":
		return p, p.explain(ctx, b, want.explained)
	case want.view == viewLanes:
		for lane, err := range b.Lanes(ctx, inspect.LaneQuery{Sort: want.lanes, Limit: maxLanes}) {
			if err != nil {
				return p, err
			}
			p.lanes = append(p.lanes, lane)
		}
	case want.view == viewWorkers:
		p.workers, err = b.Workers(ctx)
	}
	return p, err
}

func (p *picture) explain(ctx context.Context, b Bridge, s subject) error {
	var offset *int64
	if s.offset >= 0 {
		offset = &s.offset
	}
	e, err := b.Explain(ctx, s.topic, s.partition, offset)
	p.explanation = &e
	return err
}
