package bridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

func TestRunsOfALostPartition(t *testing.T) {
	t.Parallel()
	const within = time.Minute
	now := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		act       func(*partition)
		cancelled bool
	}{
		"go on while there is no membership": {func(p *partition) {
			p.resign(now.Add(24*time.Hour), within)
		}, false},
		"go on while the group may still assign it": {func(p *partition) {
			p.rejoined(now)
			p.rejoined(now.Add(within)) // the first time counts
			p.resign(now.Add(within), within)
		}, false},
		"go on while the membership is lost again": {func(p *partition) {
			p.rejoined(now)
			p.outside()
			p.resign(now.Add(within+1), within)
			p.rejoined(now.Add(within + 1))
			p.resign(now.Add(2*within+1), within)
		}, false},
		"go on while Kafka does not tell where the partition stands": {func(p *partition) {
			p.rejoined(now)
			p.claiming(true, now)
			p.resign(now.Add(time.Hour), within)
			p.claiming(false, now.Add(time.Hour))
			p.resign(now.Add(time.Hour+within), within)
		}, false},
		"are cancelled when another member has it after that": {func(p *partition) {
			p.rejoined(now)
			p.claiming(true, now)
			p.claiming(false, now)
			p.resign(now.Add(within+1), within)
		}, true},
		"are cancelled when another member has it": {func(p *partition) {
			p.rejoined(now)
			p.resign(now.Add(within+1), within)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &partition{}
			p.scope, p.cancel = context.WithCancelCause(t.Context())
			p.withdraw(true)
			c.act(p)
			if got := errors.Is(context.Cause(p.scope), ErrRevoked); got != c.cancelled {
				t.Errorf("cancelled: %v, want %v", got, c.cancelled)
			}
		})
	}
}

// TestAJobSeesItsPartitionFromTheFirstLeaseOn: workers wait for jobs while a
// partition is admitted, and take one at once.
func TestAJobSeesItsPartitionFromTheFirstLeaseOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(context.Context, *Job) error { return nil })}, nil)
	for i := range int32(2000) {
		tp := queue.TopicPartition{Topic: "orders", Partition: i + 1}
		stored, err := d.store.Attach(tp)
		if err != nil {
			t.Fatal(err)
		}
		if err := stored.SetStart(0); err != nil {
			t.Fatal(err)
		}
		if _, err := stored.Append([]queue.Record{{Lane: queue.Lane{Own: true}}}); err != nil {
			t.Fatal(err)
		}
		part := d.parts.add(tp, d.part.route, nil)
		seen := make(chan *view, 1)
		go func() {
			jobs := make([]queue.Job, 1)
			if _, err := d.store.Take(t.Context(), jobs); err == nil {
				seen <- part.view()
			}
		}()
		part.admit(t.Context(), queue.SystemClock{}, &kafka.Claim{Fixed: true}, stored)
		if v := <-seen; v == nil || v.stored != stored || v.until.IsZero() {
			t.Fatalf("partition %d: a job started and sees %+v", tp.Partition, v)
		}
	}
}
