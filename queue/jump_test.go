package queue

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However the clock jumps, a delay is off by no more than all the jumps
// together: a restart only makes it shorter.
func TestDelaysAreOffByTheJumpsAtMost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, Options{})
		defer r.Close()
		r.append(r.attach(orders), "a", "b", "c", "d", "e", "f")
		real, jumped := time.Duration(0), time.Duration(0)
		due := map[int64]time.Duration{} // by the real time, and the jumps before it
		before := map[int64]time.Duration{}
		fail := func(jobs []*Job) {
			for _, j := range jobs {
				delay := time.Duration(rapid.IntRange(1, 100).Draw(rt, "delay")) * time.Second
				due[j.Offset], before[j.Offset] = real+delay, jumped
				r.finish(Outcome{Kind: rapid.SampledFrom([]Kind{Retry, Snooze}).Draw(rt, "kind"), Due: r.clock.Now().Add(delay)}, j)
			}
		}
		fail(r.take(6))
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				by := time.Duration(rapid.IntRange(-60, 60).Draw(rt, "jump")) * time.Second
				r.clock.jump(by)
				jumped += by.Abs()
			case 1:
				r.reopen()
				r.attach(orders)
			default:
				d := time.Duration(rapid.IntRange(1, 40).Draw(rt, "time")) * time.Second
				r.pass(d)
				real += d
			}
			started := r.startable()
			for _, j := range started {
				if early := due[j.Offset] - real; early > jumped-before[j.Offset] {
					rt.Fatalf("job %d runs %v early, and the clock has jumped by %v", j.Offset, early, jumped-before[j.Offset])
				}
				delete(due, j.Offset)
			}
			for offset, at := range due {
				if late := real - at; late > jumped-before[offset] {
					rt.Fatalf("job %d is %v late, and the clock has jumped by %v", offset, late, jumped-before[offset])
				}
			}
			fail(started)
		}
	})
}

// startable takes the jobs that may start now.
func (r *rig) startable() (jobs []*Job) {
	r.mu.Lock()
	dst := make([]Job, 64)
	n := r.fill(dst, r.clock.Now())
	r.mu.Unlock()
	for i := range dst[:n] {
		jobs = append(jobs, &dst[i])
	}
	return jobs
}
