package queue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// someRerun is 2026-01-31T08:00:00.5Z.
const someRerun = Rerun(1_769_846_400_500)

func TestARerunSaysItsTime(t *testing.T) {
	t.Parallel()
	if got := someRerun.String(); got != "+20260131T080000.500Z" || RerunAt(someRerun.Time()) != someRerun {
		t.Errorf("%s at %v", got, someRerun.Time())
	}
	if got := Rerun(0); got.String() != "" || RerunAt(got.Time()) != 0 {
		t.Errorf("none is %q at %v", got, got.Time())
	}
}

func (r *rig) runAgain(rerun Rerun, recs ...Record) []RequeueResult {
	r.t.Helper()
	results, err := r.RunAgain(r.t.Context(), Again{TopicPartition: orders, TopicID: "topic-id", Scheme: "scheme", Rerun: rerun, Records: recs})
	r.must(err)
	return results
}

func (r *rig) wantAgain(rerun Rerun, recs ...Record) {
	r.t.Helper()
	for _, res := range r.runAgain(rerun, recs...) {
		if !res.Done || res.Err != nil {
			r.t.Fatalf("%s: %+v", res, res)
		}
	}
}

func (r *rig) wantRefused(want error, recs ...Record) {
	r.t.Helper()
	for _, res := range r.runAgain(0, recs...) {
		if res.Done || !errors.Is(res.Err, want) {
			r.t.Errorf("%s: %+v, want %v", res, res, want)
		}
	}
}

// TestAFinishedRecordRunsAgainInItsLane: before the later jobs that wait, without
// a frontier that moves back, over a restart, and once.
func TestAFinishedRecordRunsAgainInItsLane(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "", "a", "a")
	r.done(r.wantTaken(0, 1)...)
	running := r.wantTaken(2)
	r.wantAgain(0, record(0, "a"), record(1, ""))
	r.wantRefused(ErrJobWaiting, record(0, "a"), record(1, ""), record(2, "a"))
	if s := p.State(); s.Frontier != 2 || s.Aside != 2 || s.Open != 2 {
		t.Errorf("%+v", s)
	}
	r.done(running...)
	if job := r.wantTaken(1)[0]; job.Rerun != 0 || job.Attempt != 1 || !job.Forced {
		t.Errorf("%+v", job)
	} else {
		r.finish(Outcome{Kind: Release}, job)
	}
	r.reopen()
	r.attach(orders)
	if ran := r.drain(); !slices.Equal(ran, []int64{0, 1, 3}) {
		t.Errorf("ran %v", ran)
	}
	r.wantAside(orders)
	r.wantAgain(0, record(0, "a"))
	r.done(r.wantTaken(0)...)
}

// TestAnIDOfItsOwnStays: over attempts, restarts, death, and a requeue that
// resets attempts; it ends with the job.
func TestAnIDOfItsOwnStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.done(r.wantTaken(0, 1)...)
	r.wantAgain(someRerun, record(0, "a"))
	run := func() *Job {
		t.Helper()
		job := r.wantTaken(0)[0]
		if job.Rerun != someRerun {
			t.Fatalf("it runs as %+v", job)
		}
		return job
	}
	r.finish(Outcome{Kind: Halt, Error: "no"}, run())
	if seen := r.find(p, 0); seen.Rerun != someRerun || seen.Attempts != 1 {
		t.Errorf("%+v", seen)
	}
	r.change(p.Retry(r.find(p, 0), true))
	r.finish(Outcome{Kind: Release}, run())
	r.reopen()
	p = r.attach(orders)
	r.finish(bury, run())
	dead := r.wantDead(orders, 0)
	if dead[0].Rerun != someRerun {
		t.Errorf("%+v", dead[0])
	}
	r.wantRefused(ErrLetterKept, record(0, "a"))
	r.wantRequeued(true, dead...)
	if seen := r.find(p, 0); seen.Rerun != someRerun || seen.Attempts != 0 {
		t.Errorf("%+v", seen)
	}
	r.park(run())
	lanes := r.parkedLanes(orders)
	if seen := r.find(p, 0); seen.Rerun != someRerun || seen.State != Parked || len(lanes) != 1 {
		t.Errorf("%+v, %+v", seen, lanes)
	}
	r.wantRefused(ErrJobWaiting, record(0, "a"))
	if changed, err := p.Release(lanes[0], true); !changed || err != nil {
		t.Fatal(changed, err)
	}
	r.sync()
	r.done(run())
	r.wantAside(orders)
	r.wantAgain(0, record(0, "a"))
	if job := r.wantTaken(0)[0]; job.Rerun != 0 {
		t.Errorf("%+v", job)
	}
}

// TestAnImportedLetterKeepsItsIDOfItsOwn: in another store, too.
func TestAnImportedLetterKeepsItsIDOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	in := DeadImport{DeadLetter: DeadLetter{
		DeadRef: DeadRef{TopicPartition: orders, Offset: 0}, Buried: r.clock.Now(), Rerun: someRerun, Record: record(0, "a"),
	}}
	if results, err := r.ImportDead(t.Context(), in); err != nil || !results[0].Done {
		t.Fatal(results, err)
	}
	if dead := r.wantDead(orders, 0); dead[0].Rerun != someRerun {
		t.Errorf("%+v", dead[0])
	}
}

func TestARecordIsRefusedByName(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.wantRefused(ErrDetached, record(0, "a"))
	p := r.attach(orders)
	r.append(p, "a", "b", "c")
	jobs := r.wantTaken(0, 1, 2)
	r.done(jobs[0])
	r.wantRefused(ErrJobWaiting, record(1, "b"))
	r.wantRefused(ErrNotDelivered, record(3, "b"))
	r.must(p.SkipTo(2))
	r.wantRefused(ErrJobRunning, record(1, "b"))
	r.done(jobs[1:]...)
	r.must(p.Configure("another id", "scheme"))
	r.wantRefused(ErrTopicAnew, record(0, "a"))
	r.must(p.Configure("topic-id", "another scheme"))
	r.wantRefused(ErrOtherScheme, record(0, "a"))
	r.must(p.Configure("topic-id", "scheme"))
	same := r.runAgain(0, record(0, "a"), record(0, "a"))
	if !same[0].Done || same[1].Done || !errors.Is(same[1].Err, ErrJobWaiting) {
		t.Errorf("twice in one: %+v", same)
	}
	p.Detach()
	r.wantRefused(ErrDetached, record(1, "b"))
}

// TestALetterOfADeletedTopicIsOfNoRecord: another job had that offset.
func TestALetterOfADeletedTopicIsOfNoRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.must(p.Configure("deleted", "scheme"))
	r.append(p, "a", "b")
	jobs := r.wantTaken(0, 1)
	r.finish(bury, jobs[0])
	r.done(jobs[1])
	r.must(p.Reset(0))
	r.must(p.Configure("topic-id", "scheme"))
	r.append(p, "a", "b")
	jobs = r.wantTaken(0, 1)
	r.done(jobs[0])
	r.finish(bury, jobs[1])
	r.wantRefused(ErrLetterKept, record(1, "b"))
	r.wantAgain(0, record(0, "a"))
	r.done(r.wantTaken(0)...)
}

// TestNoRecordRunsAgainBesideJobsOfAnOlderScheme: its lane has other jobs there.
func TestNoRecordRunsAgainBesideJobsOfAnOlderScheme(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	jobs := r.wantTaken(0, 1)
	r.done(jobs[0])
	r.must(p.Configure("topic-id", "newer"))
	again := func() RequeueResult {
		results, err := r.RunAgain(t.Context(), Again{TopicPartition: orders, TopicID: "topic-id", Scheme: "newer", Records: []Record{record(0, "x")}})
		r.must(err)
		return results[0]
	}
	if res := again(); !errors.Is(res.Err, ErrOtherScheme) {
		t.Errorf("%+v", res)
	}
	r.done(jobs[1])
	if res := again(); !res.Done {
		t.Errorf("%+v", res)
	}
	r.append(p, "x")
	r.done(r.wantTaken(0)...)
	r.done(r.wantTaken(2)...)
}

// TestRecordsRunAgainWithinTheBudget: they are new bytes, all of them at once.
func TestRecordsRunAgainWithinTheBudget(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Disk: 4 << 20})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.done(r.wantTaken(0, 1)...)
	large := record(0, "a")
	large.Value = make([]byte, 4<<20)
	r.wantRefused(ErrNoRoom, large, record(1, "b"))
	r.wantAgain(0, record(1, "b"))
}

// TestARecordWaitsInAParkedLane as one that comes from Kafka does.
func TestARecordWaitsInAParkedLane(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.done(r.wantTaken(0)...)
	r.park(r.wantTaken(1)[0])
	r.wantAgain(someRerun, record(0, "a"))
	r.nothingStarts()
	lanes := r.parkedLanes(orders)
	if len(lanes) != 1 || lanes[0].Jobs != 2 {
		t.Fatalf("%+v", lanes)
	}
	r.release(p)
	r.sync()
	r.done(r.wantTaken(0)...)
	r.done(r.wantTaken(1)...)
	r.wantAside(orders)
}

// againVariable names the file of a child of the test binary, which lets records
// run again in it, some together, until it is killed.
const againVariable = "HOLDFAST_QUEUETEST_AGAIN"

const (
	againRecords  = 40_000
	againTogether = 16
)

// TestAKillLetsAllOfThemRunAgainOrNone kills a process that does nothing but make
// jobs of records: those of one call are there all or none, and all where it was
// told.
func TestAKillLetsAllOfThemRunAgainOrNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.must(r.attach(orders).AdvanceTo(againRecords)) // all are done
	r.must(r.Close())
	lives := 10
	if testing.Short() {
		lives = 3
	}
	k := killer{variable: againVariable, path: r.path}
	told, partly := map[int64]bool{}, 0
	for life := 0; life < lives || len(told) < 10 && life < 10*lives; life++ { // on a slow machine a life tells little
		out := k.life(t)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var first int64
			if n, _ := fmt.Sscan(strings.TrimPrefix(lines.Text(), "told "), &first); n == 1 {
				told[first] = true
			}
		}
		r.open()
		p := r.mustAttach(orders)
		there := map[int64]int{}
		for j, err := range p.Pending(t.Context(), 0) {
			r.must(err)
			if first := j.Offset / againTogether * againTogether; j.Rerun != Rerun(first+1) || !j.Aside {
				t.Errorf("%+v", j)
			} else {
				there[first]++
			}
		}
		for first, n := range there {
			if n != againTogether {
				t.Errorf("of those from %d on are %d there", first, n)
			}
			if !told[first] {
				partly++
			}
		}
		for first := range told {
			if there[first] == 0 {
				t.Errorf("those from %d on were told, and are not there", first)
			}
		}
		r.must(Verify(r.db, true, func(d *DamageError) { t.Error(d) }))
		r.must(r.Close())
	}
	if len(told) < 10 {
		t.Errorf("the test did not test much: %d were told, %d were there untold", len(told), partly)
	}
}

// runAgainUntilKilled is the child.
func runAgainUntilKilled(path string) error {
	s, err := Open(path, Options{Flush: time.Millisecond})
	if err != nil {
		return err
	}
	p, err := s.Attach(orders)
	if err != nil {
		return err
	}
	have := map[int64]bool{}
	for j, err := range p.Pending(context.Background(), 0) {
		if err != nil {
			return err
		}
		have[j.Offset] = true
	}
	for first := int64(0); first < againRecords; first += againTogether {
		if have[first] {
			continue
		}
		recs := Again{TopicPartition: orders, TopicID: "topic-id", Scheme: "scheme", Rerun: Rerun(first + 1)}
		for offset := first; offset < first+againTogether; offset++ {
			recs.Records = append(recs.Records, record(offset, []string{"a", "b", "c", ""}[offset%4]))
		}
		if _, err := s.RunAgain(context.Background(), recs); err != nil {
			return err
		}
		fmt.Println("told", first)
	}
	return errors.New("there are no more records")
}
