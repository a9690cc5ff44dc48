package inspect

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// scene is all that an explanation goes by. It is gathered first, and judged
// without asking anybody again.
type scene struct {
	view
	now     time.Time
	asked   *int64
	live    bool
	storeID string
	failed  error // the store's
	damaged error // the partition's

	settings *TopicSettings // nil: not known
	topic    queue.TopicState
	member   *Member
	pool     *Pool
	drain    DrainState
	pending  int // outcomes of all partitions that are not on disk

	job    *JobDetail // at the frontier, or asked about
	jobErr error
	worker *Worker        // that runs it
	taker  *BulkOperation // that is about to take it
	behind time.Time      // timestamp of the first job behind it
	after  *JobDetail     // the job that it waits for

	outage   *Outage
	parked   []ParkedLane // the first of them, the largest first
	lanes    int          // how many there are
	apart    bool         // the job's lane is one of them, though the job is not
	pauses   []PauseEntry // that concern the partition
	suspects int
	testing  bool // one of the suspects runs

	left      *int64 // completions that a hand-over could not tell of
	retention *Retention
	owner     *Owner
	unknown   string // why there can be no such partition; empty: there can
	away      *queue.Away
	going     int             // runs of a partition that is not held any more
	needed    []BulkOperation // stored operations that are not through with it
}

// Explain tells why the committed offset of a partition is where it is.
func (i *inspector) Explain(ctx context.Context, topic string, partition int32, offset *int64) (Explanation, error) {
	s, err := i.scene(ctx, queue.TopicPartition{Topic: topic, Partition: partition}, offset)
	if err != nil {
		return Explanation{}, err
	}
	return s.explain(), nil
}

func (i *inspector) scene(ctx context.Context, tp queue.TopicPartition, asked *int64) (*scene, error) {
	s := &scene{now: i.now(), asked: asked, live: i.opt.Live != nil, storeID: i.store.Identity().StoreID, damaged: i.unreadable[tp]}
	if s.failed = i.store.Err(); s.failed != nil && !errors.Is(s.failed, queue.ErrStoreFailed) {
		return nil, s.failed
	}
	s.TopicPartition = tp
	for _, v := range i.views(ctx, func(other queue.TopicPartition) bool { return other == tp }) {
		s.view = v
	}
	s.topic, s.pending = i.store.TopicState(tp.Topic), i.store.Usage().Pending
	s.suspects, s.testing = i.store.OnProbation()
	if live := i.opt.Live; live != nil {
		member, pool := live.Member(), live.Pool()
		s.member, s.pool, s.drain = &member, &pool, i.drain()
		if set, ok := live.Topic(tp.Topic); ok {
			s.settings = &set
		}
	}
	for _, p := range i.store.Pauses() {
		if p.Topic == tp.Topic && (p.Partition == queue.AllPartitions || p.Partition == tp.Partition) {
			s.pauses = append(s.pauses, pauseOf(p))
		}
	}
	if s.failed != nil {
		return s, nil
	}
	if !s.known {
		return s, i.absent(ctx, s)
	}
	return s, i.present(ctx, s)
}

// absent gathers what is known of a partition that is not held.
func (i *inspector) absent(ctx context.Context, s *scene) error {
	away, err := i.store.Away()
	if err != nil && !errors.As(err, new(*queue.DamageError)) {
		return err
	}
	if at := slices.IndexFunc(away, func(a queue.Away) bool { return a.TopicPartition == s.TopicPartition }); at >= 0 {
		s.away = &away[at]
	}
	s.dead = i.store.DeadCount(s.TopicPartition)
	for _, c := range i.claims(s.Topic) {
		if c.Needs(s.Partition) {
			s.needed = append(s.needed, shownOperation(c.Entry))
		}
	}
	if live := i.opt.Live; live != nil {
		if owner, err := live.Owner(ctx, s.Topic, s.Partition); err == nil {
			s.owner = &owner
		}
		for _, w := range live.Workers() {
			if w.Topic == s.Topic && w.Partition == s.Partition {
				s.going++
			}
		}
		name := PartitionName(s.TopicPartition)
		if bounds, ok := live.Log(ctx, []PartitionName{name})[name]; ok && s.log == nil {
			s.log = &bounds
		}
	}
	if s.asked != nil {
		s.find(ctx, i, *s.asked)
	}
	if err := i.gatherParked(ctx, s); err != nil {
		return err
	}
	if s.away == nil && s.dead.Letters == 0 && s.lanes == 0 && s.going == 0 {
		s.unknown = i.noSuch(ctx, s.TopicPartition)
	}
	return nil
}

// noSuch tells why there can be no such partition; empty: there can, or that is
// not known.
func (i *inspector) noSuch(ctx context.Context, tp queue.TopicPartition) string {
	if i.opt.Entry != nil {
		if _, ok := i.opt.Entry(tp.Topic); !ok {
			return "the configuration has no entry for the topic"
		}
	}
	if i.opt.Live != nil && i.opt.Kafka != nil {
		if _, err := i.opt.Kafka.Log(ctx, tp.Topic, tp.Partition); errors.Is(err, ErrNoTopic) {
			return ErrNoTopic.Error()
		}
	}
	return ""
}

// present gathers what is known of a partition that is held.
func (i *inspector) present(ctx context.Context, s *scene) error {
	offset := s.State.Frontier
	if s.asked != nil {
		offset = *s.asked
	}
	if s.asked != nil || s.State.Open > 0 {
		s.find(ctx, i, offset)
	}
	s.outage = i.outage(s.Topic)
	s.lookAhead(ctx, i)
	if live := i.opt.Live; live != nil {
		if r, err := live.Retention(ctx, s.Topic); err == nil {
			s.retention = &r
		}
	}
	return i.gatherParked(ctx, s)
}

// lookAhead counts what a hand-over could not tell of, unless that takes long.
func (s *scene) lookAhead(ctx context.Context, i *inspector) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if left, err := i.leftBehind(ctx, s.part); err == nil {
		s.left = &left
	}
}

// find gathers what is known of one job. That it cannot be is told, and keeps
// nothing else from being told.
func (s *scene) find(ctx context.Context, i *inspector, offset int64) {
	d, err := i.job(ctx, Name{s.Topic, s.Partition, offset})
	if err != nil {
		s.jobErr = err
		return
	}
	s.job = &d
	s.worker, s.taker = i.running(d.Name), i.claimOn(ctx, &d)
	if d.After != nil {
		if after, err := i.job(ctx, *d.After); err == nil {
			s.after = &after
		}
	}
	if d.Behind > 0 && s.part != nil {
		s.behind = i.behind(ctx, s.part, offset)
	}
}

// behind returns the timestamp of the first job that waits for one; zero: it is
// not known.
func (i *inspector) behind(ctx context.Context, p *queue.Partition, offset int64) time.Time {
	jobs, err := p.Find(ctx, offset)
	if err != nil || len(jobs) == 0 {
		return time.Time{}
	}
	_, first := p.Behind(jobs[0])
	if first < 0 {
		return time.Time{}
	}
	if rec, open, err := p.Record(first); open && err == nil {
		return timestampOf(&rec)
	}
	return time.Time{}
}

// someParked is how many parked lanes an explanation names.
const someParked = 3

// gatherParked finds the lanes that are set aside.
func (i *inspector) gatherParked(ctx context.Context, s *scene) error {
	for lane, err := range i.store.ParkedLanes(ctx, s.TopicPartition) {
		if err != nil {
			return notHeld(err)
		}
		if lane.Released {
			continue
		}
		s.lanes++
		if d := s.job; d != nil && d.State != Parked && !d.Own && !lane.Lane.Own && d.Lane == string(lane.Lane.Name) {
			s.apart = true
		}
		s.parked = append(s.parked, parkedLane(lane, s.known))
		slices.SortFunc(s.parked, func(a, b ParkedLane) int { return int(b.Jobs - a.Jobs) })
		s.parked = s.parked[:min(len(s.parked), someParked)]
	}
	return nil
}
