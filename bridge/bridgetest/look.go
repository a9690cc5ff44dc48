package bridgetest

import (
	"errors"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Outcomes returns what has become durable so far, in that order and over all
// lives: each outcome of a run that counts, and each act of an operator.
func (e *Env) Outcomes() []bridge.Completion { return e.seen.outcomes("") }

// Await waits until n outcomes of a kind, such as done, retry, halt or bury, are
// durable, counted since Start, and returns all that are.
func (e *Env) Await(outcome string, n int) []bridge.Completion {
	e.tb.Helper()
	var got []bridge.Completion
	if !poll(func() bool { got = e.seen.outcomes(outcome); return len(got) >= n }) {
		e.tb.Fatalf("%d outcomes %q within %v, want %d; all of them: %+v", len(got), outcome, patience, n, e.Outcomes())
	}
	return got
}

// AwaitState waits until the job is in a state, and returns it.
func (e *Env) AwaitState(topic string, partition int32, offset int64, state inspect.State) inspect.Job {
	e.tb.Helper()
	var last []inspect.Job
	if !poll(func() bool {
		last = e.Jobs(inspect.Query{Topic: topic, Partitions: []int32{partition}, Offsets: []int64{offset}})
		return len(last) == 1 && last[0].State == state
	}) {
		found := "not open"
		if len(last) == 1 {
			found = string(last[0].State)
		}
		e.tb.Fatalf("%s/%d@%d is not %s within %v, but %s", topic, partition, offset, state, patience, found)
	}
	return last[0]
}

// AwaitCommitted waits until all that was produced to a topic is committed.
func (e *Env) AwaitCommitted(topic string) {
	e.tb.Helper()
	e.Broker.WaitCommitted(e.tb, e.cfg.Group, topic)
}

// Committed returns the offset that Kafka has for a partition, or -1 for none.
func (e *Env) Committed(topic string, partition int32) int64 {
	if c, ok := e.Broker.Committed(e.cfg.Group, topic)[partition]; ok {
		return c.Offset
	}
	return -1
}

// Frontier returns the lowest unfinished offset of a partition as it is on disk,
// or -1 where the bridge does not have the partition.
func (e *Env) Frontier(topic string, partition int32) int64 {
	e.tb.Helper()
	parts, err := e.running().Inspector().Partitions(e.tb.Context())
	if err != nil {
		e.tb.Fatal(err)
	}
	i := slices.IndexFunc(parts, func(p inspect.Partition) bool { return p.Topic == topic && p.Partition == partition })
	if i < 0 {
		return -1
	}
	return parts[i].Frontier
}

// Jobs lists unfinished jobs of partitions that the bridge has.
func (e *Env) Jobs(q inspect.Query) (jobs []inspect.Job) {
	e.tb.Helper()
	for job, err := range e.running().Inspector().Jobs(e.tb.Context(), q) {
		if errors.Is(err, inspect.ErrNotHeld) {
			return nil
		}
		if err != nil {
			e.tb.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	return jobs
}

// Dead lists the dead letters of a topic.
func (e *Env) Dead(topic string) (letters []inspect.DeadLetter) {
	e.tb.Helper()
	for letter, err := range e.running().Inspector().Dead(e.tb.Context(), inspect.DeadQuery{Topic: topic}) {
		if err != nil {
			e.tb.Fatal(err)
		}
		letters = append(letters, letter)
	}
	return letters
}

// Operate does what a command says, as an operator would who likes its plan.
func (e *Env) Operate(c inspect.Command) inspect.Operation {
	e.tb.Helper()
	inspector := e.running().Inspector()
	plan, err := inspector.Plan(e.tb.Context(), c)
	if err != nil {
		e.tb.Fatalf("plan of %s: %v", c.Verb, err)
	}
	done, err := inspector.Execute(e.tb.Context(), plan)
	if err != nil {
		e.tb.Fatalf("%s: %v", c.Verb, err)
	}
	return done
}
