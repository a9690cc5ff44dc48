package main

import (
	"path/filepath"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// TestALimitBeyondAPlanIsALimit: what is done bit by bit does not begin anew with it.
func TestALimitBeyondAPlanIsALimit(t *testing.T) {
	t.Parallel()
	const stored, limit = 2*inspect.MaxJobs + 1000, inspect.MaxJobs + 500
	path := filepath.Join(t.TempDir(), queue.FileName)
	if err := storeJobs(path, stored); err != nil {
		t.Fatal(err)
	}
	i, err := inspect.Open(t.Context(), filepath.Dir(path), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	for _, verb := range []inspect.Verb{inspect.Park, inspect.Release, inspect.Skip} {
		command := inspect.Command{Verb: verb, Select: inspect.Query{Topic: "orders", Limit: limit}}
		out, err := carryOut(t.Context(), i, command, true)
		if err != nil {
			t.Fatal(err)
		}
		if n := did(*out.Operation); n != limit {
			t.Errorf("%s: %d of %d", verb, n, limit)
		}
	}
}

// storeJobs makes a store of so many jobs, each in a lane of its own.
func storeJobs(path string, n int) error {
	if err := queue.Create(path, queue.Identity{StoreID: "s"}); err != nil {
		return err
	}
	s, err := queue.Open(path, queue.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	p, err := s.Attach(queue.TopicPartition{Topic: "orders"})
	if err != nil {
		return err
	}
	if err := p.SetStart(0); err != nil {
		return err
	}
	recs := make([]queue.Record, n)
	for i := range recs {
		recs[i] = queue.Record{Offset: int64(i), Timestamp: -1, Lane: queue.Lane{Own: true}}
	}
	if _, err := p.Append(recs); err != nil {
		return err
	}
	return s.Close()
}
