package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// ordersVariable is the environment variable that makes a member of the test
// binary.
const ordersVariable = "HOLDFAST_ENDTOEND_MEMBER"

// orders tell a member what to run.
type orders struct {
	Name     string // of its process in the history
	Brokers  []string
	Group    string
	Instance string
	Assignor string
	Session  time.Duration
	Topic    string
	DataDir  string
	History  string // path of the history that all share
	Flow     string // path of its own notes, see flow
	Release  string // path; a job that holds ends when this file is there
}

// What the value of a record asks for: to wait for a release, or to work for a
// while. All other jobs end at once.
const (
	hold = "hold"
	slow = "slow"

	work = 60 * time.Millisecond
)

// serve is a member of a group in a process of its own: a bridge that runs until
// SIGTERM, and that tells the history what it does.
func serve(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read the orders: %w", err)
	}
	log, err := history.OpenLog(o.History)
	if err != nil {
		return err
	}
	defer log.Close()
	flow, err := openFlow(o.Flow)
	if err != nil {
		return err
	}
	defer flow.close()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()

	m := &witness{orders: o, log: log}
	b, err := bridge.New(bridge.Config{
		Brokers:          o.Brokers,
		Group:            o.Group,
		InstanceID:       o.Instance,
		Assignors:        []string{o.Assignor},
		DataDir:          o.DataDir,
		Workers:          16,
		SessionTimeout:   o.Session,
		RebalanceTimeout: rebalance,
		StopWithin:       5 * time.Second,
		Topics:           []bridge.Topic{{Name: o.Topic, Handler: bridge.HandlerFunc(m.handle)}},
		Hooks: &bridge.Hooks{
			Assigned: func(a bridge.Assigned) { flow.taken(a.Partition) },
			Revoked:  func(r bridge.Revoked) { flow.givenUp(r.Partition) },
			Started:  func(j *bridge.Job) { flow.started(j.Partition) },
			Durable:  m.durable,
		},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	return b.Run(ctx)
}

// witness is the handler, and tells the history of its jobs.
type witness struct {
	orders
	log *history.Log
}

func (m *witness) handle(ctx context.Context, job *bridge.Job) (err error) {
	m.tell(history.Start, job, false)
	defer func() { m.tell(history.End, job, err == nil) }()
	switch string(job.Value) {
	case slow:
		time.Sleep(work)
	case hold:
		return m.wait(ctx)
	}
	return nil
}

func (m *witness) wait(ctx context.Context) error {
	for { // one that was released is done, whatever else came meanwhile
		if _, err := os.Stat(m.Release); err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		time.Sleep(work)
	}
}

func (m *witness) tell(kind history.Kind, job *bridge.Job, done bool) {
	m.append(history.Event{
		Kind: kind, Process: m.Name, Done: done,
		Topic: job.Topic, Partition: job.Partition, Offset: job.Offset,
	})
}

func (m *witness) durable(completions []bridge.Completion) {
	var events []history.Event
	for _, c := range completions {
		if c.Outcome == "done" {
			events = append(events, history.Event{
				Kind: history.Durable, Process: m.Name,
				Topic: c.Topic, Partition: c.Partition, Offset: c.Offset,
			})
		}
	}
	m.append(events...)
}

// append ends the process where the history cannot be written: the test then
// sees an exit that nobody planned.
func (m *witness) append(events ...history.Event) {
	if err := m.log.Append(events...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
