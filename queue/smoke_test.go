package queue

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
)

func TestSmoke(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := Create(path, Identity{Group: "g", StoreID: "x"}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tp := TopicPartition{"orders", 3}
	p, err := s.Attach(tp)
	if err != nil {
		t.Fatal(err)
	}
	p.Configure("tid", "key")
	p.SetStart(100)
	var recs []Record
	for i := range 1000 {
		k := fmt.Sprint("k", i%10)
		recs = append(recs, Record{Offset: 100 + int64(i), Key: []byte(k), Value: []byte(fmt.Sprint("v", i)), Lane: Lane{ID: uint64(i % 10), Name: []byte(k)}})
	}
	if err := p.Append(recs); err != nil {
		t.Fatal(err)
	}
	p.Lease(Forever)
	ctx := context.Background()
	jobs := make([]Job, 1)
	for i := 0; i < 500; i++ {
		n, err := s.Take(ctx, jobs)
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
		if string(jobs[0].Value) != fmt.Sprint("v", jobs[0].Offset-100) {
			t.Fatal(jobs[0])
		}
		kind := Done
		if i == 0 {
			kind = Retry
		}
		if i == 100 {
			s.Sync(ctx)
		}
		if err := s.Finish(Finished{&jobs[0], Outcome{Kind: kind, Error: "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	t.Log(p.State(), p.Frontier(), s.Usage())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err = s.Attach(tp)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(p.State(), p.Frontier(), p.blocks)
	p.Lease(Forever)
	for i := 0; i < 501; i++ {
		n, err := s.Take(ctx, jobs)
		if err != nil || n != 1 || jobs[0].Damaged != nil {
			t.Fatal(n, err, jobs[0].Damaged)
		}
		if string(jobs[0].Value) != fmt.Sprint("v", jobs[0].Offset-100) {
			t.Fatal(jobs[0])
		}
		s.Finish(Finished{&jobs[0], Outcome{Kind: Done}})
	}
	s.Sync(ctx)
	t.Log(p.State(), p.Frontier(), p.blocks, s.Usage())
	s.Close()
}
