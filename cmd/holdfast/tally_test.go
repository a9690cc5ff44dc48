package main

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestTally(t *testing.T) {
	t.Parallel()
	counts := newTally()
	hooks := counts.hooks(newFailures(slog.New(slog.DiscardHandler)), newLeftOut(slog.New(slog.DiscardHandler)))
	now := time.Unix(1000, 0)
	line := func(want string) {
		t.Helper()
		now = now.Add(time.Second)
		if got := counts.line(now); got != want {
			t.Errorf("line is %q, want %q", got, want)
		}
	}
	job := &bridge.Job{Record: bridge.Record{Topic: "orders", Partition: 1, Offset: 7}}
	line("waiting for partitions")

	hooks.Assigned(bridge.Assigned{Topic: "orders", Partition: 1, Open: 1000})
	hooks.Stored(bridge.Stored{Topic: "orders", Partition: 1, Records: 234})
	for range 3 {
		hooks.Started(job)
	}
	line("1 partition   0 done/s   3 running   1,231 waiting   0 done")

	hooks.Finished(job, bridge.Result{Outcome: "done"})
	hooks.Finished(job, bridge.Result{Outcome: "retry", Err: errors.New("no")})
	hooks.Durable([]bridge.Completion{{Topic: "orders", Partition: 1, Outcome: "done"}, {Topic: "orders", Partition: 1, Outcome: "retry"}})
	line("1 partition   1 done/s   1 running   1,232 waiting   1.0 failed/s   1 done")

	hooks.Durable([]bridge.Completion{{Topic: "orders", Partition: 1, Outcome: "halt"}})
	line("1 partition   0 done/s   1 running   1,232 waiting   1 job HALTED, see the log   1 done")
	hooks.Assigned(bridge.Assigned{Topic: "orders", Partition: 1, Open: 1233, Halted: 2})
	line("1 partition   0 done/s   1 running   1,232 waiting   2 jobs HALTED, see the log   1 done")
	hooks.Assigned(bridge.Assigned{Topic: "orders", Partition: 1, Open: 1233})

	hooks.Assigned(bridge.Assigned{Topic: "orders", Partition: 2})
	hooks.Held(bridge.Held{Topic: "orders", Partition: 2})
	line("2 partitions   0 done/s   1 running   1,232 waiting   1 partition HELD, see the log   1 done")

	hooks.Durable([]bridge.Completion{{Topic: "orders", Partition: 1, Outcome: "superseded"}, {Topic: "orders", Partition: 1, Outcome: "skipped"}})
	hooks.Dropped(bridge.Dropped{Records: 1000, Reason: "filtered"})
	hooks.Dropped(bridge.Dropped{Records: 1, Reason: "expired"})
	line("2 partitions   0 done/s   1 running   1,230 waiting   1,000 filtered   1 expired   1 partition HELD, see the log   1 done")

	hooks.Durable([]bridge.Completion{{Topic: "orders", Partition: 1, Outcome: "requeued"}, {Topic: "orders", Partition: 1, Outcome: "requeued"}, {Topic: "orders", Partition: 1, Outcome: "bury"}})
	line("2 partitions   0 done/s   1 running   1,231 waiting   1,000 filtered   1 expired   1 partition HELD, see the log   1 done")

	hooks.Revoked(bridge.Revoked{Topic: "orders", Partition: 1})
	hooks.Revoked(bridge.Revoked{Topic: "orders", Partition: 2})
	hooks.Durable([]bridge.Completion{{Topic: "orders", Partition: 1, Outcome: "done"}}) // one that ended late
	line("waiting for partitions")
}

func TestFailedRunsAreNamed(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	f := newFailures(slog.New(slog.NewTextHandler(&out, nil)))
	job := &bridge.Job{Record: bridge.Record{Topic: "orders", Partition: 1, Offset: 7}, Lane: "k\x00", Attempt: 3}
	f.note(job, bridge.Result{Outcome: "retry", Err: errors.New("account locked"), Delay: 1500 * time.Millisecond})
	f.note(job, bridge.Result{Outcome: "release", Err: io.EOF})
	f.note(job, bridge.Result{Outcome: "halt", Err: io.EOF})
	want := `msg="job failed and runs again" job=orders/1@7 lane="\"k\\x00\"" attempt=3 error="account locked" next_in=1.5s`
	if lines := strings.Count(out.String(), "\n"); lines != 1 || !strings.Contains(out.String(), want) {
		t.Errorf("it says %s, want %s in one line", out.String(), want)
	}
}
