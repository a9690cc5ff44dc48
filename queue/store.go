package queue

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Options tunes a [Store]. The zero value is useful.
type Options struct {
	// Flush is the longest time between an outcome and the flush that makes
	// it durable, the fsync itself apart. Zero: 10 ms.
	Flush time.Duration
	// Memory bounds the record bodies held in memory, in bytes. It is soft:
	// what has been fetched is accepted, and Room says when to stop fetching.
	// Zero: 256 MiB.
	Memory int64
	// Disk bounds the bytes in use in the file, softly as Memory does.
	// Zero: no bound.
	Disk int64
	// MinFree is the number of bytes to leave free on the disk. Zero: none.
	MinFree int64
	// Durable, if set, is called after each fsync with the outcomes that it
	// made durable, in the order of the flushes and never concurrently. The
	// next flush waits for it, so it must not call Sync or Close.
	Durable func([]Durable)
	// Flushed, if set, is called as Durable is, after each flush that wrote.
	Flushed func(Flushed)
	// Paused, if set, is called as Durable is, with the pauses that began,
	// changed or ended.
	Paused func([]PauseChange)
	// Throttled, if set, is called when runs have waited for the rate of a
	// topic, or with an empty name for that of all: once a second at most.
	Throttled func(topic string)
	// DeadLetters, if set, says what is to become of the dead letters of a
	// topic. It is asked at every flush that concerns some, without a lock.
	// Nil: all are kept, and are in the outbox.
	DeadLetters func(topic string) DeadPolicy
	// Clock is the time source. Nil: the machine's.
	Clock Clock
	// Logger receives the store's few events. Nil: none.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Flush <= 0 {
		o.Flush = 10 * time.Millisecond
	}
	if o.Memory <= 0 {
		o.Memory = 256 << 20
	}
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store is the queues of one data directory. Its methods are safe for
// concurrent use.
type Store struct {
	path     string
	opt      Options
	layout   layout
	identity Identity
	clock    Clock
	opened   time.Time

	// dbMu is held for reading by whoever reads bodies, and for writing only
	// while a compacted file takes the place of db.
	dbMu sync.RWMutex
	db   *bbolt.DB

	// copying is held while the file is copied, or a compacted one made of it.
	copying sync.Mutex

	// whole is held for reading by Whole, and for writing while a flush is gathered.
	whole sync.RWMutex

	// mu guards everything below, and all partitions, topics and lanes.
	mu     sync.Mutex
	parts  map[TopicPartition]*Partition
	topics map[string]*topic
	turns  fifo[*topic] // topics that have a partition with a ready lane
	idle   idlers       // callers of Take that wait
	waking bool         // one of them was woken and has not come yet
	held   bool         // a caller of Take waits for durability
	looks  uint64       // of callers of Take for jobs to start
	rests  uint64       // of readers that look at many lanes

	delayed   delays
	sweepAt   int   // length at which delayed is swept
	alarm     Timer // fires when the first of delayed is due
	alarmTime int64

	probation    *probation // nil: no job is a suspect
	pace         pace       // of all topics together
	pauses       pauses
	pauseChanges []PauseChange         // for the next flush
	guards       map[string]guardValue // for the next flush, by topic
	pauseAlarm   Timer                 // fires when the first of pauses ends
	ledger       ledger

	parkedCounts parkedCounts

	forgotten int          // calls of Forget that did something
	detached  int          // calls of Detach that did something
	renamed   bool         // the file has another identity
	dirty     []*Partition // changed since the last flush began
	memory    int64        // bytes of bodies held
	fresh     int64        // of these, not yet flushed
	dead      int64        // bytes of finished jobs in the partitions' blocks
	gathering undurable    // outcomes for the next flush
	flying    undurable    // outcomes in the flush under way
	events    []Durable    // of gathering, where Options.Durable is set

	deadChanges map[TopicPartition]*deadChange // for the next flush
	burying     int64                          // bytes of records in it and in the flush under way
	tallies     map[TopicPartition]tallyValue  // of partitions with dead letters, as the file has them
	mourned     int                            // lanes that are watched for letters to be overtaken
	expireDue   bool                           // the next flush looks for those to expire
	expireAlarm Timer                          // sets expireDue; nil while there is nothing to watch

	started  uint64 // flushes begun
	finished uint64 // flushes done
	waiters  []waiter
	stats    Usage
	lowDisk  bool      // free disk was below Options.MinFree
	measured time.Time // when that was
	closed   bool
	err      error // first failed commit; nothing is written after it

	failed  chan struct{} // closed with err
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed by the committer at its end
	dirtied chan struct{} // holds one token while something is dirty
	urgent  chan struct{} // holds one token while somebody waits for a flush

	nextCompact time.Time   // the committer's: no compaction before
	audit       *auditTally // the committer's; nil: not counted yet
}

// undurable counts outcomes that are not in the file yet.
type undurable struct {
	count int
	since time.Time // of the first one
}

// waiter is a caller of Sync; done receives one value.
type waiter struct {
	flush uint64
	done  chan error
}

// Open opens the store at path, counts its epoch up and starts the committer.
// Close must be called to end it.
func Open(path string, opt Options) (*Store, error) {
	if _, err := os.Stat(path); err != nil { // bbolt would make it
		return nil, fmt.Errorf("open store: %w", err)
	}
	s, err := open(path, opt, standardLayout())
	if err != nil {
		return nil, err
	}
	go s.commitLoop()
	return s, nil
}

// open is Open without the committer.
func open(path string, opt Options, l layout) (*Store, error) {
	db, err := OpenFile(path, false)
	if err != nil {
		return nil, err
	}
	s := &Store{
		path: path, opt: opt.withDefaults(), layout: l, db: db,
		parts:  map[TopicPartition]*Partition{},
		topics: map[string]*topic{},
		failed: make(chan struct{}), closing: make(chan struct{}), stopped: make(chan struct{}),
		dirtied: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
	}
	s.clock = s.opt.Clock
	s.opened = s.clock.Now()
	err = s.beginEpoch()
	if err == nil {
		err = s.loadPauses()
	}
	if err == nil {
		err = s.loadLedger()
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, nil
}

func (s *Store) beginEpoch() error {
	id, err := ReadIdentity(s.db)
	if err != nil {
		return err
	}
	id.Epoch++
	if err := s.db.Update(func(tx *bbolt.Tx) error { return putIdentity(tx, id) }); err != nil {
		return fmt.Errorf("%w: %w", ErrStoreFailed, err)
	}
	s.identity = id
	s.measure()
	return s.loadTallies()
}

// Identity says whose store it is and how often it was opened.
func (s *Store) Identity() Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity
}

// Path is where the file is.
func (s *Store) Path() string { return s.path }

// SetCluster records the cluster of a store that was made before its Kafka was
// known. It is durable on return; a failure is the store's.
func (s *Store) SetCluster(id string) error {
	s.mu.Lock()
	if err := s.usable(); err != nil {
		s.mu.Unlock()
		return err
	}
	s.identity.Cluster = id
	s.renamed = true
	signal(s.dirtied)
	s.mu.Unlock()
	return s.Sync(context.Background())
}

// Failed is closed when a commit to the file has failed. The store is then
// unusable: the process must end and open it anew.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Err returns the failure behind Failed, which matches [ErrStoreFailed].
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// usable is called with mu held.
func (s *Store) usable() error {
	if s.err != nil {
		return s.err
	}
	if s.closed {
		return ErrClosed
	}
	return nil
}

// Sync returns when everything handed in before is durable.
func (s *Store) Sync(ctx context.Context) error {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return s.err
	}
	changed := s.changed()
	if !changed && s.started == s.finished {
		s.mu.Unlock()
		return nil
	}
	w := waiter{flush: s.started, done: make(chan error, 1)}
	if changed {
		w.flush++
	}
	s.waiters = append(s.waiters, w)
	s.mu.Unlock()
	signal(s.urgent)
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the store's flush: %w", context.Cause(ctx))
	}
}

// changed reports whether the next flush has something to write. It is called
// with mu held.
func (s *Store) changed() bool {
	return len(s.dirty) > 0 || s.renamed || len(s.pauseChanges) > 0 || len(s.guards) > 0 || len(s.deadChanges) > 0 || s.expireDue || !s.ledger.changes.empty()
}

// Close flushes what is left and closes the file. Jobs that are out can no
// longer be finished. Close after a failure returns that failure.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.stopped
		return s.Err()
	}
	s.closed = true
	if s.alarm != nil {
		s.alarm.Stop()
	}
	if s.pauseAlarm != nil {
		s.pauseAlarm.Stop()
	}
	s.pace.stop()
	for _, t := range s.topics {
		t.pace.stop()
	}
	if s.expireAlarm != nil {
		s.expireAlarm.Stop()
	}
	s.idle.wakeAll()
	s.mu.Unlock()
	close(s.closing)
	<-s.stopped
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.path, err)
	}
	return s.Err()
}

// Partitions returns every partition that the file holds, attached or not.
func (s *Store) Partitions() (tps []TopicPartition, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return eachPartition(tx, func(tp TopicPartition, _ *bbolt.Bucket) error {
			tps = append(tps, tp)
			return nil
		})
	})
	return tps, err
}

// signal leaves a token in a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
