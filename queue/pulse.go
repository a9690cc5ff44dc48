package queue

// Pulse is how far the parts of a store have come that must never stand still.
// One that has the same steps at two looks, and something to do at both, took
// none in between.
type Pulse struct {
	Flushes    uint64 // steps of the committer
	Unflushed  bool   // it has something to do
	Looks      uint64 // steps of the scheduler: looks of Take for jobs to start
	Unattended bool   // it has something to do: a caller of Take waits beside jobs that may start
}

// Pulse returns the figures of now.
func (s *Store) Pulse() Pulse {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Pulse{
		Flushes:    s.finished,
		Unflushed:  s.changed() || s.started != s.finished,
		Looks:      s.looks,
		Unattended: len(s.idle.waiting) > 0 && s.turns.len() > 0 && !s.pace.dry && !s.held,
	}
}
