package bridge

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Inspector shows the jobs of the partitions that the bridge has, and lets an
// operator retry or skip them. It can be asked for at any time; before
// [Bridge.Ready] and once Run has returned it answers
// [inspect.ErrNotRunning].
func (b *Bridge) Inspector() inspect.Inspector { return live{b} }

// live is the inspector of whatever store the bridge has open.
type live struct{ bridge *Bridge }

func (l live) now() (inspect.Inspector, error) {
	if i := l.bridge.inspector.Load(); i != nil {
		return *i, nil
	}
	return nil, fmt.Errorf("%w: inspect its data directory %s with inspect.Open", inspect.ErrNotRunning, l.bridge.cfg.DataDir)
}

// inspects lets the inspector work on an open store.
func (r *run) inspects() {
	i := inspect.New(r.store, r.inspectOptions())
	r.inspector.Store(&i)
}

func (r *run) inspectOptions() inspect.Options {
	return inspect.Options{
		Logger: r.log, Clock: r.cfg.Clock, LaneOf: r.routes.laneOf, Cancel: r.cancelRun, Live: facts{r},
		Kafka: asked{r.cluster, r.routes}, Drain: r.drainOrder, DrainState: r.drainage.state, Leave: r.leaveOrder, Turn: r.moveOn,
		Entry: r.entryOf, Set: r.adopt, SettingOf: r.settingOf, Unfit: r.unfit,
	}
}

// executeStored executes what operators have stored, until ctx ends.
func (r *run) executeStored(ctx context.Context) error {
	r.fail(inspect.ExecuteStored(ctx, r.store, r.inspectOptions()))
	return nil
}

func (l live) Partitions(ctx context.Context) ([]inspect.Partition, error) {
	i, err := l.now()
	if err != nil {
		return nil, err
	}
	list, err := i.Partitions(ctx)
	return list, ended(err)
}

func (l live) Jobs(ctx context.Context, q inspect.Query) iter.Seq2[inspect.Job, error] {
	return func(yield func(inspect.Job, error) bool) {
		i, err := l.now()
		if err != nil {
			yield(inspect.Job{}, err)
			return
		}
		for job, err := range i.Jobs(ctx, q) {
			if !yield(job, ended(err)) {
				return
			}
		}
	}
}

func (l live) Parked(ctx context.Context, q inspect.Query) iter.Seq2[inspect.ParkedLane, error] {
	return func(yield func(inspect.ParkedLane, error) bool) {
		i, err := l.now()
		if err != nil {
			yield(inspect.ParkedLane{}, err)
			return
		}
		for lane, err := range i.Parked(ctx, q) {
			if !yield(lane, ended(err)) {
				return
			}
		}
	}
}

func (l live) Pauses(ctx context.Context) ([]inspect.PauseEntry, error) {
	i, err := l.now()
	if err != nil {
		return nil, err
	}
	list, err := i.Pauses(ctx)
	return list, ended(err)
}

func (l live) Settings(ctx context.Context) ([]inspect.Setting, error) {
	i, err := l.now()
	if err != nil {
		return nil, err
	}
	list, err := i.Settings(ctx)
	return list, ended(err)
}

func (l live) Dead(ctx context.Context, q inspect.DeadQuery) iter.Seq2[inspect.DeadLetter, error] {
	return func(yield func(inspect.DeadLetter, error) bool) {
		i, err := l.now()
		if err != nil {
			yield(inspect.DeadLetter{}, err)
			return
		}
		for letter, err := range i.Dead(ctx, q) {
			if !yield(letter, ended(err)) {
				return
			}
		}
	}
}

func (l live) Plan(ctx context.Context, c inspect.Command) (inspect.Plan, error) {
	i, err := l.now()
	if err != nil {
		return inspect.Plan{}, err
	}
	plan, err := i.Plan(ctx, c)
	return plan, ended(err)
}

func (l live) Execute(ctx context.Context, plan inspect.Plan) (inspect.Operation, error) {
	i, err := l.now()
	if err != nil {
		return inspect.Operation{}, err
	}
	op, err := i.Execute(ctx, plan)
	return op, ended(err)
}

func (l live) Audit(ctx context.Context, q inspect.AuditQuery) iter.Seq2[inspect.AuditEntry, error] {
	return func(yield func(inspect.AuditEntry, error) bool) {
		i, err := l.now()
		if err != nil {
			yield(inspect.AuditEntry{}, err)
			return
		}
		for entry, err := range i.Audit(ctx, q) {
			if !yield(entry, ended(err)) {
				return
			}
		}
	}
}

func (l live) Operations(ctx context.Context) ([]inspect.BulkOperation, error) {
	i, err := l.now()
	if err != nil {
		return nil, err
	}
	list, err := i.Operations(ctx)
	return list, ended(err)
}

func (l live) Snapshot(ctx context.Context, path string) (inspect.SnapshotReport, error) {
	i, err := l.now()
	if err != nil {
		return inspect.SnapshotReport{}, err
	}
	report, err := i.Snapshot(ctx, path)
	return report, ended(err)
}

// ended is the error of a call that the end of the bridge overtook, in the
// words of this package.
func ended(err error) error {
	if errors.Is(err, queue.ErrClosed) {
		return &translated{sentinel: inspect.ErrNotRunning, err: err}
	}
	return translate(err)
}
