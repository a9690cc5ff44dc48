package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

const (
	// stallAfter is how long nothing may happen, beyond the latency of a job.
	stallAfter = time.Minute
	// commitWithin is how long the last offsets may take before the stop, which
	// commits as well.
	commitWithin = 10 * time.Second
	commitPoll   = 20 * time.Millisecond
)

// ErrBroken means that the run has broken a promise; the error says which.
var ErrBroken = errors.New("the demo has failed")

// Run shows a bridge at work: progress on stderr, what was proved on stdout. It
// returns an error that is [ErrBroken] where order broke, anything was lost, a durably
// finished job ran again or an offset is not at its end.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	if err := o.Validate(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "holdfast-demo-")
	if err != nil {
		return fmt.Errorf("create the demo's directory: %w", err)
	}
	defer os.RemoveAll(dir)
	b, err := startBroker(o.Partitions)
	if err != nil {
		return err
	}
	s, err := perform(ctx, o, b, filepath.Join(dir, "data"), newProgress(stderr, o))
	if err := errors.Join(err, b.close()); err != nil {
		return err
	}
	if err := s.write(stdout); err != nil {
		return err
	}
	if err := s.Failures(); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// run is one performance.
type run struct {
	options  Options
	broker   *broker
	job      job
	observer *observer
	progress *progress
	logger   *slog.Logger
	crashes  int
}

func perform(ctx context.Context, o Options, b *broker, dir string, p *progress) (*Summary, error) {
	p.say("embedded broker on %s: %s records of up to %s keys, %s partitions", b.addrs()[0], count(o.Records), count(o.Keys), count(o.Partitions))
	stream, err := produce(ctx, b, o)
	if err != nil {
		return nil, err
	}
	r := &run{
		options:  o,
		broker:   b,
		job:      job{Brokers: b.addrs(), Dir: dir, Workers: o.Workers, Latency: o.Latency},
		observer: newObserver(stream, time.Now),
		progress: p,
		logger:   slog.New(slog.NewTextHandler(p.lines, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if err := r.play(ctx); err != nil {
		return nil, err
	}
	partitions, err := b.offsets(o.Partitions)
	if err != nil {
		return nil, err
	}
	p.show(r.observer.findings(), committed(partitions))
	p.end()
	return summarize(o, stream.count, r.observer.findings(), r.crashes, partitions), nil
}

// play has the work done, with or without a crash in the middle of it.
func (r *run) play(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // kills a child that an error has left behind
	w, err := r.begin(ctx)
	if err != nil {
		return err
	}
	if r.options.Crash {
		if err := r.await(ctx, w, r.options.half()); err != nil {
			return r.abandon(cancel, w, err)
		}
		if w, err = r.crash(ctx, w); err != nil {
			return err
		}
	}
	if err := r.await(ctx, w, r.options.Records); err != nil {
		return r.abandon(cancel, w, err)
	}
	if err := r.awaitCommits(ctx, w); err != nil {
		return r.abandon(cancel, w, err)
	}
	w.stop()
	<-w.ended
	return w.err
}

// crash kills the worker and starts another one in its place.
func (r *run) crash(ctx context.Context, w *worker) (*worker, error) {
	w.kill()
	<-w.ended
	if !wasKilled(w.err) {
		return nil, r.early(w)
	}
	r.crashes++
	r.observer.killed()
	r.progress.say("SIGKILL at %s of %s done; starting again on the same directory", count(r.observer.findings().finished), count(r.options.Records))
	return r.begin(ctx)
}

func (r *run) begin(ctx context.Context) (*worker, error) {
	if r.options.Crash {
		return workInChild(ctx, r.options.Self, r.job, r.progress.lines, r.observer)
	}
	return workHere(ctx, r.job, r.logger, r.observer), nil
}

// abandon ends a worker after an error.
func (r *run) abandon(cancel context.CancelFunc, w *worker, err error) error {
	cancel()
	<-w.ended
	return err
}

// await waits until n jobs have finished, and shows how far it is.
func (r *run) await(ctx context.Context, w *worker, n int) error {
	reached := r.observer.reached(n)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-reached:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.ended:
			return r.early(w)
		case <-second.C:
		}
		if silent := r.observer.silence(); silent > stallAfter+r.options.Latency {
			return fmt.Errorf("%w: nothing has happened for %v, %s of %s records are done", ErrBroken, silent.Round(time.Second), count(r.observer.findings().finished), count(n))
		}
		partitions, err := r.broker.offsets(r.options.Partitions)
		if err != nil {
			return err
		}
		r.progress.show(r.observer.findings(), committed(partitions))
	}
}

// awaitCommits waits until the broker has every partition's end as its committed
// offset. Where it does not come the stop still commits, and the summary judges.
func (r *run) awaitCommits(ctx context.Context, w *worker) error {
	poll := time.NewTicker(commitPoll)
	defer poll.Stop()
	for deadline := time.Now().Add(commitWithin); time.Now().Before(deadline); {
		partitions, err := r.broker.offsets(r.options.Partitions)
		if err != nil {
			return err
		}
		if atEnd(partitions) {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.ended:
			return r.early(w)
		}
	}
	return nil
}

// early is the error of a worker that ended before it was told to.
func (r *run) early(w *worker) error {
	if w.err != nil {
		return w.err
	}
	return errors.New("the worker ended before the work was done")
}

// half is how many jobs are done when the worker is killed.
func (o Options) half() int { return max(1, o.Records/2) }

func atEnd(partitions []Partition) bool {
	for _, p := range partitions {
		if p.Committed != p.End {
			return false
		}
	}
	return true
}

func committed(partitions []Partition) int64 {
	var sum int64
	for _, p := range partitions {
		sum += max(0, p.Committed)
	}
	return sum
}
