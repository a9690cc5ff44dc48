package queue

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// buryVariable names the file of a child of the test binary, which buries and
// requeues jobs in it until it is killed.
const buryVariable = "HOLDFAST_QUEUETEST_BURY"

// TestAKillLeavesEachJobOpenOrDead kills a process that does nothing but bury and
// requeue: whenever that comes, every job is there once, and a burial that was
// told is one.
func TestAKillLeavesEachJobOpenOrDead(t *testing.T) {
	t.Parallel()
	path, lives := killedStore(t)
	told := map[int64]string{}
	buried, requeued := 0, 0
	k := killer{variable: buryVariable, path: path}
	for life := 0; life < lives || (buried < 10 || requeued < 1) && life < 10*lives; life++ { // on a slow machine a life tells little
		out := k.life(t)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var act string
			var offset int64
			if n, _ := fmt.Sscan(lines.Text(), &act, &offset); n == 2 {
				told[offset] = act
			}
		}
		dead, open := whereJobsAre(t, path, told)
		buried, requeued = max(buried, dead), max(requeued, open)
	}
	if buried < 10 || requeued < 1 {
		t.Errorf("the test did not test much: at most %d were dead, and %d open", buried, requeued)
	}
}

// whereJobsAre counts the jobs of the file, each of which has to be in one place.
func whereJobsAre(t *testing.T, path string, told map[int64]string) (dead, open int) {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := Verify(s.db, true, func(d *DamageError) { t.Error(d) }); err != nil {
		t.Fatal(err)
	}
	p, err := s.Attach(orders)
	if err != nil {
		t.Fatal(err)
	}
	places := map[int64]string{}
	put := func(offset int64, place string) {
		if places[offset] != "" {
			t.Errorf("%d is %s and %s", offset, places[offset], place)
		}
		places[offset] = place
	}
	for j, err := range p.Pending(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		put(j.Offset, "open")
		open++
	}
	for l, err := range s.DeadLetters(t.Context(), orders, 0) {
		if err != nil || l.Damaged != nil {
			t.Fatal(err, l.Damaged)
		}
		put(l.Offset, "dead")
		dead++
	}
	for offset := range p.State().Next {
		if places[offset] == "" {
			t.Errorf("%d is gone", offset)
		}
		if told[offset] == "bury" && places[offset] != "dead" {
			t.Errorf("%d was told to be dead and is %s", offset, places[offset])
		}
	}
	return dead, open
}

// buryUntilKilled is the child. It tells of a burial once that is durable, and of
// a requeue behind that and before it is asked for.
func buryUntilKilled(path string) error {
	var told sync.Map // offsets of letters that were told of
	s, err := Open(path, Options{Flush: time.Millisecond, Durable: func(list []Durable) {
		var lines []byte
		for _, d := range list {
			if d.Kind == Bury {
				lines = fmt.Appendf(lines, "bury %d\n", d.Offset)
			}
		}
		os.Stdout.Write(lines)
		for _, d := range list {
			if d.Kind == Bury {
				told.Store(d.Offset, true)
			}
		}
	}})
	if err != nil {
		return err
	}
	p, err := s.Attach(orders)
	if err != nil {
		return err
	}
	if p.State().Next < 0 {
		if err := p.SetStart(0); err != nil {
			return err
		}
	}
	for l := range s.DeadLetters(context.Background(), orders, 0) {
		told.Store(l.Offset, true)
	}
	p.Lease(Forever)
	failed := make(chan error, 2)
	go func() { failed <- buryAll(s, p) }()
	go func() { failed <- requeueSome(s, &told) }()
	return <-failed
}

func buryAll(s *Store, p *Partition) error {
	for jobs := make([]Job, 8); ; {
		if state := p.State(); state.Open < 30 {
			recs := make([]Record, 20)
			for i := range recs {
				offset := state.Next + int64(i)
				recs[i] = record(offset, []string{"a", "b", "c", "d", ""}[offset%5])
			}
			if _, err := p.Append(recs); err != nil {
				return err
			}
		}
		n, err := s.Take(context.Background(), jobs)
		if err != nil {
			return err
		}
		for i := range jobs[:n] {
			o := Outcome{Kind: []Kind{Bury, Bury, Bury, Retry, Release}[rand.IntN(5)], Error: "no use"}
			if err := s.Finish(Finished{&jobs[i], o}); err != nil {
				return err
			}
		}
	}
}

func requeueSome(s *Store, told *sync.Map) error {
	for {
		var refs []DeadRef
		var lines []byte
		for l, err := range s.DeadLetters(context.Background(), orders, 0) {
			if err != nil {
				return err
			}
			if _, known := told.Load(l.Offset); known && rand.IntN(10) == 0 {
				told.Delete(l.Offset)
				refs = append(refs, l.DeadRef)
				lines = fmt.Appendf(lines, "requeue %d\n", l.Offset)
			}
			if len(refs) == 30 {
				break
			}
		}
		os.Stdout.Write(lines)
		if _, err := s.Requeue(context.Background(), false, refs...); err != nil {
			return err
		}
	}
}
