package queue

import (
	"slices"
	"time"
)

// A dead letter is a job that was given up: complete for the frontier, and kept
// with what was known of it until it is requeued, discarded or expired. Nothing
// of it is in memory; a tally of each partition is.

// DeadRef names one dead letter of a store.
type DeadRef struct {
	TopicPartition
	Offset int64
	// Number counts the burials of the partition. It tells letters of one
	// offset apart, which a partition has once it was reset or made anew.
	Number uint64
}

// DeadLetter is a job that was given up.
type DeadLetter struct {
	DeadRef
	TopicID  string // Kafka's id of the topic that the record came from
	Buried   time.Time
	Operator bool   // buried by one, not by a run
	Reason   string // why it was buried
	Error    string // of the last counted run
	Attempts int    // runs that were counted
	Rerun    Rerun  // not zero: the job had an id of its own
	// History are the first failed run and the last ones.
	History []Attempt
	Bytes   int64 // that it takes up in the file
	Unsent  bool  // in the outbox
	// Overtaken tells that a later job of its lane is known to be done: a requeued
	// one runs behind it. Only with the record.
	Overtaken bool
	// Changed is when an operator has last imported the letter, and Change what was
	// changed then; the zero time: it is as it was buried.
	Changed time.Time
	Change  string
	// Checkpoint is what the job's runs have reached. Listings leave it out.
	Checkpoint []byte
	// Record is the job as Kafka delivered it. Listings leave all of it but the
	// offset out; Store.DeadLetter and Store.Unsent read it.
	Record Record
	// Damaged tells that the letter, or of one that was read its record, fails
	// its checksum. What could not be read is missing. Matches *DamageError.
	Damaged error
}

// DeadCount is how many dead letters of a partition the store keeps.
type DeadCount struct {
	TopicPartition
	Letters int
	Bytes   int64
	Unsent  int       // of Letters, in the outbox
	Oldest  time.Time // burial of the one that expires first; the zero time without any
	Burials uint64    // number of the last burial: letters to come have higher ones
}

// DeadCounts returns the partitions that have dead letters, attached or not, by
// topic and number, as the file has them.
func (s *Store) DeadCounts() []DeadCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]DeadCount, 0, len(s.tallies))
	for tp, t := range s.tallies {
		list = append(list, t.count(tp))
	}
	slices.SortFunc(list, func(a, b DeadCount) int {
		return a.TopicPartition.compare(b.TopicPartition)
	})
	return list
}

// DeadCount returns that of one partition.
func (s *Store) DeadCount(tp TopicPartition) DeadCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, some := s.tallies[tp]
	if !some {
		return DeadCount{TopicPartition: tp}
	}
	return t.count(tp)
}

func (t tallyValue) count(tp TopicPartition) DeadCount {
	return DeadCount{tp, t.Letters, t.Bytes, t.Unsent, time.Unix(0, t.oldest), t.Burials}
}

// deadValue is what the file knows of a dead letter beyond its body.
type deadValue struct {
	Buried   int64     `msgpack:"buried"` // Unix nanoseconds
	Operator bool      `msgpack:"operator,omitempty"`
	Reason   string    `msgpack:"reason,omitempty"`
	TopicID  string    `msgpack:"topic_id,omitempty"`
	Note     noteValue `msgpack:"note"` // of the job as it was completed
	// Checkpoint is what the job's runs have reached, for when it is requeued.
	Checkpoint []byte `msgpack:"checkpoint,omitempty"`
	Changed    int64  `msgpack:"changed,omitempty"` // Unix nanoseconds of the last import; zero: it is as it was buried
	Change     string `msgpack:"change,omitempty"`  // what that has changed
}

// tallyValue sums up the dead letters of a partition.
type tallyValue struct {
	Letters int    `msgpack:"letters"`
	Bytes   int64  `msgpack:"bytes"`
	Unsent  int    `msgpack:"unsent,omitempty"`
	Burials uint64 `msgpack:"burials"` // the number of the last one

	oldest int64 // burial of the first in bucketBurials
}

// letter is the stored form of a dead letter: a frame around deadValue, and
// behind it the framed body as it was.
func (v *deadValue) letter(body []byte) ([]byte, error) {
	value, err := encodeValue(v)
	return append(value, body...), err
}

// openLetter takes a stored letter apart. The body aliases it.
func openLetter(stored []byte) (v deadValue, body []byte, err error) {
	_, size, err := openFrame(stored)
	if err == nil {
		err = decodeValue(stored[:size], &v)
	}
	if err != nil {
		return deadValue{}, nil, err
	}
	return v, stored[size:], nil
}
