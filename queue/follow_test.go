package queue

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (r *rig) wantFailed(p *Partition, want ...int64) {
	r.t.Helper()
	failed := map[int64]bool{}
	for _, offset := range want {
		failed[offset] = true
	}
	if diff := cmp.Diff(failed, p.Failed(0, 1, 2, 3, 4)); diff != "" {
		r.t.Errorf("failed:\n%s", diff)
	}
}

func TestAFollowedJobThatHasFailed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c", "d", "e")
	p.Follow(0, 1, 2, 3)
	jobs := r.take(5)
	r.done(jobs[0])
	r.finish(Outcome{Kind: Retry, Error: "busy"}, jobs[1], jobs[4])
	r.finish(Outcome{Kind: Snooze}, jobs[2]) // that is no failure, as being interrupted is none
	r.finish(Outcome{Kind: Release}, jobs[3])
	r.wantFailed(p, 1)
	p.Follow(1, 4) // which forgets nothing
	r.done(r.wantTaken(1, 4, 2, 3)...)
	r.sync()
	r.wantFailed(p, 1)
	p.Unfollow(1)
	r.wantFailed(p)

	// It is forgotten with the partition.
	r.append(p, "a")
	p.Follow(5)
	r.finish(Outcome{Kind: Halt, Error: "no"}, r.take(1)...)
	r.leave(p)
	p.Follow(5)
	if failed := r.attach(orders).Failed(5); len(failed) != 0 {
		t.Errorf("failed: %v", failed)
	}
}

func TestFollowedJobsAreBounded(t *testing.T) {
	t.Parallel()
	p := newRig(t, Options{}).attach(orders)
	for offset := range int64(maxFollowed + 10) {
		p.Follow(offset)
	}
	if n := len(p.followed); n != maxFollowed {
		t.Errorf("%d jobs are followed", n)
	}
}
