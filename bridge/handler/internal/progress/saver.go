package progress

import (
	"context"
	"sync"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Saver keeps the checkpoints of one run. It is safe for concurrent use.
type Saver struct {
	ctx   context.Context
	job   *bridge.Job
	saved func()

	mu      sync.Mutex
	pending []byte    // guarded by mu; nil: none
	saving  bool      // guarded by mu: the goroutine runs, of which there is one at a time
	err     error     // guarded by mu: of the last checkpoint
	idle    sync.Cond // of mu: saving is false
}

// New returns the saver of a run of job. saved, if not nil, is called when a
// checkpoint is durable. What a run has reached counts also when ctx, the run's,
// has ended meanwhile.
func New(ctx context.Context, job *bridge.Job, saved func()) *Saver {
	s := &Saver{ctx: context.WithoutCancel(ctx), job: job, saved: saved}
	s.idle.L = &s.mu
	return s
}

// Save keeps a checkpoint, later; data must not change any more. It never
// blocks. One that comes when Wait has returned, because what reads the answers
// did not know yet that the run is over, is refused by the job.
func (s *Saver) Save(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = data
	if !s.saving {
		s.saving = true
		go s.save()
	}
}

func (s *Saver) save() {
	for data := s.next(); data != nil; data = s.next() {
		err := s.job.Checkpoint(s.ctx, data)
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		if err == nil && s.saved != nil {
			s.saved()
		}
	}
}

func (s *Saver) next() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := s.pending
	s.pending, s.saving = nil, data != nil
	if !s.saving {
		s.idle.Broadcast()
	}
	return data
}

// Wait returns when what was given to Save is durable, or why the last one of it
// is not.
func (s *Saver) Wait() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.saving {
		s.idle.Wait()
	}
	return s.err
}
