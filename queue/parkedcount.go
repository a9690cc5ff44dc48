package queue

// parkedCounts are the lanes that are set aside and not released of partitions
// that memory does not have, as far as they were counted. While it is so nobody
// changes them.
type parkedCounts struct {
	of    map[TopicPartition]int
	stale int // how many partitions have been let go: what was counted before may not be true any more
}

// leave forgets the count of a partition that memory has had.
func (c *parkedCounts) leave(tp TopicPartition) {
	delete(c.of, tp)
	c.stale++
}

// parkedAway counts the parked lanes of a partition that is not attached: once,
// and in pages, since there may be as many as there are records.
func (s *Store) parkedAway(tp TopicPartition) (n int, err error) {
	s.mu.Lock()
	n, known := s.parkedCounts.of[tp]
	stale := s.parkedCounts.stale
	s.mu.Unlock()
	if known {
		return n, nil
	}
	for from, more := []byte(nil), true; more; more = from != nil {
		var page int
		if page, from, err = s.countParked(tp, from); err != nil {
			return 0, err
		}
		n += page
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts[tp] == nil && s.parkedCounts.stale == stale {
		if s.parkedCounts.of == nil {
			s.parkedCounts.of = map[TopicPartition]int{}
		}
		s.parkedCounts.of[tp] = n
	}
	return n, nil
}

// countParked counts those of a page, and says where the next one begins.
func (s *Store) countParked(tp TopicPartition, from []byte) (n int, next []byte, err error) {
	next, err = s.walkParked(tp, from, func(_, value []byte) {
		var v parkedValue
		if err := decodeValue(value, &v); err != nil || !v.Released { // a damaged one is not known to be released
			n++
		}
	})
	return n, next, err
}
