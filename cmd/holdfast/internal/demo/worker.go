package demo

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// job describes the work to the one who does it. It is what a child process reads
// from its stdin.
type job struct {
	Brokers []string
	Dir     string
	Workers int
	Latency time.Duration
}

// stopWithin is far above the latency of any sensible run, so that a stop interrupts nothing.
const stopWithin = 10 * time.Second

// work runs a bridge until ctx ends. tell takes the events of several goroutines at
// once; an error of it fails the job.
func work(ctx context.Context, j job, logger *slog.Logger, tell func(...event) error) error {
	b, err := bridge.New(bridge.Config{
		Brokers:    j.Brokers,
		Group:      group,
		DataDir:    j.Dir,
		Workers:    j.Workers,
		StopWithin: stopWithin + j.Latency,
		Topics:     []bridge.Topic{{Name: topic, Handler: handler(j.Latency, tell)}},
		Hooks:      &bridge.Hooks{Durable: func(done []bridge.Completion) { tellDurable(done, tell) }},
		Logger:     logger,
	})
	if err != nil {
		return err
	}
	return b.Run(ctx)
}

// handler takes its time, as a call to another system would, and tells when it begins
// and ends.
func handler(latency time.Duration, tell func(...event) error) bridge.Handler {
	return bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		e := event{kind: started, partition: job.Partition, offset: job.Offset}
		if err := tell(e); err != nil {
			return err
		}
		begin := time.Now()
		if latency > 0 {
			timer := time.NewTimer(latency)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		e.kind, e.took = finished, time.Since(begin)
		return tell(e)
	})
}

func tellDurable(done []bridge.Completion, tell func(...event) error) {
	events := make([]event, 0, len(done))
	for _, c := range done {
		if c.Outcome == "done" {
			events = append(events, event{kind: durable, partition: c.Partition, offset: c.Offset})
		}
	}
	// Nobody to tell means that the run is over: the next job's events fail, too.
	_ = tell(events...)
}

// writeTo returns a tell that encodes to w, in one write per call: an os.File
// serialises those, and the kernel keeps what was written when the process dies.
func writeTo(w io.Writer) func(...event) error {
	return func(events ...event) error {
		b := make([]byte, 0, len(events)*eventSize)
		for _, e := range events {
			b = e.append(b)
		}
		if len(b) == 0 {
			return nil
		}
		_, err := w.Write(b)
		return err
	}
}
