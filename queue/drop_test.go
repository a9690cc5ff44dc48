package queue

import "testing"

func TestDropLeavesNothingOfAPartition(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.attach(TopicPartition{"orders", 4})
	r.append(p, "a", "b", "c", "b")
	taken := r.wantTaken(0, 1, 2)
	r.finish(Outcome{Kind: Bury, Error: "dead"}, taken[0])
	r.park(taken[1])
	r.finish(Outcome{Kind: Release}, taken[2])
	if _, err := r.Pause(Pause{Scope: Scope{Topic: "orders", Partition: 3}}); err != nil {
		t.Fatal(err)
	}
	r.sync()
	if done, err := r.Drop(orders); done || err != nil {
		t.Fatalf("dropped while it is attached: %v, %v", done, err)
	}
	p.Detach()
	r.sync()
	if h := r.Holding(orders); h.State.Open != 1 || h.Parked != 2 || h.Dead.Letters != 1 || h.Damaged != nil {
		t.Errorf("%+v", h)
	}
	if done, err := r.Drop(orders); !done || err != nil {
		t.Fatalf("%v, %v", done, err)
	}
	r.sync()
	check := func() {
		t.Helper()
		if tps, err := r.Partitions(); err != nil || len(tps) != 1 || tps[0].Partition != 4 {
			t.Errorf("the file holds %v, %v", tps, err)
		}
		if n := r.DeadCount(orders).Letters; n != 0 || len(r.Pauses()) != 0 {
			t.Errorf("%d dead letters and the pauses %v are left", n, r.Pauses())
		}
	}
	check()
	r.reopen()
	check()
	p, err := r.Attach(orders)
	r.must(err)
	if s := p.State(); s.Known || s.Next != -1 || s.Parked != 0 {
		t.Errorf("it comes back as %+v", s)
	}
}
