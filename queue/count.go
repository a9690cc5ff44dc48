package queue

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Flushed is what one flush has written.
type Flushed struct {
	Took     time.Duration // encoding and writing, fsync included
	Sync     time.Duration // of it, writing pages and fsync
	Outcomes int           // outcomes and acts of operators that it made durable
	Jobs     int           // records that had to be written
	Bytes    int64         // of these, as written
}

// TopicCount is what happened to the jobs of a topic since the store was opened,
// as memory has it.
type TopicCount struct {
	Topic string
	Jobs  int64 // taken in
	Bytes int64 // of their records
	// Outcomes count runs by how they ended, and acts of operators. A run that
	// was postponed is not counted.
	Outcomes map[Kind]int64
}

// counts are the numbers behind a TopicCount.
type counts struct {
	jobs, bytes int64
	outcomes    [kinds]int64
}

// TopicCounts returns the topics that the store has had to do with, by name.
func (s *Store) TopicCounts() []TopicCount {
	s.mu.Lock()
	names := slices.Collect(maps.Keys(s.topics))
	found := make([]counts, len(names))
	for i, name := range names {
		found[i] = s.topics[name].counts
	}
	s.mu.Unlock()

	list := make([]TopicCount, len(names))
	for i, name := range names {
		list[i] = TopicCount{Topic: name, Jobs: found[i].jobs, Bytes: found[i].bytes, Outcomes: map[Kind]int64{}}
		for kind, n := range found[i].outcomes {
			if n > 0 {
				list[i].Outcomes[Kind(kind)] = n
			}
		}
	}
	slices.SortFunc(list, func(a, b TopicCount) int { return cmp.Compare(a.Topic, b.Topic) })
	return list
}

// tells counts an outcome, or an act of an operator, and notes it for the next
// flush to tell.
func (p *Partition) tells(offset int64, kind Kind, attempts int) {
	p.topic.counts.outcomes[kind]++
	if s := p.store; s.opt.Durable != nil {
		s.events = append(s.events, Durable{p.tp, offset, kind, attempts})
	}
}

// flushed says what the flush has written.
func (f *flush) flushed(took time.Duration) Flushed {
	told := Flushed{Took: took, Sync: f.synced, Outcomes: f.outcomes}
	for _, p := range f.parts {
		for _, b := range p.blocks {
			told.Jobs += int(b.rows)
			told.Bytes += b.bytes
		}
	}
	return told
}
