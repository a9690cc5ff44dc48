package kafka

import (
	"context"
	"errors"
	"sync"
	"time"
)

// pending is a message that waits for its acknowledgement.
type pending struct {
	Message
	of    *sending
	until time.Time
}

func (m *Message) size() int64 {
	n := perMessage + len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
}

// sending is one call of Send.
type sending struct {
	mu    sync.Mutex
	left  int         // guarded by mu; messages whose fate is open
	err   error       // guarded by mu; the first failure
	done  func(error) // guarded by mu; nil: has been called
	spare func() bool // guarded by mu; ends the watch over the context
}

// watch ends the sending with ctx.
func (s *sending) watch(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done != nil {
		s.spare = context.AfterFunc(ctx, func() { s.end(context.Cause(ctx)) })
	}
}

// errNotSent is the fate of a message behind one that failed, or that nobody
// waits for any more.
var errNotSent = errors.New("not sent")

// settled notes the fate of a message.
func (m *pending) settled(err error) {
	if m.Settled != nil {
		m.Settled(err)
	}
	s := m.of
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.left--
	last, first := s.left == 0, s.err
	s.mu.Unlock()
	if last {
		s.end(first)
	}
}

func (s *sending) end(err error) {
	s.mu.Lock()
	done, spare := s.done, s.spare
	s.done = nil
	s.mu.Unlock()
	if spare != nil {
		spare()
	}
	if done != nil {
		done(err)
	}
}

// over tells whether no more of it is to be sent: it failed, or nobody waits for
// it any more.
func (s *sending) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done == nil || s.err != nil
}

// line is a queue whose work is done, in order, by a goroutine that lives while
// there is some.
type line struct {
	mu      sync.Mutex
	waiting []*pending // guarded by mu
	working bool       // guarded by mu
}

// put needs the producer's mu, or that a goroutine of it calls.
func (l *line) put(p *Producer, m *pending, work func([]*pending)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, m)
	if l.working {
		return
	}
	l.working = true
	p.working.Go(func() {
		for batch := l.take(); batch != nil; batch = l.take() {
			work(batch)
		}
	})
}

// take returns all that waits; nil: nothing, and the work is over.
func (l *line) take() []*pending {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch := l.waiting
	l.waiting = nil
	l.working = batch != nil
	return batch
}
