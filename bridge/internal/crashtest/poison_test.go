package crashtest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// poison makes a child whose handler ends the process for some jobs.
type poison struct {
	Values    []string // of the records that do
	OnFailure bridge.OnFailure
}

const (
	poisonWorkers = 100
	poisonRecords = 2000
	poisonExit    = 86
	maxCrashes    = 3
)

func (p *poison) configure(cfg *bridge.Config, w *worker) {
	cfg.Workers, cfg.MaxCrashes = poisonWorkers, maxCrashes
	cfg.Topics[0].OnFailure = p.OnFailure
	cfg.Topics[0].Handler = bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		w.tell(history.Start, job, false)
		if slices.Contains(p.Values, string(job.Value)) {
			time.Sleep(3 * time.Millisecond) // others are under way
			os.Exit(poisonExit)
		}
		time.Sleep(10 * time.Millisecond)
		w.tell(history.End, job, true)
		return nil
	})
}

// poisoned is a world of 1,000 keys with two records each. The first ones of
// some keys are poisonous.
func poisoned(t *testing.T, onFailure bridge.OnFailure, keys ...int) *world {
	t.Helper()
	w := newQuietWorld(t)
	w.poison = &poison{OnFailure: onFailure}
	var records []bridgetest.Record
	for i := range poisonRecords {
		key := i % 1000
		r := bridgetest.Record{Partition: int32(key % partitions), Key: fmt.Appendf(nil, "key-%d", key), Value: fmt.Appendf(nil, "%d", i)}
		if i < 1000 && slices.Contains(keys, key) {
			w.poison.Values = append(w.poison.Values, string(r.Value))
		}
		records = append(records, r)
	}
	w.produce(t, records...)
	return w
}

// idle returns when nothing is left that could run.
func (w *worker) idle(ctx context.Context, inspector inspect.Inspector) {
	for !w.isIdle(ctx, inspector) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (w *worker) isIdle(ctx context.Context, inspector inspect.Inspector) bool {
	parts, err := inspector.Partitions(ctx)
	if err != nil {
		return false
	}
	stored := int64(0)
	for _, p := range parts {
		stored += p.Next
	}
	if stored != poisonRecords {
		return false
	}
	for _, err := range inspector.Jobs(ctx, inspect.Query{States: []inspect.State{inspect.Ready, inspect.Running, inspect.Retrying}}) {
		_ = err
		return false
	}
	return true
}

// restart starts lives until one has nothing left to do and stops by itself. It
// returns how many have crashed.
func (w *world) restart(t *testing.T) (crashes int) {
	t.Helper()
	for {
		c := w.boot(t)
		defer c.end()
		if !c.endsWithin(patience) {
			t.Fatalf("it does not end\n%s", w.tail())
		}
		switch code := c.cmd.ProcessState.ExitCode(); code {
		case 0:
			w.tell(t, history.Event{Kind: history.Stop, Process: process})
			return crashes
		case poisonExit:
			w.tell(t, history.Event{Kind: history.Crash, Process: process})
		default:
			t.Fatalf("the bridge ended with %d: %v\n%s", code, c.err, w.tail())
		}
		if crashes++; crashes > 20 {
			t.Fatalf("it crashes and crashes\n%s", w.tail())
		}
	}
}

// checkPoison judges the history of all lives, and what was run more than once.
// Jobs of one partition can be left out.
func (w *world) checkPoison(t *testing.T, crashes int, partition int32, without ...int64) {
	t.Helper()
	w.close()
	report := history.Judge(slices.DeleteFunc(w.events(t), func(e history.Event) bool {
		return e.Kind != history.Committed && e.Topic == topic && e.Partition == partition && slices.Contains(without, e.Offset)
	}))
	t.Log(report)
	for _, v := range report.Violations[:min(len(report.Violations), 20)] {
		t.Error(v)
	}
	// The first two are nobody's, and one more for each culprit that was no suspect yet.
	culprits := len(w.poison.Values)
	if least := 2 + maxCrashes*culprits; crashes < least || crashes > least+culprits {
		t.Errorf("%d crashes, want %d to %d", crashes, least, least+culprits)
	}
	// A crash runs again what was running, and what had finished since the flush before.
	if again := report.Starts - poisonRecords; again > crashes*3*poisonWorkers {
		t.Errorf("%d runs too many after %d crashes", again, crashes)
	}
	if t.Failed() {
		t.Logf("end of the bridge's log:\n%s", w.tail())
	}
}

// offline lists what the stopped bridge has left.
func (w *world) offline(t *testing.T) []inspect.Job {
	t.Helper()
	offline, err := inspect.Open(t.Context(), w.dataDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer offline.Close()
	var jobs []inspect.Job
	for job, err := range offline.Jobs(t.Context(), inspect.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	return jobs
}

func TestPoisonIsHaltedUnderBlock(t *testing.T) {
	w := poisoned(t, bridge.Block, 42)
	w.checkPoison(t, w.restart(t), 0)
	jobs := w.offline(t)
	if len(jobs) != 2 {
		t.Fatalf("%d jobs are left, want the culprit and the one behind it: %+v", len(jobs), jobs)
	}
	halted, behind := jobs[0], jobs[1]
	if halted.State != inspect.Halted || string(halted.Key) != "key-42" || halted.Crashes != maxCrashes || halted.Attempts != 0 ||
		halted.Error != "crashed the process 3 times" {
		t.Errorf("the culprit: %+v", halted)
	}
	if behind.State != inspect.Blocked || behind.Crashes != 0 {
		t.Errorf("the job behind it: %+v", behind)
	}
}

func TestTwoPoisonousKeys(t *testing.T) {
	w := poisoned(t, bridge.Block, 7, 900)
	w.checkPoison(t, w.restart(t), 0)
	var got []string
	for _, job := range w.offline(t) {
		if job.State == inspect.Halted {
			got = append(got, fmt.Sprintf("%s %d", job.Key, job.Crashes))
		}
	}
	slices.Sort(got)
	if want := []string{"key-7 3", "key-900 3"}; !slices.Equal(got, want) {
		t.Errorf("halted: %v, want %v", got, want)
	}
}

func TestPoisonIsBuried(t *testing.T) {
	w := poisoned(t, bridge.BuryJob, 42)
	// The judge knows no completion without a run; the offsets of the lane are in the way of none below.
	crashes := w.restart(t)
	w.checkPoison(t, crashes, 2, 10, 260)
	if !w.completed(t, 2, 260) {
		t.Error("the job behind the buried one is not done")
	}
	if ends, commits := w.broker.EndOffsets(topic), w.broker.Committed(group, topic); len(commits) != len(ends) {
		t.Errorf("committed %v of %v", commits, ends)
	} else {
		for p, end := range ends {
			if commits[p].Offset != end {
				t.Errorf("committed %v of %v", commits, ends)
			}
		}
	}
	if jobs := w.offline(t); len(jobs) > 0 {
		t.Errorf("%d jobs are left, the first is %+v", len(jobs), jobs[0])
	}
	var got []string
	for _, l := range w.deadLetters(t) {
		got = append(got, fmt.Sprintf("%v@%d %s", l.TopicPartition, l.Offset, l.Reason))
	}
	if want := []string{"orders/2@10 crashed the process 3 times"}; !slices.Equal(got, want) {
		t.Errorf("dead letters %q, want %q", got, want)
	}
}

// completed tells whether the completion of a job is known to be durable.
func (w *world) completed(t *testing.T, partition int32, offset int64) bool {
	t.Helper()
	return slices.ContainsFunc(w.events(t), func(e history.Event) bool {
		return e.Kind == history.Durable && e.Partition == partition && e.Offset == offset
	})
}

func (w *world) deadLetters(t *testing.T) (letters []queue.DeadLetter) {
	t.Helper()
	opened, err := recovery.Open(t.Context(), recovery.Options{Dir: w.dataDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for _, c := range opened.Store.DeadCounts() {
		for l, err := range opened.Store.DeadLetters(t.Context(), c.TopicPartition, 0) {
			if err != nil {
				t.Fatal(err)
			}
			letters = append(letters, l)
		}
	}
	return letters
}
