package crashtest

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// longVariable makes a child that runs long jobs, with its broker and its data
// directory as the value.
const longVariable = "HOLDFAST_CRASHTEST_LONG"

// workLong runs jobs that tell on standard output how they were found. Without
// a checkpoint they keep one and go on for ever; with one they are done.
func workLong(brokerAndDir string) error {
	broker, dir, _ := strings.Cut(brokerAndDir, " ")
	handle := func(ctx context.Context, job *bridge.Job) error {
		fmt.Printf("%s attempt %d found %q\n", job.Key, job.Attempt, job.LastCheckpoint())
		if job.LastCheckpoint() != nil {
			return nil
		}
		if err := job.Checkpoint(ctx, []byte("half")); err != nil {
			return err
		}
		fmt.Printf("%s kept\n", job.Key)
		if string(job.Key) == "deferred" {
			job.Defer(time.Hour)
			return nil
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	b, err := bridge.New(bridge.Config{
		Brokers: []string{broker}, Group: group, InstanceID: process, DataDir: dir, CommitEvery: 20 * time.Millisecond,
		Topics: []bridge.Topic{{Name: topic, Handler: bridge.HandlerFunc(handle)}},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	return b.Run(context.Background()) // until the kill
}

// TestCheckpointSurvivesAKill, and so does a deferred job: the next attempt has
// the same number and finds what the killed one has kept.
func TestCheckpointSurvivesAKill(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic(topic, 1))
	broker.Produce(t, topic, bridgetest.Record{Key: []byte("running")}, bridgetest.Record{Key: []byte("deferred")})
	dir := t.TempDir()
	live := func(wants ...string) {
		t.Helper()
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command(self)
		child.Env = append(os.Environ(), longVariable+"="+broker.Addrs()[0]+" "+dir)
		child.Stderr = t.Output()
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		watchdog := time.AfterFunc(patience, func() { _ = child.Process.Kill() })
		defer watchdog.Stop()
		missing := map[string]bool{}
		for _, want := range wants {
			missing[want] = true
		}
		for lines := bufio.NewScanner(out); len(missing) > 0 && lines.Scan(); {
			if !missing[lines.Text()] {
				t.Errorf("the child says %q", lines.Text())
			}
			delete(missing, lines.Text())
		}
		if len(missing) > 0 {
			t.Errorf("the child has not said %v", missing)
		}
		if len(wants) == 2 { // the jobs are done
			broker.WaitCommitted(t, group, topic)
		}
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = child.Wait() // the kill is its error
	}
	live(`running attempt 1 found ""`, "running kept", `deferred attempt 1 found ""`, "deferred kept")
	live(`running attempt 1 found "half"`, `deferred attempt 1 found "half"`)
}
