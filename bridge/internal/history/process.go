package history

import "fmt"

// process is a bridge with its data directory, over all its lives.
type process struct {
	alive   bool
	life    int                // counted from 1
	endings map[int]Kind       // of the lives that ended: Crash or Stop
	runs    map[*job]*run      // all that it ever started
	running map[*job]*run      // handler calls under way
	lanes   map[*lane]*laneRun // of this life
}

// run is what a process did to a job.
type run struct {
	started   Event  // the latest call
	startedIn int    // the life of it
	done      *Event // the latest end without an error, or skip
	doneIn    int    // the life of it
	durable   *Event // the event that made it durable
	halted    *Event // the latest of its Halted events
	halts     int    // how many there were
	retries   int    // how many Retry events there were
}

// laneRun is what a life started last in a lane.
type laneRun struct {
	job *job
	run *run
}

func (p *process) crashed(life int) bool { return p.endings[life] == Crash }

// run returns what the process did to a job, made if need be.
func (p *process) run(job *job) *run {
	r := p.runs[job]
	if r == nil {
		r = &run{}
		p.runs[job] = r
	}
	return r
}

func (j *judge) boot(e Event) {
	p := j.processes[e.Process]
	if p == nil {
		p = &process{endings: make(map[int]Kind), runs: make(map[*job]*run)}
		j.processes[e.Process] = p
	}
	if p.alive {
		j.violation(Observer, e, "the process was alive already", e)
	}
	p.alive = true
	p.life++
	p.running = make(map[*job]*run)
	p.lanes = make(map[*lane]*laneRun)
}

func (j *judge) end(e Event) {
	p := j.processes[e.Process]
	if p == nil || !p.alive {
		j.violation(Observer, e, "the process was not alive", e)
		return
	}
	p.alive = false
	p.endings[p.life] = e.Kind
	if e.Kind == Stop {
		j.report.Stops++
		return
	}
	j.report.Crashes++
	j.report.Interrupt += len(p.running)
}

func (j *judge) started(e Event, job *job, p *process) {
	j.report.Starts++
	r := p.run(job)
	j.checkAgain(e, r, p)
	j.checkHalted(e, r)
	j.checkElsewhere(e, job, p)
	if before, ok := p.running[job]; ok {
		j.violation(Overlap, e, "it was running already", before.started, e)
	}
	if job.lane != nil {
		j.checkOrder(e, job, p)
		p.lanes[job.lane] = &laneRun{job, r}
	}
	r.started, r.startedIn = e, p.life
	p.running[job] = r
}

// checkAgain checks promises 4 and 5 for a job that this process may have done
// before.
func (j *judge) checkAgain(e Event, r *run, p *process) {
	switch {
	case r.durable != nil:
		j.violation(DurableRan, e, "it ran again after its completion was durable", *r.durable, e)
	case r.done == nil:
	case r.doneIn == p.life:
		j.violation(Duplicate, e, "it ran again without a crash or stop in between", *r.done, e)
	case !p.crashed(r.doneIn):
		j.violation(Duplicate, e, "it ran again although it had ended before a planned stop", *r.done, e)
	default:
		j.report.Undurable++
	}
}

// checkElsewhere checks the same for a job that another process may have done:
// what is committed runs nowhere again. What is not may, and is counted.
func (j *judge) checkElsewhere(e Event, job *job, p *process) {
	if c := job.partition.committed; c != nil && e.Offset < c.Offset && p.runs[job].done == nil {
		j.violation(DurableRan, e, fmt.Sprintf("it started although offset %d had been committed", c.Offset), *c, e)
	}
	for _, other := range j.processes {
		switch r := other.runs[job]; {
		case other == p || r == nil || r.done == nil:
		case other.crashed(r.doneIn):
			j.report.AfterCrash++
		default:
			j.report.HandedOver++
		}
	}
}

// checkOrder checks promise 3: all earlier jobs of the lane are done, and
// within this life the lane runs one job at a time, upwards.
func (j *judge) checkOrder(e Event, job *job, p *process) {
	if lane := job.lane; lane.done < job.position {
		earlier := lane.jobs[lane.done]
		j.violation(OutOfOrder, e, fmt.Sprintf("it started before %s/%d@%d of its lane %q had ended once",
			e.Topic, e.Partition, earlier.produced.Offset, job.produced.Lane), e)
	}
	last := p.lanes[job.lane]
	if last == nil || last.job == job {
		return
	}
	if _, running := p.running[last.job]; running {
		j.violation(Overlap, e, "another job of its lane was running", last.run.started, e)
	}
	if last.job.position > job.position {
		j.violation(OutOfOrder, e, "a later job of its lane had started before in the same life", last.run.started, e)
	} else if last.run.doneIn != p.life && !last.job.durable {
		j.violation(OutOfOrder, e, "the job before it in its lane had not ended in this life", last.run.started, e)
	}
}

func (j *judge) ended(e Event, job *job, p *process) {
	r, running := p.running[job]
	if !running {
		j.violation(Observer, e, "it was not running", e)
		return
	}
	delete(p.running, job)
	if !e.Done {
		return
	}
	r.finish(e, job, p)
}

// finish takes note that the process holds the job for done.
func (r *run) finish(e Event, job *job, p *process) {
	r.done, r.doneIn = &e, p.life
	job.done = true
	if lane := job.lane; lane != nil {
		for lane.done < len(lane.jobs) && lane.jobs[lane.done].done {
			lane.done++
		}
	}
}

// durable checks promise 2: only what a handler ended may count as done.
func (j *judge) durable(e Event, job *job, p *process) {
	r := p.runs[job]
	if r == nil || r.done == nil || r.doneIn != p.life {
		j.violation(Lost, e, "its completion became durable although no handler call had ended in this life", e)
		return
	}
	r.durable = &e
	job.durable = true
}
