package demo

import (
	"sync"
	"time"
)

// observer judges a run by its events and the stream. It stands outside of the bridge
// and believes nothing else.
type observer struct {
	stream *stream
	clock  func() time.Time

	mu    sync.Mutex // guards all below
	state [][]state
	lanes []lane
	found findings
	marks map[int]chan struct{} // closed when so many distinct jobs have finished
	last  time.Time             // of the last event
	first time.Time             // of the first start
}

// state is what is known of one job.
type state struct {
	position int32 // in its lane
	starts   int32
	running  bool
	finished bool
	durable  bool
}

// lane is the order that the jobs of one key have to keep.
type lane struct {
	jobs []place
	done int // the first so many of jobs have finished at least once
}

type place struct {
	partition int32
	offset    int64
}

// findings are the sums of what was seen.
type findings struct {
	handled  int // calls of the handler
	distinct int // jobs it was called for
	finished int // jobs that finished at least once
	durable  int
	running  int
	breaks   int // jobs started before every earlier one of their lane had finished once
	strange  int // events of records that do not exist

	// Jobs started again, by what they had reached before.
	rerunRunning, rerunFinished, rerunDurable int

	work    []time.Duration // by partition: time in handlers, each job's first run that finished
	elapsed time.Duration   // from the first start to the last end
}

func newObserver(s *stream, clock func() time.Time) *observer {
	o := &observer{
		stream: s,
		clock:  clock,
		state:  make([][]state, len(s.lanes)),
		lanes:  make([]lane, s.count),
		marks:  make(map[int]chan struct{}),
		last:   clock(),
		found:  findings{work: make([]time.Duration, len(s.lanes))},
	}
	for p, lanes := range s.lanes {
		o.state[p] = make([]state, len(lanes))
		for offset, id := range lanes {
			l := &o.lanes[id]
			o.state[p][offset].position = int32(len(l.jobs))
			l.jobs = append(l.jobs, place{int32(p), int64(offset)})
		}
	}
	return o
}

// see takes events in the order in which they happened.
func (o *observer) see(events ...event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = o.clock()
	for _, e := range events {
		if e.partition < 0 || int(e.partition) >= len(o.state) || e.offset < 0 || e.offset >= int64(len(o.state[e.partition])) {
			o.found.strange++
			continue
		}
		job := &o.state[e.partition][e.offset]
		l := &o.lanes[o.stream.lanes[e.partition][e.offset]]
		switch e.kind {
		case started:
			o.started(job, l)
		case finished:
			o.finished(job, l, e)
		case durable:
			if !job.durable {
				job.durable = true
				o.found.durable++
			}
		}
	}
}

func (o *observer) started(job *state, l *lane) {
	if o.first.IsZero() {
		o.first = o.last
	}
	o.found.handled++
	if int(job.position) > l.done {
		o.found.breaks++
	}
	switch {
	case job.starts == 0:
		o.found.distinct++
	case job.durable:
		o.found.rerunDurable++
	case job.finished:
		o.found.rerunFinished++
	default:
		o.found.rerunRunning++
	}
	job.starts++
	if !job.running {
		job.running = true
		o.found.running++
	}
}

func (o *observer) finished(job *state, l *lane, e event) {
	if job.running {
		job.running = false
		o.found.running--
	}
	o.found.elapsed = o.last.Sub(o.first)
	if job.finished {
		return
	}
	job.finished = true
	o.found.finished++
	o.found.work[e.partition] += e.took
	for l.done < len(l.jobs) && o.at(l.jobs[l.done]).finished {
		l.done++
	}
	for n, mark := range o.marks {
		if o.found.finished >= n {
			close(mark)
			delete(o.marks, n)
		}
	}
}

func (o *observer) at(p place) *state { return &o.state[p.partition][p.offset] }

// killed says that the process that worked is gone: nothing runs any more.
func (o *observer) killed() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for p := range o.state {
		for i := range o.state[p] {
			o.state[p][i].running = false
		}
	}
	o.found.running = 0
}

// reached is closed as soon as n distinct jobs have finished.
func (o *observer) reached(n int) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	mark, ok := o.marks[n]
	if !ok {
		mark = make(chan struct{})
		if o.found.finished >= n {
			close(mark)
		} else {
			o.marks[n] = mark
		}
	}
	return mark
}

// silence is how long nothing has happened.
func (o *observer) silence() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.clock().Sub(o.last)
}

// findings returns the sums as they are now.
func (o *observer) findings() findings {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.found
	f.work = append([]time.Duration(nil), f.work...)
	return f
}
