package queue

import "time"

// Survey is a partition at one moment, as far as it can be told without looking
// at its jobs.
type Survey struct {
	TopicPartition
	State  State
	Counts Counts
	// Durable is the lowest unfinished offset as the file holds it; -1: none.
	Durable int64
	// Moved is when Durable changed, and AckedAt when State.Acknowledged did; the
	// zero time: not since Loaded.
	Moved, AckedAt time.Time
	Loaded         time.Time // when memory came to have the partition
	Appended       int64     // jobs that came in since then
	Completed      int64     // jobs that were completed since then
	Until          time.Time // jobs start before it only; the zero time: none does
	Runs           int       // under way, also those whose job was forgotten
	WaitingBytes   int64     // of the bodies of open jobs
	FinishedBytes  int64     // of finished jobs, which their blocks still hold
	MemoryBytes    int64     // of bodies in memory
	ParkedBytes    int64     // of parked lanes but those of a single record
	Throttle       Throttle  // why Room is false
}

// Survey looks at the partition. It is cheap, however many jobs there are.
func (p *Partition) Survey() Survey {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	s := Survey{
		TopicPartition: p.tp,
		State:          p.state(),
		Counts:         p.counts(),
		Durable:        p.durable,
		Moved:          p.moved,
		AckedAt:        p.ackedAt,
		Loaded:         time.Unix(0, p.since),
		Appended:       p.appended,
		Completed:      p.rate.count,
		Until:          p.until,
		Runs:           p.running,
		WaitingBytes:   p.waitingBytes(),
		FinishedBytes:  p.deadBytes,
		MemoryBytes:    p.held,
	}
	for _, k := range p.parked {
		s.ParkedBytes += k.Bytes
	}
	if !p.gone {
		s.Throttle = p.throttle()
	}
	return s
}

// TopicState is how the jobs of a topic are let start.
type TopicState struct {
	Running int  // runs under way
	Limit   int  // of them at a time; 0: none
	Paused  bool // as a whole
	Slowed  bool // its next run waits for its rate, or for that of all
}

// TopicState tells of a topic that partitions were attached of.
func (s *Store) TopicState(name string) TopicState {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[name]
	if t == nil {
		return TopicState{Paused: s.pauses.has(Scope{Topic: name, Partition: AllPartitions}), Slowed: s.pace.dry}
	}
	return TopicState{Running: t.running, Limit: t.limit, Paused: t.paused, Slowed: t.pace.dry || s.pace.dry}
}

// OnProbation counts the suspects that have not run yet, and reports whether one
// of them runs.
func (s *Store) OnProbation() (suspects int, running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probation == nil {
		return 0, false
	}
	for _, list := range s.probation.suspects {
		suspects += len(list)
	}
	return suspects, s.probation.out != nil
}
