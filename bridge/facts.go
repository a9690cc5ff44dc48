package bridge

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// facts is what the inspector asks of a running bridge.
type facts struct{ *run }

func (f facts) Member() inspect.Member {
	m := f.cluster.Membership()
	return inspect.Member{
		ID: m.ID, Instance: m.Instance, Generation: m.Generation, Joined: m.Joined, Confirmed: m.Confirmed,
		Sessions: m.Sessions, Rebalances: m.Rebalances, Copy: f.copySeen(), Missing: m.Missing,
	}
}

func (f facts) Lease() time.Time { return f.cluster.Lease() }

// copySeen tells of another process that works with a copy of the data directory.
func (f facts) copySeen() string { return cmp.Or(f.cluster.CopySeen(), f.copies.seen()) }

func (f facts) Pool() inspect.Pool {
	want, busy, deferred := f.pool.count()
	return inspect.Pool{Workers: want, Busy: busy, Deferred: deferred, Stopping: f.stopping.Err() != nil}
}

// count tells how busy the workers are.
func (p *pool) count() (want, busy, deferred int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.alive {
		if w.running.Load() != nil {
			busy++
		}
	}
	return p.want, busy, len(p.apart)
}

func (f facts) Workers() (list []inspect.Worker) {
	now := f.cfg.Clock.Now()
	for _, w := range f.pool.workers() {
		lead := w.running.Load()
		if lead == nil {
			continue
		}
		for _, a := range lead.together() {
			list = append(list, a.show(now))
		}
	}
	for _, job := range f.pool.detached() {
		one := job.run.show(now)
		one.Deferred = true
		list = append(list, one)
	}
	return list
}

// detached lists the jobs that go on without a worker.
func (p *pool) detached() (jobs []*Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for job := range p.apart {
		jobs = append(jobs, job)
	}
	return jobs
}

// show tells of a run under way.
func (a *attempt) show(now time.Time) inspect.Worker {
	lead := a.leader()
	w := inspect.Worker{
		Name:      inspect.Name{Topic: a.Topic, Partition: a.Partition, Offset: a.Offset},
		ID:        a.ID(),
		Key:       a.Key,
		Lane:      a.Lane,
		Attempt:   a.Attempt,
		Started:   lead.began,
		Running:   max(0, now.Sub(lead.began)),
		Batch:     len(lead.together()),
		Cancelled: a.cancelled.Load() != nil,
	}
	if p := lead.pulse(); p != nil {
		silent := p.silent()
		w.Silent, w.Stuck = &silent, silent >= p.limit
	}
	if limit := lead.ctx.limit; limit != nil {
		w.Timeout = limit.at
	}
	return w
}

func (f facts) Topic(name string) (inspect.TopicSettings, bool) {
	to, err := f.routes.find(name)
	if err != nil {
		return inspect.TopicSettings{}, false
	}
	s := inspect.TopicSettings{
		OnFailure:   to.onFailure.String(),
		Attempts:    attemptsOf(to.retry),
		Concurrency: to.concurrency,
		Rate:        to.rate,
		Timeout:     to.timeout,
		Heartbeat:   to.heartbeat,
		Keep:        to.keeping.age,
		KeepBytes:   to.keeping.bytes,
	}
	if out, is := f.outages.of(to.dead.topic); is {
		s.CopyErr, s.CopySince = out.err.Error(), out.since
	}
	f.guards.mu.Lock()
	g := f.guards.byTopic[name]
	f.guards.mu.Unlock()
	if g != nil && to.onFailure == BuryJob {
		s.Guard = g.show(f.cfg.Clock.Now())
	}
	return s, true
}

// attemptsOf is after how many attempts a policy gives up; 0: never, or it
// decides otherwise.
func attemptsOf(policy RetryPolicy) int {
	if b, ok := policy.(Backoff); ok {
		return b.MaxAttempts
	}
	return 0
}

// show tells what is left of the topic's burials.
func (g *guard) show(now time.Time) *inspect.GuardStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass(now)
	return &inspect.GuardStatus{Active: g.holding, Tokens: g.tokens, Bucket: g.limit.Bucket, Refused: g.held}
}

func (f facts) Claims() (list []inspect.Claim) {
	for _, c := range f.claims.list() {
		one := inspect.Claim{
			PartitionName: inspect.PartitionName{Topic: c.claim.Topic, Partition: c.claim.Partition},
			Fixed:         c.claim.Fixed, Since: c.since, Working: c.working,
			Committing: c.committing, CommitSince: c.commitSince,
			ErrAt: c.errAt, Lease: c.claim.Lease(),
		}
		if c.err != nil {
			one.Err = c.err.Error()
		}
		if c.commitErr != nil {
			one.CommitErr = c.commitErr.Error()
		}
		list = append(list, one)
	}
	return list
}

func (f facts) Rates(topic string, partition int32) inspect.Rates {
	return f.meters.rates(queue.TopicPartition{Topic: topic, Partition: partition})
}

func (f facts) Growth() *float64 { return f.meters.growth() }

func (f facts) Log(ctx context.Context, parts []inspect.PartitionName) map[inspect.PartitionName]inspect.LogBounds {
	return f.logs.look(ctx, f.cluster, parts)
}

func (f facts) Retention(ctx context.Context, topic string) (inspect.Retention, error) {
	return f.logs.retention(ctx, f.cluster, topic)
}

func (f facts) Owner(ctx context.Context, topic string, partition int32) (inspect.Owner, error) {
	ctx, cancel := context.WithTimeout(ctx, boundsWithin)
	defer cancel()
	offset, metadata, err := f.cluster.Committed(ctx, topic, partition)
	if err != nil {
		return inspect.Owner{}, err
	}
	owner := inspect.Owner{Committed: offset}
	stamp, err := recovery.DecodeStamp(metadata)
	if err != nil && !errors.Is(err, recovery.ErrNotStamp) {
		return inspect.Owner{}, err
	}
	if err == nil {
		owner.Store, owner.Epoch = stamp.StoreID, stamp.Epoch
		owner.Ours = stamp.StoreID == f.store.Identity().StoreID
	}
	return owner, nil
}
