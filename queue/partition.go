package queue

import (
	"fmt"
	"time"
)

// Partition is the queues of one Kafka partition while this process owns it
// or still runs jobs of it. Its methods are safe for concurrent use.
type Partition struct {
	tp    TopicPartition
	store *Store

	// The rest is guarded by Store.mu, except blocks.
	topic    *topic
	gen      int       // counts resets: a flush begun before one must not touch memory after it
	until    time.Time // jobs start before it only
	detached bool
	away     int64 // when it was detached, in Unix nanoseconds; zero since it got a lease
	since    int64 // when memory came to have it, in Unix nanoseconds
	gone     bool  // detached and forgotten by the store: this handle does nothing any more
	known    bool  // the file has held this partition

	paused      bool                // as a whole, by an operator
	pausedLanes map[uint64]struct{} // by id; nil: none

	lanes   map[uint64]*lane // by id
	own     map[int64]*lane  // lanes of one record, by its offset
	spare   spares
	ready   fifo[*lane] // may hold lanes that are not ready any more
	queued  bool        // in topic.turns
	runs    runList
	waits   [laneStates]laneList // of lanes that neither are ready nor run
	running int                  // runs under way, orphans included
	started uint64               // number of the last run
	orphans map[int64]*lane      // gone lanes whose run is still under way, by its offset
	// orphaned counts the orphans without an adopter by the id of their lane.
	orphaned map[uint64]int
	idle     []chan struct{} // closed when running falls to zero

	open   openSet // unfinished offsets
	depth  depth
	next   int64 // the next offset to store; -1 before SetStart
	stored int64 // everything below is in the flush under way or in the file
	acked  int64
	// durable is the frontier that the file holds; -1 while that is unknown.
	durable int64
	moved   time.Time // when durable changed; the zero time: not since memory has the partition
	ackedAt time.Time // when acked changed, likewise

	appended int64 // jobs that came in
	oldest   oldest
	// seek is a wish that Kafka does not follow yet; what it points to never changes.
	seek     *seekValue
	seeks    uint64 // that were carried out
	soughtIn string // opening that carried out the last
	resets   uint64 // how often Reset has forgotten the jobs

	latest      bool // OnlyLatest
	topicID     string
	fingerprint string // of scheme
	scheme      uint16 // number given to new records
	active      uint16 // number whose jobs are in lanes; later ones wait
	activeOpen  int
	later       []laterJob

	aside     *chunk     // of the aside jobs whose body is in the file only; nil before the first
	asideJobs int        // in lanes
	asideDone []asideJob // completed since the last flush began
	leaving   []leaving  // set aside since then
	flying    []leaving  // set aside before, in the flush under way
	asideEnd  int64      // no job aside is at or above it
	// parked are the lanes that are parked, or released and not through, but for
	// those of a single record: of these the file tells.
	parked        map[uint64]*parkedLane
	parkedOwn     int                     // lanes of a single record that are parked, as of the last flush
	parkedChanges map[string]*parkedValue // by lane key; nil removes
	parkedVersion uint64                  // counts them
	maxParked     int
	releases      []*release     // since the last flush began
	again         []*again       // likewise
	freeing       map[int64]bool // offsets of lanes of one record that are being released

	mourners  mourners
	overtaken map[laneOfScheme]overtaking // for the next flush

	notes map[int64]*noteValue
	// followed are the jobs that Follow names: whether a run of theirs has failed since.
	followed map[int64]bool
	charges  map[int64]int  // crashes that count against jobs which are still to be appended
	touched  map[int64]bool // offsets whose note differs from the file's, and whether it is of an aside job
	// checkpoints are those that the file is to get, and flushing those on their
	// way there: it alone keeps them.
	checkpoints, flushing map[int64]checkpoint
	halted                int // of notes

	chunks    []*chunk // that hold records
	fresh     []*chunk // of these, not yet flushed
	held      int64    // bytes of bodies in chunks
	unwritten int64    // of these, not yet flushed
	done      []int64  // completed since the last flush began, below stored
	liveBytes int64    // of open jobs in blocks, at the last flush
	deadBytes int64    // of finished jobs in blocks, at the last flush
	wipe      bool     // the next flush forgets what the file holds
	vanish    bool     // and what is not in Kafka's order, too
	// elsewhere is what other owners have completed; of it, what is not below
	// next counts.
	elsewhere        ranges
	elsewhereChanged bool // the file is to be told
	asked            []chan<- Progress
	dirty            bool // in Store.dirty
	rate             rate

	// blocks is the catalogue of what is in the file, ascending; it belongs
	// to the committer once the partition is attached.
	blocks catalogue
}

// State is what a store knows of a partition.
type State struct {
	Known        bool   // false: the file has never held it
	Frontier     int64  // lowest unfinished offset; -1 before SetStart
	Next         int64  // next offset to store; -1 before SetStart
	Acknowledged int64  // last offset that Kafka acknowledged as committed; -1: none
	TopicID      string // as Configure was told
	Scheme       string // fingerprint as Configure was told
	Open         int    // unfinished jobs
	Halted       int    // of these, or of Aside, given up: each holds its lane
	Paused       bool   // as a whole, or with its topic
	Parked       int    // lanes that are set aside
	Aside        int    // jobs that were set aside, do not hold the frontier, and are to run again
	Seek         *Seek  // a wish that Kafka does not follow yet; nil: none
	Seeks        uint64 // wishes that were carried out
	SoughtIn     string // opening that carried out the last, as SeekApplied was told
	Resets       uint64 // how often [Partition.Reset] was called: what is open was stored since the last
}

// State returns the state as memory has it, which may be ahead of the file.
func (p *Partition) State() State {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.state()
}

// state needs mu.
func (p *Partition) state() State {
	return State{
		Known: p.known, Frontier: p.frontier(), Next: p.next, Acknowledged: p.acked,
		TopicID: p.topicID, Scheme: p.fingerprint, Open: p.open.count, Halted: p.halted,
		Aside: p.asideJobs, Parked: p.parkedLanes(), Paused: p.paused || p.topic.paused,
		Seek: p.seek.seek(), Seeks: p.seeks, SoughtIn: p.soughtIn, Resets: p.resets,
	}
}

func (p *Partition) parkedLanes() int {
	n := p.parkedOwn
	for _, k := range p.parked {
		if !k.Released {
			n++
		}
	}
	return n
}

func (p *Partition) frontier() int64 {
	if lowest, ok := p.open.min(); ok {
		return lowest
	}
	return p.next
}

// Frontier returns the lowest unfinished offset as the file holds it: what may
// be committed to Kafka. It is -1 while there is none, and once the store has
// failed: no offset moves then.
func (p *Partition) Frontier() int64 {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.store.err != nil {
		return -1
	}
	return p.durable
}

// Configure records the topic's id and the fingerprint of what chooses lanes.
// A fingerprint that differs from the last one begins a new scheme: its
// records start only when the jobs of the older one are finished, so that the
// order per key holds across the change. It fails with [ErrTopicAnew] where jobs
// of another topic are aside: the new one's records have their offsets again.
func (p *Partition) Configure(topicID, scheme string) error {
	return p.change(func() error {
		if p.topicID != "" && topicID != "" && p.topicID != topicID && p.keepsAside() {
			return fmt.Errorf("jobs of the topic id %s are set aside under offsets that the one of today, %s, gives again; discard its parked lanes, or use a new data directory: %w",
				p.topicID, topicID, ErrTopicAnew)
		}
		p.topicID = topicID
		if p.fingerprint == scheme {
			return nil
		}
		if p.fingerprint != "" {
			p.scheme++
		}
		p.fingerprint = scheme
		return nil
	})
}

// SetStart sets the first offset of a partition that the file has never held.
func (p *Partition) SetStart(offset int64) error {
	return p.change(func() error {
		if p.next >= 0 {
			return fmt.Errorf("start %s at %d: it already stands at %d", p.tp, offset, p.next)
		}
		p.next, p.stored = offset, offset
		return nil
	})
}

// AdvanceTo says that Kafka has nothing to deliver below offset that has not
// been appended: control records or compacted ones.
func (p *Partition) AdvanceTo(offset int64) error {
	return p.change(func() error {
		p.next = max(p.next, offset)
		p.passed(p.next)
		return nil
	})
}

// Acknowledge records an offset that Kafka has acknowledged as committed.
func (p *Partition) Acknowledge(offset int64) {
	_ = p.change(func() error { // a failed store has said so already, and the offset is only a memory
		if p.acked != offset {
			p.acked, p.ackedAt = offset, p.store.clock.Now()
		}
		return nil
	})
}

// change runs f on a usable store and marks the partition for the next flush.
func (p *Partition) change(f func() error) error {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if err := p.usable(); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	p.touch()
	return nil
}

// usable is called with Store.mu held.
func (p *Partition) usable() error {
	if err := p.store.usable(); err != nil {
		return err
	}
	if p.gone {
		return fmt.Errorf("%s: %w", p.tp, ErrDetached)
	}
	return nil
}

// touch marks the partition for the next flush.
func (p *Partition) touch() {
	if p.dirty {
		return
	}
	p.dirty = true
	p.store.dirty = append(p.store.dirty, p)
	signal(p.store.dirtied)
}
