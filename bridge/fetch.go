package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

// fetch reads the partition, unless the bridge is drained, until ctx ends or no
// more records are wanted. An
// error means that it can be read no further.
func (o *ownership) fetch(ctx context.Context) error {
	wanted, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(o.stopping, stop)()
	for pause := askAgainFirst; ; pause = min(2*pause, askAgainMax) {
		flow, ebb, ok := o.drainage.flow(wanted)
		if !ok {
			return nil
		}
		err := o.readOn(flow)
		drains := flow.Err() != nil && wanted.Err() == nil
		ebb()
		if drains {
			pause = askAgainFirst / 2
			continue
		}
		if errors.As(err, new(*kafka.OutOfRangeError)) || errors.Is(err, kafka.ErrUnknownTopic) {
			err = o.reconcileAnew(wanted)
		}
		if wanted.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		o.log.Warn("reading ended early, will go on", "offset", o.stored.State().Next)
		select {
		case <-wanted.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// readOn opens the stream at the next offset to store and reads until it ends.
func (o *ownership) readOn(ctx context.Context) error {
	var stream *kafka.Stream
	next := o.stored.State().Next
	err := o.ask(ctx, func() (err error) {
		stream, err = o.claim.Fetch(ctx, next)
		return err
	})
	if err != nil {
		return err
	}
	r := newReader(o, stream, next)
	err = r.read(ctx)
	closed := stream.Close()
	r.tail.wait()
	return errors.Join(err, closed)
}

// reconcileAnew says what became of the log. The topic may be another one by
// now, under the same name, which the claim does not know.
func (o *ownership) reconcileAnew(ctx context.Context) error {
	err := o.ask(ctx, func() (err error) {
		o.topicID, err = o.claim.AskTopicID(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := o.reconcile(ctx); err != nil {
		return err
	}
	return o.heed()
}
