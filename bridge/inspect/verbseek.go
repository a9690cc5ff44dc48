package inspect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Seek lets partitions go on from another offset, forward or back. It also mends
// one that is held because the group's offset, or the log, is not what it was.
// Without a bridge, the wish is stored and carried out when the partition is
// assigned here again.
const Seek Verb = "seek"

// Position is where a seek goes. Exactly one of Offset, Time, Oldest and Newest
// is set.
type Position struct {
	Offset *int64    `json:"offset,omitzero"` // of one partition
	Time   time.Time `json:"time,omitzero"`   // the first record that is not older
	Oldest bool      `json:"oldest,omitzero"` // what Kafka still has
	Newest bool      `json:"newest,omitzero"` // only what comes from now on
	// KeepStored lets stored jobs below the offset run all the same: only what is
	// not stored yet is skipped.
	KeepStored bool `json:"keep_stored,omitzero"`
}

func (p *Position) isZero() bool { return p == nil }

// SeekTarget is a partition that a plan would move.
type SeekTarget struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	TopicID   string `json:"topic_id"`
	To        int64  `json:"to"`        // the offset to go on from
	Committed int64  `json:"committed"` // -1: none
	Frontier  int64  `json:"frontier"`  // -1: none
	Next      int64  `json:"next"`      // next offset to store; -1: none
	// Log is what Kafka has; nil where it could not be asked: the offset is
	// checked before it is gone to.
	LogStart *int64 `json:"log_start"`
	LogEnd   *int64 `json:"log_end"`
	// Skips are unfinished jobs that never run, SkipsUnread offsets that are not
	// read from Kafka, Reruns offsets that may be finished and run again, and
	// Refetched unfinished jobs that begin anew. Offsets have gaps: apart from
	// Skips, these are upper bounds.
	Skips       int   `json:"skips"`
	SkipsUnread int64 `json:"skips_unread"`
	Reruns      int64 `json:"reruns"`
	Refetched   int   `json:"refetched"`
	Running     int   `json:"running"`      // runs under way, which go on
	Parked      int   `json:"parked_lanes"` // they stay
	Dead        int   `json:"dead"`         // dead letters, which stay
	// Replaced: what is stored is not of the log that Kafka has. It goes.
	Replaced bool `json:"replaced"`
}

func (t SeekTarget) tp() queue.TopicPartition {
	return queue.TopicPartition{Topic: t.Topic, Partition: t.Partition}
}

// String is where the target goes.
func (t SeekTarget) String() string { return fmt.Sprintf("%s to %d", t.tp(), t.To) }

type seekVerb struct{}

func (seekVerb) validate(c Command) error {
	var problems []error
	say := func(wrong bool, text string) {
		if wrong {
			problems = append(problems, errors.New(text))
		}
	}
	q := c.Select
	say(len(q.Partitions) == 0, "seek needs its partitions by number")
	say(len(q.Offsets) > 0 || q.From > 0 || q.Key != nil || q.Lane != nil || len(q.States) > 0 || q.Limit > 0, "seek selects partitions, not jobs")
	if c.To == nil {
		return errors.Join(append(problems, errors.New("seek needs an offset, a time, oldest or newest"))...)
	}
	ways := 0
	for _, given := range []bool{c.To.Offset != nil, !c.To.Time.IsZero(), c.To.Oldest, c.To.Newest} {
		if given {
			ways++
		}
	}
	say(ways != 1, "seek needs exactly one of an offset, a time, oldest and newest")
	say(c.To.Offset != nil && len(q.Partitions) > 1, "an offset is of one partition")
	say(c.To.Offset != nil && *c.To.Offset < 0, "the offset is below zero")
	return errors.Join(problems...)
}

func (seekVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	parts, err := i.partitions(plan.Command.Select)
	if err != nil {
		return err
	}
	for _, p := range parts {
		t, err := i.seekTarget(ctx, p, plan.Command.To)
		for errors.Is(err, queue.ErrReset) { // by a seek of before, which is through now
			t, err = i.seekTarget(ctx, p, plan.Command.To)
		}
		if err != nil {
			return err
		}
		plan.Matched++
		if i.opt.Turn == nil && t.stored(p.State().Seek, plan.Command.To.KeepStored) {
			addOther(&plan.AlreadyDone, reasonStored)
			continue
		}
		plan.Seeks = append(plan.Seeks, t)
		t.explain(plan, i.opt.Turn != nil)
	}
	return nil
}

// stored reports whether the wish says the same: also what was committed by then,
// without which one that others have overtaken could not be given again.
func (t SeekTarget) stored(wish *queue.Seek, keep bool) bool {
	return wish != nil && !wish.Applied && wish.Offset == t.To && wish.Keep == keep && wish.TopicID == t.TopicID && wish.Committed >= t.Committed
}

// seekTarget tells what it means for a partition to go there.
func (i *inspector) seekTarget(ctx context.Context, p *queue.Partition, to *Position) (t SeekTarget, err error) {
	tp, state := p.TopicPartition(), p.State()
	t = SeekTarget{
		Topic: tp.Topic, Partition: tp.Partition, TopicID: state.TopicID,
		Committed: state.Acknowledged, Frontier: state.Frontier, Next: state.Next,
		Running: p.Running(), Parked: state.Parked, Dead: i.store.DeadCount(tp).Letters,
	}
	if err := i.findOffset(ctx, &t, to); err != nil {
		return t, err
	}
	if t.LogStart != nil && (t.To < *t.LogStart || t.To > *t.LogEnd) {
		return t, fmt.Errorf("%s: %w: Kafka has offsets %d to %d", t, ErrOutOfRange, *t.LogStart, *t.LogEnd)
	}
	t.Replaced = state.TopicID != "" && t.TopicID != "" && t.TopicID != state.TopicID || t.LogEnd != nil && state.Next > *t.LogEnd
	switch {
	case state.Next < 0:
	case t.Replaced:
		t.Skips = state.Open
	case t.To < state.Frontier:
		t.Refetched = state.Open
		t.Reruns = state.Next - t.To - int64(state.Open)
	default:
		t.SkipsUnread = max(0, t.To-state.Next)
		if !to.KeepStored {
			t.Skips, err = openBelow(ctx, p, t.To)
		}
	}
	return t, err
}

// findOffset resolves the position, and learns what Kafka has.
func (i *inspector) findOffset(ctx context.Context, t *SeekTarget, to *Position) error {
	if i.opt.Kafka == nil {
		if to.Offset == nil {
			return ErrNoKafka
		}
		t.To = *to.Offset
		return nil
	}
	log, err := i.opt.Kafka.Log(ctx, t.Topic, t.Partition)
	if err != nil {
		return fmt.Errorf("%s: %w", t.tp(), err)
	}
	t.TopicID, t.LogStart, t.LogEnd = log.TopicID, &log.Start, &log.End
	if log.Committed >= 0 {
		t.Committed = log.Committed
	}
	switch {
	case to.Offset != nil:
		t.To = *to.Offset
	case to.Oldest:
		t.To = log.Start
	case to.Newest:
		t.To = log.End
	default:
		t.To, err = i.opt.Kafka.OffsetAt(ctx, t.Topic, t.Partition, to.Time)
	}
	return err
}

// openBelow counts the unfinished jobs below an offset.
func openBelow(ctx context.Context, p *queue.Partition, offset int64) (n int, err error) {
	for j, err := range p.Pending(ctx, 0) {
		if err != nil {
			return 0, notHeld(err)
		}
		if j.Offset >= offset {
			break
		}
		if !j.Aside {
			n++
		}
	}
	return n, nil
}

// explain says it in sentences.
func (t SeekTarget) explain(plan *Plan, live bool) {
	say := func(format string, args ...any) {
		plan.say("%s: %s", t.tp(), fmt.Sprintf(format, args...))
	}
	switch {
	case t.Next < 0:
		say("it begins at offset %d.", t.To)
	case t.Replaced:
		say("what is stored is of a log that Kafka has no more: %s of it never run. It begins at offset %d of the one of today.", words.Number(t.Skips, "unfinished job"), t.To)
	case t.Reruns > 0 || t.Refetched > 0:
		say("it goes back from offset %d to %d: at most %s that are finished run again, those done ahead of the committed offset included.", t.Frontier, t.To, words.Number(t.Reruns, "offset"))
	case t.Skips == 0 && t.SkipsUnread == 0:
		say("it goes on at offset %d: nothing is skipped, nothing runs again.", t.To)
	default:
		unread := ""
		if t.SkipsUnread > 0 {
			unread = fmt.Sprintf(", and at most %s are never read", words.Number(t.SkipsUnread, "offset"))
		}
		say("it goes on at offset %d: %s stored and unfinished below it never run%s. Nothing runs again.", t.To, words.Number(t.Skips, "job"), unread)
	}
	if t.Refetched > 0 {
		say("%s read from Kafka once more: attempts, errors and checkpoints are forgotten.", words.AreNumber(t.Refetched, "unfinished job"))
	}
	if t.Running > 0 {
		say("runs under way go on: %d. Of one below the new offset nothing is recorded.", t.Running)
	}
	if t.Parked > 0 {
		say("parked lanes stay aside with their jobs: %d.", t.Parked)
	}
	switch again := t.Reruns > 0 || t.Refetched > 0; {
	case t.Dead == 0 || t.Next < 0:
	case again:
		say("dead letters stay: %d. Those whose records are read again run beside that.", t.Dead)
	default:
		say("dead letters stay: %d.", t.Dead)
	}
	if t.LogStart == nil {
		say("Kafka was not asked whether it has the offset; where it has not, the partition is held and nothing is dropped.")
	}
	if !live {
		say("this is stored, and done when the partition is assigned here again; where another bridge of the group has gone on beyond it by then, the partition is held instead.")
	}
}

const (
	reasonAnotherTopic = "its topic was deleted and created anew since the plan was made"
	reasonStored       = "stored; it is moved when it is assigned here again"
)

func (seekVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	targets := slices.Clone(plan.Seeks)
	for _, t := range targets {
		p := find(i.store.Attached(), t.tp())
		switch {
		case p == nil:
			addOther(&op.Refused, reasonNotHeld)
			continue
		case i.opt.Kafka == nil && p.State().TopicID != t.TopicID:
			addOther(&op.Refused, reasonAnotherTopic)
			continue
		}
		wish := queue.Seek{Offset: t.To, Keep: plan.Command.To.KeepStored, TopicID: t.TopicID, Committed: t.Committed, Asked: i.now()}
		err := p.AskSeek(wish)
		if err == nil {
			err = i.store.Sync(ctx)
		}
		if err == nil && i.opt.Turn != nil {
			err = i.opt.Turn(ctx, t.tp())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t, notHeld(err))
		}
		op.Seeks = append(op.Seeks, t)
		if i.opt.Turn == nil {
			op.say("%s: %s.", t, reasonStored)
		}
		said, level := "partition moved by an operator", slog.LevelWarn
		if i.opt.Turn == nil {
			said, level = "partition is to be moved, by an operator", slog.LevelInfo
		}
		i.opt.Logger.Log(ctx, level, said, "topic", t.Topic, "partition", t.Partition, "to", t.To,
			"frontier_before", t.Frontier, "skips", t.Skips, "skips_unread", t.SkipsUnread, "reruns", t.Reruns,
			"stored_only", i.opt.Turn == nil, "reason", op.Command.Reason)
	}
	return nil
}
