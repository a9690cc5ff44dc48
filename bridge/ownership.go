package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// ownership is the work on one partition under one claim.
type ownership struct {
	*run
	part   *partition
	claim  *kafka.Claim
	stored *queue.Partition
	log    *slog.Logger
	// topicID is the claim's until Kafka was asked again.
	topicID string
	aside   *recovery.Aside // what another store told of parked lanes; nil: none has
	paused  []queue.Pause   // here, when the claim began
	begins  bool            // neither the store nor the group had an offset of it
	sought  askers          // who waits until the partition has moved
	told    bool            // the hook was told of the claim
}

// Own works on a partition for as long as it is claimed. A partition that
// cannot be worked on is held by itself: returning would not help it, and the
// others go on.
func (r *run) Own(ctx context.Context, claim *kafka.Claim) {
	o := &ownership{
		run:     r,
		claim:   claim,
		log:     r.log.With("topic", claim.Topic, "partition", claim.Partition),
		topicID: claim.TopicID,
	}
	o.claims.begin(claim, o.cfg.Clock.Now())
	defer o.claims.end(claim)
	for o.term(ctx) {
	}
	if o.part != nil {
		o.part.wishes.own(false)
		o.part.claiming(false, time.Now())
	}
	if o.stored != nil {
		o.stored.Detach()
	}
}

// term works until the claim ends, or an operator wants to go on at another
// offset: then it is true, for the next term to begin there.
func (o *ownership) term(ctx context.Context) (again bool) {
	o.claims.set(o.claim, func(c *claimState) { c.working, c.err = false, nil })
	err := o.begin(ctx)
	switch {
	case errors.Is(err, errNotOurs):
		o.claims.set(o.claim, func(c *claimState) { c.unused = true })
		<-ctx.Done()
		return false
	case o.part == nil:
		o.hold(ctx, err)
		return false
	}
	work, stop := o.part.wishes.heed(ctx)
	defer stop()
	if err != nil {
		o.sought.answer(err)
		o.hold(work, err)
	} else {
		o.workOn(ctx, work)
	}
	return ctx.Err() == nil
}

// errNotOurs is for a topic with a fixed list of partitions that the group also
// assigns, because a pattern matches its name: its own entry counts.
var errNotOurs = errors.New("partition is not in the topic's list")

// begin loads the partition, unless an earlier term has, and makes it agree with
// Kafka and with what an operator wants.
func (o *ownership) begin(ctx context.Context) error {
	tp := queue.TopicPartition{Topic: o.claim.Topic, Partition: o.claim.Partition}
	part, to, err := o.take(tp, o.claim.Fixed)
	if err != nil {
		return err
	}
	if !o.claim.Fixed {
		o.parts.rejoined(time.Now())
	}
	o.part = part
	part.wishes.own(true)
	part.claiming(true, time.Now())
	o.sought = part.wishes.take()
	o.paused = o.store.Pauses() // before operators find the partition
	if o.stored == nil {
		if o.stored, err = o.store.Attach(tp); err != nil {
			return fmt.Errorf("load %s from the store: %w", tp, err)
		}
	}
	if err := o.reconcile(ctx); err != nil {
		return err
	}
	if err := o.stored.Configure(o.claim.TopicID, to.scheme); err != nil {
		return fmt.Errorf("configure %s: %w", tp, err)
	}
	if err := o.heed(); err != nil {
		return fmt.Errorf("park lanes of %s: %w", tp, err)
	}
	if err := o.stored.OnlyLatest(to.onlyLatest); err != nil {
		return fmt.Errorf("supersede older jobs of %s: %w", tp, err)
	}
	return o.charge(ctx)
}

// heed takes over what another store has parked and paused. What operators have
// paused here stays so, and what they have resumed while Kafka was asked.
func (o *ownership) heed() error {
	if o.aside == nil {
		return nil
	}
	if err := o.aside.Apply(o.stored); err != nil {
		return err
	}
	here := make(map[queue.Scope]bool)
	for _, p := range append(o.stored.Pauses(), o.paused...) {
		here[p.Scope] = true
	}
	for _, p := range o.aside.Paused {
		scope := queue.Scope{Topic: o.claim.Topic, Partition: o.claim.Partition, OfLane: !p.All, Lane: p.Lane}
		if here[scope] {
			continue
		}
		pause := queue.Pause{Scope: scope, Until: p.Until, Reason: "paused at store " + o.aside.Store}
		if _, err := o.store.Pause(pause); err != nil {
			return err
		}
	}
	o.aside, o.paused = nil, nil
	return nil
}

// workOn fetches, lets jobs start and commits until work ends, and then, unless
// that is for a new term, lets go of the partition, as it does when ctx ends.
func (o *ownership) workOn(ctx, work context.Context) {
	commits := newCommitter(o)
	state := o.stored.State()
	o.log.Info("partition taken", "frontier", state.Frontier, "next", state.Next, "open", state.Open, "halted", state.Halted)
	if !o.told {
		o.told = true
		o.hooks.assigned(Assigned{
			Topic:     o.claim.Topic,
			Partition: o.claim.Partition,
			Frontier:  state.Frontier,
			Next:      state.Next,
			Open:      state.Open,
			Halted:    state.Halted,
		})
	}
	o.poison.admit(o.cfg.Clock.Now())
	wake := o.part.admit(o.jobs, o.cfg.Clock, o.claim, o.stored)
	o.claims.set(o.claim, func(c *claimState) { c.working = true })

	var committing sync.WaitGroup
	begun := make(chan struct{})
	committing.Go(func() { commits.loop(work, wake, begun) })
	if o.begins || len(o.sought) > 0 { // else a crash, or the next owner, could begin elsewhere and leave out what was read
		select {
		case <-begun:
			o.sought.answer(nil)
		case <-work.Done():
			o.part.wishes.put(o.sought)
		}
	}
	if err := o.fetch(work); err != nil {
		o.hold(work, err)
	}
	committing.Wait()
	if ctx.Err() == nil {
		o.part.withdraw(false)
		return
	}
	o.letGo(context.Cause(ctx), commits)
}

// hold keeps the claim of a partition that needs a person, until it ends. What
// is already stored goes on where it may.
func (o *ownership) hold(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, queue.ErrStoreFailed) { // the failure of the store is everybody's, and said once
		o.log.Error("partition held, the others go on", "error", err)
		o.claims.set(o.claim, func(c *claimState) { c.err, c.errAt = err, o.cfg.Clock.Now() })
		o.hooks.held(Held{Topic: o.claim.Topic, Partition: o.claim.Partition, Err: err})
	}
	<-ctx.Done()
}

// letGo ends the work on the partition within the claim's time.
func (o *ownership) letGo(cause error, commits *committer) {
	ctx, cancel := context.WithTimeout(context.Background(), o.letGoWithin(cause))
	defer cancel()
	if o.aborted.Err() == nil {
		defer context.AfterFunc(o.aborted, cancel)()
	}
	lost := errors.Is(cause, kafka.ErrLost)
	o.part.withdraw(lost)
	interrupted := 0
	if errors.Is(cause, kafka.ErrRevoked) {
		interrupted = o.drain(ctx)
	}
	var err error
	if !lost { // a lost claim's commit would be refused
		err = commits.commitFull(ctx)
	}
	o.log.Info("partition given up", "cause", cause, "committed", commits.sent, "interrupted", interrupted,
		"ahead_offsets", commits.ahead(), "left", commits.stamp.Left,
		"filtered", o.part.dropped[filtered].Load(), "expired", o.part.dropped[expired].Load())
	if err != nil {
		o.log.Warn("the last offset was not committed; finished jobs stay finished here, another owner runs again what its last commit does not cover",
			"frontier", o.stored.Frontier(), "error", err)
	}
	o.hooks.revoked(Revoked{
		Topic:       o.claim.Topic,
		Partition:   o.claim.Partition,
		Cause:       publicCause(cause),
		Committed:   commits.sent,
		Interrupted: interrupted,
		Left:        commits.stamp.Left,
	})
}

// letGoWithin is the time for all of it. Only a revocation has jobs to wait
// for, since at a stop they have ended, and others wait for it anyway.
func (o *ownership) letGoWithin(cause error) time.Duration {
	switch {
	case o.aborted.Err() != nil:
		return abortMost
	case errors.Is(cause, kafka.ErrRevoked):
		return o.claim.DrainWithin
	}
	return min(o.claim.DrainWithin, settleMost)
}

// Of the time that the group gives for a revocation, this share is kept for
// cancelled runs to return, and this for the last flush and commit.
const (
	returnShare, settleShare = 5, 5 // each 1/5
	returnMost, settleMost   = 5 * time.Second, 5 * time.Second
	abortMost                = time.Second
)

// drain waits for the partition's runs and, when time gets short, cancels
// their contexts. It returns how many were cancelled.
func (o *ownership) drain(ctx context.Context) (interrupted int) {
	settle := min(o.claim.DrainWithin/settleShare, settleMost)
	giveBack := min(o.claim.DrainWithin/returnShare, returnMost)
	deadline, _ := ctx.Deadline()

	patient, cancel := context.WithDeadline(ctx, deadline.Add(-settle-giveBack))
	defer cancel()
	if o.stored.Idle(patient) == nil {
		return 0
	}
	interrupted = o.stored.Running()
	o.part.interrupt(ErrRevoked)
	last, cancel := context.WithDeadline(ctx, deadline.Add(-settle))
	defer cancel()
	if o.stored.Idle(last) != nil {
		o.log.Warn("runs did not return when their contexts were cancelled; the next owner runs these jobs again",
			"running", o.stored.Running())
	}
	return interrupted
}

// publicCause is the cause of a claim's end in the words of this package.
func publicCause(cause error) error {
	switch {
	case errors.Is(cause, kafka.ErrRevoked):
		return ErrRevoked
	case errors.Is(cause, kafka.ErrStopping):
		return ErrStopping
	}
	return cause
}
