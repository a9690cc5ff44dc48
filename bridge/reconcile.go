package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// Kafka is asked again this often while it does not answer.
const (
	askAgainFirst = 250 * time.Millisecond
	askAgainMax   = 5 * time.Second
)

// reconcile makes the stored partition and Kafka's committed offset agree. An
// error means that a person has to decide: nothing was changed.
func (o *ownership) reconcile(ctx context.Context) error {
	var facts recovery.Facts
	var acknowledged int64
	err := o.ask(ctx, func() (err error) {
		// Before the question: asked anew, our own committer goes on meanwhile,
		// and what it commits is not to be taken for a lower offset set by others.
		acknowledged = o.stored.State().Acknowledged
		facts, err = o.facts(ctx)
		return err
	})
	if err != nil {
		return err
	}
	local := o.stored.State()
	local.Acknowledged = acknowledged
	decision, err := recovery.Reconcile(local, o.store.Identity(), facts, o.policy())
	if err != nil {
		return err
	}
	if decision.Older != "" {
		o.log.Warn(decision.Older)
	}
	for _, note := range decision.Notes {
		o.log.Info(note)
	}
	if err := decision.Apply(o.stored); err != nil {
		return fmt.Errorf("%v to offset %d: %w", decision.Action, decision.Offset, err)
	}
	o.aside = decision.Aside
	o.begins = decision.Action == recovery.Begin && facts.Committed < 0
	return nil
}

// facts collects what Kafka says about the partition.
func (o *ownership) facts(ctx context.Context) (recovery.Facts, error) {
	f := recovery.Facts{TopicID: o.topicID, AtTime: -1, Nonce: o.opened.Nonce}
	var err error
	f.Committed, f.Metadata, err = o.claim.Committed(ctx)
	if errors.Is(err, sarama.ErrGroupIDNotFound) { // no member, no commit so far: all partitions are fixed
		f.Committed, err = -1, nil
	}
	if err != nil {
		return f, fmt.Errorf("read the committed offset: %w", err)
	}
	f.Committing = o.part.committing.Load()
	if stamp, err := recovery.DecodeStamp(f.Metadata); err == nil {
		f.Lacking = o.stored.Lacking(stamp.Ahead)
	}
	if f.LogStart, f.LogEnd, err = o.claim.Bounds(ctx); err != nil {
		return f, fmt.Errorf("read the bounds of the log: %w", err)
	}
	if !o.cfg.Start.Time.IsZero() {
		if f.AtTime, err = o.claim.OffsetAt(ctx, o.cfg.Start.Time); err != nil {
			return f, fmt.Errorf("find the offset of %v: %w", o.cfg.Start.Time, err)
		}
	}
	return f, o.compareLog(ctx, &f)
}

// ask repeats a question to Kafka until it is answered, refused or pointless.
func (o *ownership) ask(ctx context.Context, question func() error) error {
	for pause := askAgainFirst; ; pause = min(2*pause, askAgainMax) {
		err := question()
		if err == nil || ctx.Err() != nil || refused(err) {
			return err
		}
		if pause == askAgainFirst {
			o.log.Warn("Kafka does not answer, will ask again", "error", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// refused tells whether asking again cannot help. An unknown topic is not among
// that: a broker that has just started says so for a moment, and a topic that
// is gone ends the claim.
func refused(err error) bool {
	return errors.As(err, new(*kafka.OutOfRangeError)) || errors.Is(err, kafka.ErrFenced)
}

func (o *ownership) policy() recovery.Policy {
	p := recovery.Policy{OnExternalReset: recovery.ResetStop, Start: recovery.StartOldest, Scheme: o.part.route.scheme}
	if o.cfg.OnExternalReset == ResetFollow {
		p.OnExternalReset = recovery.ResetFollow
	}
	switch {
	case o.cfg.Start.Newest:
		p.Start = recovery.StartNewest
	case !o.cfg.Start.Time.IsZero():
		p.Start = recovery.StartTime
	}
	return p
}
