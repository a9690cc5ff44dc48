package history

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// Judge reads a history from its beginning to its end and reports every event
// that breaks a promise.
func Judge(events []Event) Report {
	j := &judge{
		partitions: make(map[place]*partition),
		processes:  make(map[string]*process),
	}
	j.learn(events)
	for _, e := range events {
		j.judge(e)
	}
	for _, job := range j.jobs {
		if job.done {
			j.report.Done++
		}
	}
	return j.report
}

type judge struct {
	jobs       []*job // all, in the order of their events
	partitions map[place]*partition
	processes  map[string]*process
	report     Report
}

type place struct {
	topic     string
	partition int32
}

// partition knows all records that were ever produced to it.
type partition struct {
	jobs      []*job // by offset
	durable   int    // how many of jobs, from the first, are durable
	committed *Event // the highest that was seen
}

// job is what all processes together did to one record.
type job struct {
	produced  Event
	partition *partition
	lane      *lane // nil: none
	position  int   // in the lane
	done      bool  // a handler call ended without an error
	durable   bool  // a process told so, or a commit of a later life rested on it
}

// lane is an ordered queue as the observer expects it.
type lane struct {
	jobs []*job // by offset
	done int    // how many of jobs, from the first, are done
}

// learn takes in what was produced: a record may be handled before the
// observer has written down that it produced it.
func (j *judge) learn(events []Event) {
	for _, e := range events {
		if e.Kind != Produced {
			continue
		}
		at := place{e.Topic, e.Partition}
		p := j.partitions[at]
		if p == nil {
			p = &partition{}
			j.partitions[at] = p
		}
		p.jobs = append(p.jobs, &job{produced: e, partition: p})
		j.jobs = append(j.jobs, p.jobs[len(p.jobs)-1])
	}
	j.report.Produced = len(j.jobs)
	for _, p := range j.partitions {
		slices.SortStableFunc(p.jobs, func(a, b *job) int { return cmp.Compare(a.produced.Offset, b.produced.Offset) })
		lanes := make(map[string]*lane)
		for i, job := range p.jobs {
			if i > 0 && p.jobs[i-1].produced.Offset == job.produced.Offset {
				j.violation(Observer, job.produced, "the record was produced twice", p.jobs[i-1].produced, job.produced)
			}
			name := job.produced.Lane
			if name == "" {
				continue
			}
			if lanes[name] == nil {
				lanes[name] = &lane{}
			}
			job.lane = lanes[name]
			job.position = len(job.lane.jobs)
			job.lane.jobs = append(job.lane.jobs, job)
		}
	}
}

func (j *judge) judge(e Event) {
	switch e.Kind {
	case Boot:
		j.boot(e)
	case Crash, Stop:
		j.end(e)
	case Start, End, Durable, Halted, Retry, Skip:
		job := j.find(e)
		process := j.processes[e.Process]
		if job == nil {
			j.violation(Observer, e, "nobody produced this record", e)
			return
		}
		if process == nil || !process.alive {
			j.violation(Observer, e, "the process was not alive", e)
			return
		}
		switch e.Kind {
		case Start:
			j.started(e, job, process)
		case End:
			j.ended(e, job, process)
		case Durable:
			j.durable(e, job, process)
		case Halted:
			j.halted(e, job, process)
		case Retry:
			j.retried(job, process)
		case Skip:
			j.skipped(e, job, process)
		}
	case Committed:
		j.committed(e)
	case Drained:
		j.drained(e)
	}
}

func (j *judge) find(e Event) *job {
	p := j.partitions[place{e.Topic, e.Partition}]
	if p == nil {
		return nil
	}
	i := p.below(e.Offset)
	if i == len(p.jobs) || p.jobs[i].produced.Offset != e.Offset {
		return nil
	}
	return p.jobs[i]
}

// below counts the records below an offset.
func (p *partition) below(offset int64) int {
	return sort.Search(len(p.jobs), func(i int) bool { return p.jobs[i].produced.Offset >= offset })
}

// committed checks promise 1: every record below the offset is durably done.
func (j *judge) committed(e Event) {
	j.report.Commits++
	p := j.partitions[place{e.Topic, e.Partition}]
	if p == nil {
		return
	}
	if p.committed == nil || p.committed.Offset < e.Offset {
		p.committed = &e
	}
	for end := p.below(e.Offset); p.durable < end; p.durable++ {
		job := p.jobs[p.durable]
		if job.durable {
			continue
		}
		if !j.untold(job) {
			j.violation(OffsetLeads, job.produced, fmt.Sprintf("offset %d was committed while this job was not durably done", e.Offset), e)
			return
		}
		job.durable = true
	}
}

// untold reports whether the job may be durable although no event says so: it
// ended, or was to be skipped, in a life that crashed before it could tell, and
// has not started since.
func (j *judge) untold(job *job) bool {
	for _, p := range j.processes {
		if r := p.runs[job]; r != nil && r.done != nil && r.startedIn <= r.doneIn && p.crashed(r.doneIn) {
			r.durable = r.done
			return true
		}
	}
	return false
}

// drained checks promise 2 at the end.
func (j *judge) drained(e Event) {
	for _, job := range j.jobs {
		if !job.done {
			j.violation(Lost, job.produced, "nothing is left to do and it was never handled to its end", job.produced, e)
		}
	}
}

func (j *judge) violation(rule Rule, of Event, text string, events ...Event) {
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Line, b.Line) })
	j.report.Violations = append(j.report.Violations, Violation{
		Rule: rule, Topic: of.Topic, Partition: of.Partition, Offset: of.Offset,
		Text: text, Events: events,
	})
}
