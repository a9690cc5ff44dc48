package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/recovery"
)

func (w *world) run() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "work on the configured topics until SIGTERM or SIGINT",
		Description: "The first signal is a planned stop: running jobs get stop_within to finish. The second\n" +
			"cancels them at once; they run again at the next start. The third ends the process.\n" +
			"SIGHUP reads the configuration again and applies what can change without a restart.\n\n" +
			"holdfast run --config holdfast.yaml",
		Flags: append(configFlags(),
			&cli.BoolFlag{Name: "leave", Usage: "leave the consumer group at the stop, so that others get the partitions at once"}),
		Action: w.runBridge,
	}
}

func (w *world) runBridge(c *cli.Context) error {
	loaded, err := w.load(c)
	if err != nil {
		return err
	}
	out := w.outlets(loaded.Log)
	for _, m := range w.warnings(loaded) {
		out.log.Warn(m)
	}
	if err := recovery.CheckPlace(loaded.DataDir); err != nil {
		out.log.Warn("the store does not outlive what it should", "error", err)
	}
	settings, err := loaded.Bridge(out.log, out.jobs)
	if err != nil {
		return err
	}
	counts := newTally()
	settings.LeaveOnStop = c.Bool("leave")
	settings.Hooks = counts.hooks(newFailures(out.log), newLeftOut(out.log))
	monitor := newMonitor(loaded.Metrics.Listen, out.log)
	defer monitor.close()
	monitor.observe(&settings)
	w.logKafka(kafkaLog{out.log})
	settings.Logger = out.log
	settings.Verify = w.verifyInChild(out.log)
	b, err := bridge.New(settings)
	if err != nil {
		return err
	}
	if err := monitor.watch(b); err != nil {
		return err
	}
	w.limitMemory(loaded)
	again := &reloader{
		load: func() (*config.Config, error) { return w.load(c) }, bridge: b, out: out, began: loaded, now: loaded,
	}
	return w.supervise(c.Context, b, settings.Topics, again, counts)
}

// minMemoryLimit is what the process needs beside the records.
const minMemoryLimit = 64 << 20

// seldom is how far the heap grows between two collections, in percent of what
// lives. That is little while workers keep up, and the default of 100 would
// have it collected all the time; the memory limit bounds both.
const seldom = 400

// limitMemory makes the garbage collector keep to the budget, and run seldom
// within it, unless the operator has said something else.
func (w *world) limitMemory(c *config.Config) {
	if w.variable("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(c.Budget.Memory, minMemoryLimit))
	}
	if w.variable("GOGC") == "" {
		debug.SetGCPercent(seldom)
	}
}

// signalEcho is within which a signal is the one before once more: timeout(1)
// and some service managers tell the process and then its whole group.
const signalEcho = 100 * time.Millisecond

// sumEvery is how often the log says what was not written for being alike.
const sumEvery = 10 * time.Second

// supervise runs b until it ends, and the handlers of its topics with it, and tells it
// about signals and others about it.
func (w *world) supervise(ctx context.Context, b *bridge.Bridge, topics []bridge.Topic, again *reloader, counts *tally) error {
	out := again.out
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	signals, reloads := w.signals(), w.reloads()
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(b.Run(ctx), closeHandlers(topics)) }()
	ready := b.Ready()
	dog := newWatchdog(b.Health, out.log)
	defer dog.stop()
	ticks := make(<-chan time.Time)
	if out.status != nil {
		second := time.NewTicker(time.Second)
		defer second.Stop()
		defer out.status.Clear()
		ticks = second.C
		counts.line(time.Now())
	}
	sums := time.NewTicker(sumEvery)
	defer sums.Stop()
	defer out.repeats.Flush(time.Time{})
	caught, last := 0, time.Time{}
	stopAdmin := func() {}
	defer func() { stopAdmin() }()
	for {
		select {
		case err := <-ended:
			return err
		case <-ready:
			ready = nil
			stopAdmin = serveAdmin(ctx, again.began, b, out.log)
			tellSystemd(out.log, daemon.SdNotifyReady)
			out.log.Info("store and Kafka are open; waiting for partitions")
		case now := <-ticks:
			out.status.Show(counts.line(now))
		case now := <-sums.C:
			out.repeats.Flush(now)
		case <-dog.ticks():
			dog.feed()
		case <-reloads:
			w.reload(again, ready == nil)
		case s := <-signals:
			if time.Since(last) < signalEcho {
				continue
			}
			caught, last = caught+1, time.Now()
			w.handle(s, caught, b, out.log, stop)
		}
	}
}

// reload makes the bridge go by what the file says now. Only who was told that
// it is ready is told of it.
func (w *world) reload(again *reloader, ready bool) {
	if ready {
		tellReloading(again.out.log)
		defer tellSystemd(again.out.log, daemon.SdNotifyReady)
	}
	again.reload()
}

// handle acts on the nth signal.
func (w *world) handle(s os.Signal, nth int, b *bridge.Bridge, log *slog.Logger, stop func()) {
	switch nth {
	case 1:
		tellSystemd(log, daemon.SdNotifyStopping)
		log.Info("stopping: running jobs may finish; another signal cancels them", "signal", s.String())
		stop()
	case 2:
		log.Warn("cancelling running jobs; another signal ends the process", "signal", s.String())
		b.Abort()
	default:
		w.report(errAbandoned)
		os.Exit(int(exitFailure))
	}
}

// tellSystemd tells the service manager, where there is one.
func tellSystemd(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("the service manager was not told", "state", state, "error", err)
	}
}
