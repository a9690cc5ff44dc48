package bridge

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-2837c37b/holdfast/recovery"
)

// pool is a number of workers that can be changed while they work.
type pool struct {
	mu      sync.Mutex
	want    int                  // guarded by mu
	work    func(*worker)        // guarded by mu; nil until start
	wanted  []*worker            // guarded by mu
	alive   map[*worker]struct{} // guarded by mu; wanted ones and those that finish a last job
	apart   map[*Job]struct{}    // guarded by mu; jobs that go on without a worker
	stopped bool                 // guarded by mu
	done    chan struct{}        // closed when stopped, none is alive, and no job goes on
}

// worker is one goroutine that runs jobs until its context ends.
type worker struct {
	ctx     context.Context // ends when the worker is to take no more jobs
	cancel  context.CancelFunc
	running atomic.Pointer[attempt] // nil between jobs
	// goroutine is the worker's, as stack traces name it; set before it works.
	goroutine string
	slot      *recovery.Slot // where it notes what it runs; its own
}

func newPool(want int) *pool {
	return &pool{want: want, alive: make(map[*worker]struct{}), apart: make(map[*Job]struct{}), done: make(chan struct{})}
}

// start lets the workers work. work returns when the worker's context ends.
func (p *pool) start(work func(*worker)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work = work
	p.adjust()
}

// resize changes the number of workers. One too many ends after its job.
func (p *pool) resize(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.want = max(n, 0)
	p.adjust()
}

// wants is how many workers are wanted.
func (p *pool) wants() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.want
}

// detach counts a job that goes on when its worker has left it, until rejoin.
func (p *pool) detach(job *Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apart[job] = struct{}{}
}

// rejoin ends what detach began.
func (p *pool) rejoin(job *Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.apart, job)
	p.closeIfDone()
}

// stop lets no worker take another job. The channel closes when all have ended,
// and with them all jobs.
func (p *pool) stop() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.stopped, p.want = true, 0
		p.adjust()
		p.closeIfDone()
	}
	return p.done
}

// running lists the jobs that run.
func (p *pool) running() []*Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	jobs := slices.Collect(maps.Keys(p.apart))
	for w := range p.alive {
		if lead := w.running.Load(); lead != nil {
			for _, a := range lead.together() {
				jobs = append(jobs, &a.Job)
			}
		}
	}
	return jobs
}

// deferred lists the jobs that wait to be finished.
func (p *pool) deferred() (list []*Deferred) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for job := range p.apart {
		if d := job.run.deferred.Load(); d != nil {
			list = append(list, d)
		}
	}
	return list
}

// workers lists those that are alive.
func (p *pool) workers() []*worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.alive))
}

// adjust needs mu.
func (p *pool) adjust() {
	if p.work == nil {
		return
	}
	for len(p.wanted) < p.want {
		p.wanted = append(p.wanted, p.spawn())
	}
	for len(p.wanted) > p.want {
		last := len(p.wanted) - 1
		p.wanted[last].cancel()
		p.wanted = p.wanted[:last]
	}
}

// spawn needs mu. A handler that ends its goroutine takes the worker with it;
// another one replaces it.
func (p *pool) spawn() *worker {
	w := &worker{}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	p.alive[w] = struct{}{}
	work := p.work
	go func() {
		returned := false
		defer func() { p.ended(w, returned) }()
		w.goroutine = thisGoroutine()
		work(w)
		returned = true
	}()
	return w
}

// ended forgets a worker; one that was wanted and did not end by itself is replaced.
func (p *pool) ended(w *worker, returned bool) {
	w.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.alive, w)
	for i := range p.wanted {
		if p.wanted[i] != w {
			continue
		}
		p.wanted = append(p.wanted[:i], p.wanted[i+1:]...)
		if !returned {
			p.adjust()
		}
		break
	}
	p.closeIfDone()
}

// closeIfDone needs mu.
func (p *pool) closeIfDone() {
	if p.stopped && len(p.alive) == 0 && len(p.apart) == 0 {
		select {
		case <-p.done:
		default:
			close(p.done)
		}
	}
}
