package crashtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// ordersVariable is the environment variable that makes a child of the test
// binary.
const ordersVariable = "HOLDFAST_CRASHTEST_CHILD"

// orders tell a child what to run.
type orders struct {
	Brokers  []string
	DataDir  string
	History  string
	Commands []inspect.Command // of an operator
	Outage   *outage           // nil: there is none
	Poison   *poison           // nil: the records say how long each job takes and how often it fails
}

const (
	group   = "crashtest"
	topic   = "orders"
	process = "bridge" // in the history
	// stuckKey is the key of the job that runs until the release.
	stuckKey = "stuck"
	// release, as a line on the child's standard input, ends the stuck job.
	release = "release"
)

// work is the child: a bridge that runs until SIGTERM, and that tells the
// history of each handler call and of each completion that is durable.
func work(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read the orders: %w", err)
	}
	log, err := history.OpenLog(o.History)
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()

	w := &worker{log: log, released: make(chan struct{})}
	go w.obey(os.Stdin)
	cfg := bridge.Config{
		Brokers:     o.Brokers,
		Group:       group,
		InstanceID:  process,
		DataDir:     o.DataDir,
		Workers:     32,
		CommitEvery: 20 * time.Millisecond,
		StopWithin:  500 * time.Millisecond,
		MaxCrashes:  -1, // the observer's kills are no job's doing
		Topics: []bridge.Topic{{
			Name:    topic,
			Handler: bridge.HandlerFunc(w.handle),
			Retry:   bridge.Backoff{First: 5 * time.Millisecond, Max: 50 * time.Millisecond},
		}},
		Hooks:  &bridge.Hooks{Durable: w.durable},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if o.Poison != nil {
		o.Poison.configure(&cfg, w)
	}
	if o.Outage != nil {
		o.Outage.configure(&cfg, w)
	}
	b, err := bridge.New(cfg)
	if err != nil {
		return err
	}
	operating, stopped := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if o.Poison != nil {
			w.idle(operating, b.Inspector())
			cancel()
			return
		}
		err := w.command(operating, b.Inspector(), o.Commands)
		if err == nil && o.Outage != nil {
			err = o.Outage.operate(operating, w, b.Inspector())
		}
		if err != nil && operating.Err() == nil {
			fmt.Fprintln(os.Stderr, "operator:", err)
			os.Exit(1)
		}
		w.operate(operating, b.Inspector())
	}()
	err = b.Run(ctx)
	stopped()
	<-ended
	return err
}

type worker struct {
	log      *history.Log
	released chan struct{} // closed by obey
}

// obey waits for the release. The end of its input means that the parent is
// gone: a bridge without an observer has no business.
func (w *worker) obey(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if lines.Text() == release {
			close(w.released)
		}
	}
	os.Exit(1)
}

var errPlanned = errors.New("fails for the test")

// handle takes as long, and fails as often, as the record's value says.
func (w *worker) handle(ctx context.Context, job *bridge.Job) (err error) {
	w.tell(history.Start, job, false)
	returned := false
	defer func() { w.tell(history.End, job, returned && err == nil) }()

	if string(job.Key) == stuckKey { // the first of them holds the lane of all others
		select {
		case <-w.released:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		returned = true
		return err
	}
	plan, err := strconv.Atoi(string(job.Value))
	if err != nil {
		returned = true
		return err
	}
	select {
	case <-time.After(time.Duration(plan%slowest) * time.Millisecond / 10):
	case <-ctx.Done():
		returned = true
		return context.Cause(ctx)
	}
	switch failures := plan / slowest; {
	case failures == hopeless:
		if job.Attempt <= hopeless || doomed(job.Offset) {
			err = bridge.Bury(errPlanned)
		}
	case job.Attempt > failures:
	case plan%2 == 0:
		panic(errPlanned)
	default:
		err = errPlanned
	}
	returned = true
	return err
}

// slowest is one more than the longest run, in tenths of a millisecond; the
// record's value is that and how often it fails, in one number.
const slowest = 1000

// hopeless failures make a job that is given up. The operator has it retried as
// often, then it succeeds; or it is doomed.
const hopeless = 4

func (w *worker) tell(kind history.Kind, job *bridge.Job, done bool) {
	w.append(history.Event{
		Kind: kind, Process: process, Done: done,
		Topic: job.Topic, Partition: job.Partition, Offset: job.Offset,
	})
}

func (w *worker) durable(completions []bridge.Completion) {
	var events []history.Event
	for _, c := range completions {
		kind, told := map[string]history.Kind{
			"done": history.Durable, "skipped": history.Durable, "bury": history.Durable, "halt": history.Halted, "park": history.Halted,
		}[c.Outcome]
		if told {
			events = append(events, history.Event{Kind: kind, Process: process, Topic: c.Topic, Partition: c.Partition, Offset: c.Offset})
		}
	}
	w.append(events...)
}

// append ends the process where the history cannot be written: the observer
// then sees an exit that nobody planned.
func (w *worker) append(events ...history.Event) {
	if err := w.log.Append(events...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
