package queue

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

func (r *rig) pause(p Pause) {
	r.t.Helper()
	if changed, err := r.Pause(p); err != nil || !changed {
		r.t.Fatalf("pause %+v: %v, %v", p.Scope, changed, err)
	}
}

func (r *rig) resume(s Scope) {
	r.t.Helper()
	if changed, err := r.Resume(s); err != nil || !changed {
		r.t.Fatalf("resume %+v: %v, %v", s, changed, err)
	}
}

func (r *rig) wantStates(p *Partition, want ...JobState) {
	r.t.Helper()
	var got []JobState
	for j, err := range p.Pending(r.t.Context(), 0) {
		r.must(err)
		got = append(got, j.State)
	}
	if !slices.Equal(got, want) {
		r.t.Fatalf("states %v, want %v", got, want)
	}
}

var (
	ordersTopic = Scope{Topic: "orders", Partition: AllPartitions}
	ordersPart  = Scope{Topic: "orders", Partition: 3}
	laneA       = Scope{Topic: "orders", Partition: 3, OfLane: true, Lane: 'a'}
)

func TestAPauseStopsItsScopeAndNothingElse(t *testing.T) {
	t.Parallel()
	other := TopicPartition{"orders", 4}
	for name, c := range map[string]struct {
		scope  Scope
		left   []int64
		states []JobState
	}{
		"topic":     {ordersTopic, []int64{20}, []JobState{Paused, Blocked, Paused, Paused}},
		"partition": {ordersPart, []int64{10, 20}, []JobState{Paused, Blocked, Paused, Paused}},
		"lane":      {laneA, []int64{2, 3, 10, 20}, []JobState{Paused, Blocked}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			p, q, payments := r.attach(orders), r.attach(other), r.attach(TopicPartition{"payments", 0})
			r.append(p, "a", "a", "b", "")
			r.must(errOf(q.Append(records(10, "a"))))
			r.must(errOf(payments.Append(records(20, "a"))))
			r.pause(Pause{Scope: c.scope})
			ran := r.drain()
			slices.Sort(ran)
			if diff := cmp.Diff(c.left, ran); diff != "" {
				t.Fatal(diff)
			}
			r.wantStates(p, c.states...)
			r.resume(c.scope)
			if rest := r.drain(); len(rest)+len(ran) != 6 {
				t.Fatalf("ran %v and then %v", ran, rest)
			}
		})
	}
}

func TestRunningJobsFinishAndRecordsAreStoredDuringAPause(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b")
	running := r.wantTaken(0)
	r.pause(Pause{Scope: ordersPart})
	r.done(running...)
	for range 20 { // more than a window of what could run
		r.must(errOf(p.Append(records(p.State().Next, slices.Repeat([]string{"c"}, 1000)...))))
	}
	if !p.Room() {
		t.Error("a paused partition is not fetched any more")
	}
	r.nothingStarts()
	r.sync()
	if f := p.Frontier(); f != 1 {
		t.Errorf("frontier %d, want 1", f)
	}
	r.resume(ordersPart)
	r.take(3)
}

func TestAPauseOutlivesARestartAndACrash(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(*rig){
		"restart": (*rig).reopen,
		"crash": func(r *rig) { // the file as the last fsync left it
			r.sync()
			content, err := os.ReadFile(r.path)
			r.must(err)
			r.must(r.Close())
			r.path = filepath.Join(r.t.TempDir(), FileName)
			r.must(os.WriteFile(r.path, content, 0o600))
			r.open()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			p := r.attach(orders)
			r.append(p, "a", "b")
			until := r.clock.Now().Add(time.Hour)
			want := []Pause{
				{Scope: ordersTopic, Since: r.clock.Now(), Reason: "the bank is down"},
				{Scope: ordersPart, Since: r.clock.Now(), Until: until},
				{Scope: laneA, Since: r.clock.Now(), LaneName: []byte("a")},
			}
			for _, each := range want {
				r.pause(each)
			}
			again(r)
			if diff := cmp.Diff(want, r.Pauses()); diff != "" {
				t.Fatal(diff)
			}
			p = r.attach(orders)
			if diff := cmp.Diff(want[1:], p.Pauses()); diff != "" {
				t.Fatal(diff)
			}
			r.resume(ordersTopic)
			r.nothingStarts()
			r.pass(time.Hour)
			r.done(r.wantTaken(1)...)
			r.resume(laneA)
			r.wantTaken(0)
			again(r)
			if left := r.Pauses(); len(left) != 0 {
				t.Errorf("left over: %+v", left)
			}
		})
	}
}

func TestALaneIsPausedThatHasNoJobYet(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.pause(Pause{Scope: laneA}) // nor is its partition attached
	p := r.attach(orders)
	r.append(p, "a", "b", "a")
	r.done(r.wantTaken(1)...)
	r.nothingStarts()
	r.must(p.Reset(10))
	r.append(p, "a", "b")
	r.done(r.wantTaken(11)...)
	r.nothingStarts()
	r.resume(laneA)
	r.wantTaken(10)
}

func TestAPauseEndsByItself(t *testing.T) {
	t.Parallel()
	var told []PauseChange
	r := newRig(t, Options{Paused: func(c []PauseChange) { told = append(told, c...) }})
	p := r.attach(orders)
	r.append(p, "a")
	r.pause(Pause{Scope: laneA, Until: r.clock.Now().Add(time.Minute)})
	r.pause(Pause{Scope: ordersTopic, Until: r.clock.Now().Add(2 * time.Minute)})
	jobs := r.takers(1)
	r.pass(time.Minute)
	r.nothingStarts()
	r.pass(time.Minute)
	r.receive(jobs, 1)
	r.sync()
	if len(told) != 4 || told[0].Ended || !told[2].Ended || told[3].Scope != ordersTopic {
		t.Errorf("told %+v", told)
	}
}

func TestAPauseThatEndedDuringADowntimeIsNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a")
	r.pause(Pause{Scope: ordersPart, Until: r.clock.Now().Add(time.Minute)})
	r.must(r.Close())
	r.clock.advance(time.Hour)
	r.open()
	r.attach(orders)
	r.wantTaken(0)
	r.reopen()
	if left := r.Pauses(); len(left) != 0 {
		t.Errorf("left over: %+v", left)
	}
}

func TestPausingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := Pause{Scope: laneA, LaneName: []byte("a"), Reason: "x", Until: r.clock.Now().Add(time.Minute)}
	r.pause(p)
	since := r.clock.Now()
	r.pass(time.Second)
	if changed, err := r.Pause(p); changed || err != nil {
		t.Errorf("the second: %v, %v", changed, err)
	}
	p.Until = p.Until.Add(time.Minute)
	p.LaneName = nil // whoever changes it may not know
	r.pause(p)
	if got := r.Pauses()[0]; string(got.LaneName) != "a" || !got.Since.Equal(since) || !got.Until.Equal(p.Until) {
		t.Errorf("%+v", got)
	}
	if changed, err := r.Pause(Pause{Scope: ordersPart, Until: r.clock.Now()}); changed || err != nil {
		t.Errorf("one that has ended: %v, %v", changed, err)
	}
	r.resume(laneA)
	if changed, err := r.Resume(laneA); changed || err != nil {
		t.Errorf("resumed twice: %v, %v", changed, err)
	}
	for _, wrong := range []Scope{{}, {Topic: "orders", Partition: -2}, {Topic: "orders", Partition: AllPartitions, OfLane: true}} {
		if _, err := r.Pause(Pause{Scope: wrong}); err == nil {
			t.Errorf("%+v was paused", wrong)
		}
	}
}

func TestAPausedJobIsNotRetriedButSkipped(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.finish(Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Hour), Error: "no"}, r.take(1)...)
	r.pause(Pause{Scope: laneA})
	jobs, err := p.Find(t.Context(), 0, 1)
	r.must(err)
	if jobs[0].State != Paused || jobs[0].Error != "no" {
		t.Fatalf("%+v", jobs[0])
	}
	_, err = p.Retry(jobs[0], false)
	wantIs(t, "retry", err, ErrJobPaused)
	if done, err := p.Skip(jobs[0]); !done || err != nil {
		t.Fatalf("skip: %v, %v", done, err)
	}
	r.wantStates(p, Paused)
	r.nothingStarts()
	r.resume(laneA)
	r.wantTaken(1)
}

func TestAFailedJobWaitsOnAfterAPause(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.finish(Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Hour)}, r.take(1)...)
	r.pause(Pause{Scope: laneA})
	r.pass(time.Minute)
	r.resume(laneA)
	r.wantStates(p, Retrying)
	r.pass(time.Hour)
	r.wantTaken(0)
}

func TestPausesAreStoredAsTheFormatSays(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for _, scope := range []Scope{ordersTopic, ordersPart, laneA, {Topic: "bills", Partition: 0}} {
		r.pause(Pause{Scope: scope, LaneName: []byte("a"), Until: r.clock.Now().Add(time.Hour), Reason: "why"})
	}
	r.pause(Pause{Scope: Scope{Topic: "x", Partition: AllPartitions}})
	r.resume(Scope{Topic: "bills", Partition: 0})
	r.sync()
	r.must(r.db.View(func(tx *bbolt.Tx) error {
		got, err := formatReader{tx}.pauses()
		if diff := cmp.Diff(r.Pauses(), got); diff != "" {
			t.Error(diff)
		}
		return err
	}))
}

func TestADamagedPauseStaysInForceAndIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a")
	r.pause(Pause{Scope: ordersPart, Until: r.clock.Now().Add(time.Minute)})
	r.sync()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketPauses)
		if err := b.Put([]byte("nonsense"), nil); err != nil {
			return err
		}
		return b.Put(ordersPart.key(), damaged(bytes.Clone(b.Get(ordersPart.key()))))
	}))
	if found := r.verify(false); len(found) != 2 {
		t.Errorf("verify found %q", found)
	}
	r.reopen()
	r.attach(orders)
	r.clock.advance(time.Hour)
	r.nothingStarts()
	if got := r.Pauses(); len(got) != 1 || got[0].Scope != ordersPart || got[0].Reason == "" {
		t.Errorf("%+v", got)
	}
	r.resume(ordersPart)
	r.take(1)
}

// TestPausesBehaveAsTheirModel pauses and resumes at random, over restarts: what
// starts is what no pause in force names.
func TestPausesBehaveAsTheirModel(t *testing.T) {
	t.Parallel()
	scopes := []Scope{ordersTopic, ordersPart, laneA, {Topic: "orders", Partition: 3, OfLane: true, Lane: 'b'}}
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, Options{})
		defer r.Close()
		p := r.attach(orders)
		model := map[Scope]time.Time{}
		heeded := func(lane string) bool {
			for scope, until := range model {
				if r.clock.Now().Before(until) && (!scope.OfLane || lane != "" && scope.Lane == uint64(lane[0])) {
					return true
				}
			}
			return false
		}
		waiting := map[int64]string{}
		rt.Repeat(map[string]func(*rapid.T){
			"pause": func(rt *rapid.T) {
				scope := rapid.SampledFrom(scopes).Draw(rt, "scope")
				until := r.clock.Now().Add(time.Duration(rapid.IntRange(1, 5).Draw(rt, "minutes")) * time.Minute)
				r.must(errOfBool(r.Pause(Pause{Scope: scope, Until: until})))
				model[scope] = until
			},
			"resume": func(rt *rapid.T) {
				scope := rapid.SampledFrom(scopes).Draw(rt, "scope")
				r.must(errOfBool(r.Resume(scope)))
				delete(model, scope)
			},
			"time passes": func(*rapid.T) { r.pass(time.Minute) },
			"append": func(rt *rapid.T) {
				lane := rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(rt, "lane")
				waiting[p.State().Next] = lane
				r.append(p, lane)
			},
			"restart": func(*rapid.T) { r.reopen(); p = r.attach(orders) },
			"run": func(rt *rapid.T) {
				for _, offset := range r.drain() {
					if heeded(waiting[offset]) {
						rt.Fatalf("@%d of lane %q ran in a pause of %v", offset, waiting[offset], model)
					}
					delete(waiting, offset)
				}
				for offset, lane := range waiting {
					if !heeded(lane) {
						rt.Fatalf("@%d of lane %q did not run; pauses %v", offset, lane, model)
					}
				}
			},
		})
	})
}

func errOfBool(_ bool, err error) error { return err }
