package exec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/internal/progress"
)

// ErrClosed is the error of a job that comes to a [Stream] after Close.
var ErrClosed = errors.New("exec: the stream is closed")

// Stream is the handler whose children each work on many jobs. It starts a child when a
// job first needs it. Close it once no job runs any more, which is after Run has returned.
type Stream struct {
	program *program
	base64  bool
	log     *slog.Logger
	ids     atomic.Uint64 // of runs; none is used twice

	// places has a slot as often as jobs may yet be given to its child. It has room
	// for all of them, so that giving one back never blocks.
	places  chan *slot
	closing chan struct{} // closed by Close

	mu     sync.Mutex
	closed bool    // guarded by mu
	slots  []*slot // their state is guarded by mu

	keepers sync.WaitGroup // a goroutine for each child; none is added once closed is set
}

// NewStream returns the handler, or says why its command could not be run. It starts
// nothing yet.
func NewStream(config StreamConfig) (*Stream, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	p, err := config.program()
	if err != nil {
		return nil, err
	}
	p.base = append(p.base, streamVersion, "HOLDFAST_STREAM_IN_FLIGHT="+strconv.Itoa(config.InFlight))
	s := &Stream{
		program: p,
		base64:  config.Base64,
		log:     config.Logger,
		places:  make(chan *slot, config.Processes*config.InFlight),
		closing: make(chan struct{}),
	}
	for range config.Processes {
		s.slots = append(s.slots, &slot{stream: s})
	}
	for range config.InFlight { // in turn, so that the children share the work
		for _, each := range s.slots {
			s.places <- each
		}
	}
	return s, nil
}

// Handle gives job to a child and waits for the answer, or the child's end.
func (s *Stream) Handle(ctx context.Context, job *bridge.Job) error {
	for {
		place, err := s.place(ctx)
		if err != nil {
			return err
		}
		c := s.childOf(place)
		if c == nil {
			continue // the slot rests, and has kept the place
		}
		said, err := s.run(ctx, c, job)
		s.places <- place
		if said {
			return err
		}
	}
}

// place waits until a child can take one more job.
func (s *Stream) place(ctx context.Context) (*slot, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case <-s.closing:
		return nil, ErrClosed
	default:
	}
	select {
	case place := <-s.places:
		return place, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.closing:
		return nil, ErrClosed
	}
}

// run gives job to c. It is false where c takes no jobs any more.
func (s *Stream) run(ctx context.Context, c *child, job *bridge.Job) (bool, error) {
	limited, stop := s.program.limit(ctx)
	defer stop()
	id := strconv.FormatUint(s.ids.Add(1), 10)
	line, err := encodeJob(id, job, s.base64)
	if err != nil {
		return true, fmt.Errorf("write the job down: %w", err)
	}
	given := &call{id: id, answered: make(chan struct{})}
	reached := progress.New(ctx, job, func() { c.tell(given, encodeSaved(id)) })
	given.said = func(a answer) {
		job.Heartbeat()
		if a.checkpoint != nil {
			reached.Save(a.checkpoint)
		}
	}
	if !c.give(given, line) {
		return false, nil
	}
	select {
	case <-given.answered:
		err = given.err
	case <-limited.Done():
		err = s.cancel(ctx, limited, c, given, job)
	}
	unsaved := reached.Wait()
	switch {
	case err != nil && unsaved != nil: // a job that is done needs none
		err = fmt.Errorf("%w; and %w", err, unsaved)
	case err == nil && given.result != "":
		job.ProduceResult([]byte(given.result))
	}
	return true, err
}

// cancel ends a run whose context has ended. It returns when nothing of the run is at work
// any more: it has been answered, or its child has ended.
func (s *Stream) cancel(whole, ctx context.Context, c *child, given *call, job *bridge.Job) error {
	if c.takeBack(given) {
		return context.Cause(ctx)
	}
	overdue, end := s.program.overdue(whole, ctx)
	defer end()
	select {
	case <-given.answered:
	case <-overdue.Done():
		c.kill(fmt.Errorf("%s was not answered within %v of its cancel", job, s.program.grace(whole)))
		<-given.answered
	}
	if given.err == nil {
		return nil // the work has happened
	}
	return fmt.Errorf("%w: %w", context.Cause(ctx), given.err)
}

// Close ends the children: their stdin ends, after the grace they get SIGTERM, and after
// another one SIGKILL. It returns when they have ended and is nil. Jobs that still run
// have the time until then.
func (s *Stream) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.keepers.Wait()
	return nil
}
