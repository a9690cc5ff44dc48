package queue

// Defer tells that a job that was taken is not with a worker any more, though
// its run goes on: it holds its lane until it is given to Finish.
func (s *Store) Defer(j *Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := j.part.runs.find(j.lane.run); l != nil {
		l.deferred = true
	}
}
