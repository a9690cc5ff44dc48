package history

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// world is a bridge that keeps its promises, seen by an observer that keeps
// its own: whatever it writes must be judged legal.
type world struct {
	events  []Event
	jobs    []*worldJob
	alive   bool
	running []*worldJob
	ended   []outcome // not yet durable
	late    []Event   // produced, and not yet told
}

type worldJob struct {
	offset  int64
	lane    string
	done    bool // as the bridge knows in this life
	halted  bool
	durable bool // done, as its file says
	held    bool // halted, as its file says
	doomed  bool // to be skipped by the operator, and not retried
}

// outcome is on its way to the file.
type outcome struct {
	job          *worldJob
	done, halted bool // retried by the operator: neither
}

func TestLegalHistoriesAreJudgedLegal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{}
		t.Repeat(map[string]func(*rapid.T){
			"produce": w.produce,
			"tell":    func(*rapid.T) { w.tell() },
			"boot": func(t *rapid.T) {
				if w.alive {
					t.Skip("alive")
				}
				w.boot()
			},
			"start":   w.start,
			"finish":  w.finish,
			"give up": w.giveUp,
			"operate": w.operate,
			"flush":   func(*rapid.T) { w.flush(len(w.ended), len(w.ended)) },
			"commit":  func(*rapid.T) { w.commit() },
			"crash":   w.crash,
			"stop":    w.stop,
		})
		w.settle(t)
		for i := range w.events {
			w.events[i].Line = i + 1
		}
		if report := Judge(w.events); len(report.Violations) > 0 {
			t.Fatalf("%v\n%v", report.Violations, w.events)
		}
	})
}

func (w *world) tellOf(kind Kind, job *worldJob, done bool) {
	w.events = append(w.events, Event{Kind: kind, Process: "a", Topic: "orders", Offset: job.offset, Done: done})
}

func (w *world) produce(t *rapid.T) {
	offset := int64(0)
	if n := len(w.jobs); n > 0 {
		offset = w.jobs[n-1].offset + 1 + int64(rapid.IntRange(0, 2).Draw(t, "gap"))
	}
	job := &worldJob{offset: offset, lane: rapid.SampledFrom([]string{"", "k", "l", "m"}).Draw(t, "lane"), doomed: rapid.Bool().Draw(t, "doomed")}
	w.jobs = append(w.jobs, job)
	w.late = append(w.late, Event{Kind: Produced, Topic: "orders", Offset: job.offset, Lane: job.lane})
}

func (w *world) tell() {
	w.events = append(w.events, w.late...)
	w.late = nil
}

func (w *world) boot() {
	w.alive = true
	for _, job := range w.jobs {
		job.done, job.halted = job.durable, job.held
	}
	w.events = append(w.events, Event{Kind: Boot, Process: "a"})
}

// startable are the jobs that no earlier job of their lane holds back.
func (w *world) startable() []*worldJob {
	var free []*worldJob
	seen := make(map[string]bool)
	for _, job := range w.jobs {
		name := job.lane
		if name == "" {
			name = fmt.Sprint(job.offset)
		}
		if job.done || seen[name] {
			continue
		}
		seen[name] = true
		if !job.halted && !slices.Contains(w.running, job) {
			free = append(free, job)
		}
	}
	return free
}

func (w *world) start(t *rapid.T) {
	free := w.startable()
	if !w.alive || len(free) == 0 {
		t.Skip("nothing to start")
	}
	job := rapid.SampledFrom(free).Draw(t, "job")
	w.running = append(w.running, job)
	w.tellOf(Start, job, false)
}

func (w *world) finish(t *rapid.T) {
	if len(w.running) == 0 {
		t.Skip("nothing runs")
	}
	w.end(rapid.IntRange(0, len(w.running)-1).Draw(t, "job"), rapid.Bool().Draw(t, "done"))
}

func (w *world) end(i int, done bool) {
	job := w.running[i]
	w.running = slices.Delete(w.running, i, i+1)
	w.tellOf(End, job, done)
	if done {
		job.done = true
		w.ended = append(w.ended, outcome{job: job, done: true})
	}
}

func (w *world) giveUp(t *rapid.T) {
	if len(w.running) == 0 {
		t.Skip("nothing runs")
	}
	i := rapid.IntRange(0, len(w.running)-1).Draw(t, "job")
	job := w.running[i]
	w.end(i, false)
	job.halted = true
	w.ended = append(w.ended, outcome{job: job, halted: true})
}

// operate mends a job that is halted.
func (w *world) operate(t *rapid.T) {
	var halted []*worldJob
	for _, job := range w.jobs {
		if w.alive && job.halted && !job.done {
			halted = append(halted, job)
		}
	}
	if len(halted) == 0 {
		t.Skip("nothing is halted")
	}
	w.mend(rapid.SampledFrom(halted).Draw(t, "job"))
}

func (w *world) mend(job *worldJob) {
	job.halted = false
	if !job.doomed {
		w.tellOf(Retry, job, false)
		w.ended = append(w.ended, outcome{job: job})
		return
	}
	w.tellOf(Skip, job, false)
	job.done = true
	w.ended = append(w.ended, outcome{job: job, done: true})
}

// flush makes n completions durable and tells of the first of them.
func (w *world) flush(n, told int) {
	for i, o := range w.ended[:n] {
		o.job.durable, o.job.held = o.done, o.halted
		switch {
		case i >= told:
		case o.done:
			w.tellOf(Durable, o.job, false)
		case o.halted:
			w.tellOf(Halted, o.job, false)
		}
	}
	w.ended = slices.Delete(w.ended, 0, n)
}

// commit also reads old commits again, and from a bridge that is gone.
func (w *world) commit() {
	var frontier int64
	for _, job := range w.jobs {
		if !job.durable {
			break
		}
		frontier = job.offset + 1
	}
	w.events = append(w.events, Event{Kind: Committed, Topic: "orders", Offset: frontier})
}

// crash kills at any moment of a flush.
func (w *world) crash(t *rapid.T) {
	if !w.alive {
		t.Skip("dead")
	}
	n := rapid.IntRange(0, len(w.ended)).Draw(t, "flushed")
	w.flush(n, rapid.IntRange(0, n).Draw(t, "told"))
	w.die(Crash)
}

func (w *world) stop(t *rapid.T) {
	if !w.alive {
		t.Skip("dead")
	}
	for range rapid.IntRange(0, len(w.running)).Draw(t, "finished in time") {
		w.end(0, rapid.Bool().Draw(t, "done"))
	}
	w.flush(len(w.ended), len(w.ended))
	w.die(Stop)
}

func (w *world) die(kind Kind) {
	w.alive, w.running, w.ended = false, nil, nil
	w.events = append(w.events, Event{Kind: kind, Process: "a"})
}

// settle lets the bridge finish everything.
func (w *world) settle(t *rapid.T) {
	if !w.alive {
		w.boot()
	}
	for {
		for len(w.running) > 0 {
			w.end(0, true)
		}
		for _, job := range w.jobs {
			if job.halted && !job.done {
				w.mend(job)
			}
		}
		if len(w.startable()) == 0 {
			break
		}
		w.start(t)
	}
	w.flush(len(w.ended), len(w.ended))
	w.tell()
	w.commit()
	w.events = append(w.events, Event{Kind: Drained})
}
