package queue

import (
	"context"
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
	gone     bool // detached and forgotten by the store: this handle does nothing any more
	known    bool // the file has held this partition

	lanes   map[uint64]*lane // by id
	own     map[int64]*lane  // lanes of one record, by its offset
	ready   fifo[*lane]      // may hold lanes that are not ready any more
	queued  bool             // in topic.turns
	runs    runList
	running int             // runs under way, orphans included
	orphans map[int64]*lane // gone lanes whose run is still under way, by its offset
	// orphaned counts the orphans without an adopter by the id of their lane.
	orphaned map[uint64]int
	idle     []chan struct{} // closed when running falls to zero

	open   openSet // unfinished offsets
	next   int64   // the next offset to store; -1 before SetStart
	stored int64   // everything below is in the flush under way or in the file
	acked  int64
	// durable is the frontier that the file holds; -1 while that is unknown.
	durable int64

	topicID     string
	fingerprint string // of scheme
	scheme      uint16 // number given to new records
	active      uint16 // number whose jobs are in lanes; later ones wait
	activeOpen  int
	later       []laterJob

	notes   map[int64]*noteValue
	touched map[int64]struct{} // offsets whose note differs from the file's

	chunks    []*chunk // that hold records
	fresh     []*chunk // of these, not yet flushed
	held      int64    // bytes of bodies in chunks
	done      []int64  // completed since the last flush began, below stored
	liveBytes int64    // of open jobs in blocks, at the last flush
	wipe      bool     // the next flush forgets what the file holds
	dirty     bool     // in Store.dirty
	rate      rate

	// blocks is the catalogue of what is in the file, ascending; it belongs
	// to the committer once the partition is attached.
	blocks []block
}

// laterJob is a job of a newer scheme than the active one.
type laterJob struct {
	entry
	lane   Lane
	scheme uint16
}

// Forever is a lease without an end.
var Forever = time.Unix(1<<40, 0)

// State is what a store knows of a partition.
type State struct {
	Known        bool   // false: the file has never held it
	Frontier     int64  // lowest unfinished offset; -1 before SetStart
	Next         int64  // next offset to store; -1 before SetStart
	Acknowledged int64  // last offset that Kafka acknowledged as committed; -1: none
	TopicID      string // as Configure was told
	Scheme       string // fingerprint as Configure was told
	Open         int    // unfinished jobs
}

// State returns the state as memory has it, which may be ahead of the file.
func (p *Partition) State() State {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return State{
		Known: p.known, Frontier: p.frontier(), Next: p.next, Acknowledged: p.acked,
		TopicID: p.topicID, Scheme: p.fingerprint, Open: p.open.count,
	}
}

func (p *Partition) frontier() int64 {
	if lowest, ok := p.open.min(); ok {
		return lowest
	}
	return p.next
}

// Frontier returns the lowest unfinished offset as the file holds it: what may
// be committed to Kafka. It is -1 while there is none.
func (p *Partition) Frontier() int64 {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.durable
}

// Configure records the topic's id and the fingerprint of what chooses lanes.
// A fingerprint that differs from the last one begins a new scheme: its
// records start only when the jobs of the older one are finished, so that the
// order per key holds across the change.
func (p *Partition) Configure(topicID, scheme string) error {
	return p.change(func() error {
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
		return nil
	})
}

// Acknowledge records an offset that Kafka has acknowledged as committed.
func (p *Partition) Acknowledge(offset int64) {
	_ = p.change(func() error { // a failed store has said so already, and the offset is only a memory
		p.acked = offset
		return nil
	})
}

// change runs f on a usable store and marks the partition for the next flush.
func (p *Partition) change(f func() error) error {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if err := p.store.usable(); err != nil {
		return err
	}
	if p.gone {
		return fmt.Errorf("%s was detached; attach it again", p.tp)
	}
	if err := f(); err != nil {
		return err
	}
	p.touch()
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

// Append takes in records that Kafka delivered, ascending and not below
// State.Next. Offsets that are left out count as complete. The slice is
// the store's from then on, and what it points to must not change: jobs that
// started before the next flush share it.
func (p *Partition) Append(recs []Record) error {
	if len(recs) == 0 {
		return nil
	}
	return p.change(func() error {
		if err := p.checkAscending(recs); err != nil {
			return err
		}
		c := &chunk{records: recs, live: len(recs), scheme: p.scheme}
		bytes := int64(0)
		for i := range recs {
			r := &recs[i]
			bytes += r.size()
			p.open.add(r.Offset)
			p.place(laterJob{entry{r.Offset, c}, r.Lane, p.scheme})
		}
		p.next = recs[len(recs)-1].Offset + 1
		p.chunks = append(p.chunks, c)
		p.fresh = append(p.fresh, c)
		p.hold(c, bytes)
		if p.store.fresh >= flushBytes {
			signal(p.store.urgent)
		}
		return nil
	})
}

func (p *Partition) checkAscending(recs []Record) error {
	at := p.next
	if at < 0 {
		return fmt.Errorf("append to %s: no start offset is set", p.tp)
	}
	for i := range recs {
		if recs[i].Offset < at {
			return fmt.Errorf("append %s@%d: %d or above expected", p.tp, recs[i].Offset, at)
		}
		at = recs[i].Offset + 1
	}
	return nil
}

// place puts a job into its lane, or aside while an older scheme has jobs.
func (p *Partition) place(j laterJob) {
	if j.scheme != p.active {
		if p.activeOpen > 0 || len(p.orphans) > 0 {
			p.later = append(p.later, j)
			return
		}
		p.active = j.scheme
	}
	p.activeOpen++
	if l := p.lane(j.lane, j.offset); len(l.jobs) > 0 {
		l.push(j.entry)
	} else {
		l.push(j.entry)
		p.settle(l)
	}
}

// promote lets the next scheme's jobs into lanes once the active one has none.
func (p *Partition) promote() {
	if p.activeOpen > 0 || len(p.orphans) > 0 || len(p.later) == 0 {
		return
	}
	waiting := p.later
	p.later = nil
	for _, j := range waiting {
		p.place(j)
	}
}

// lane returns the lane that a record belongs to, made if need be.
func (p *Partition) lane(name Lane, offset int64) *lane {
	if name.Own {
		l := &lane{part: p, id: name.ID, own: true}
		p.own[offset] = l
		return l
	}
	l := p.lanes[name.ID]
	if l == nil {
		l = &lane{part: p, id: name.ID}
		p.lanes[name.ID] = l
	}
	return l
}

// drop removes a lane that has no job left.
func (p *Partition) drop(l *lane) {
	l.state = laneGone
	if !l.own {
		delete(p.lanes, l.id)
	}
}

// complete takes a job out of memory's books. A job that the file holds is
// marked there by the next flush; of any other the file never hears.
func (p *Partition) complete(e entry) {
	p.open.remove(e.offset)
	p.rate.count++
	p.unref(e.from)
	if e.offset < p.stored {
		p.done = append(p.done, e.offset)
	} else {
		p.store.stats.Skipped++
	}
	if len(p.own) > 0 {
		delete(p.own, e.offset)
	}
	p.activeOpen--
}

// hold counts the bodies of a chunk against the budgets, release gives them up.
func (p *Partition) hold(c *chunk, bytes int64) {
	if !c.flushed {
		p.store.fresh += bytes
	}
	c.bytes += bytes
	p.held += bytes
	p.store.memory += bytes
}

// unref takes back a job's reference to the chunk of its body.
func (p *Partition) unref(c *chunk) {
	if c == nil {
		return
	}
	c.live--
	if c.live == 0 {
		p.release(c)
	}
}

func (p *Partition) release(c *chunk) {
	p.hold(c, -c.bytes)
	c.records = nil
}

func (p *Partition) note(offset int64, n *noteValue) {
	if p.notes == nil {
		p.notes = map[int64]*noteValue{}
	}
	p.notes[offset] = n
	p.touchNote(offset)
}

func (p *Partition) dropNote(offset int64) {
	if len(p.notes) == 0 || p.notes[offset] == nil {
		return
	}
	delete(p.notes, offset)
	p.touchNote(offset)
}

func (p *Partition) touchNote(offset int64) {
	if p.touched == nil {
		p.touched = map[int64]struct{}{}
	}
	p.touched[offset] = struct{}{}
}

// Lease lets jobs start until the given time; the zero time lets none. Of a
// detached partition none start.
func (p *Partition) Lease(until time.Time) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.detached {
		return
	}
	p.until = until
	p.schedule()
}

// Running returns the number of jobs of the partition that are out.
func (p *Partition) Running() int {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.running
}

// Idle waits until no job of the partition is out, or no outcome can be taken
// in any more.
func (p *Partition) Idle(ctx context.Context) error {
	s := p.store
	s.mu.Lock()
	if p.running == 0 {
		s.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	p.idle = append(p.idle, idle)
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-s.failed:
		return s.Err()
	case <-s.closing:
		return fmt.Errorf("wait for the running jobs of %s: %w", p.tp, ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("wait for the running jobs of %s: %w", p.tp, context.Cause(ctx))
	}
}

func (p *Partition) leaveRun() {
	p.topic.running--
	p.running--
	if p.running > 0 {
		return
	}
	for _, idle := range p.idle {
		close(idle)
	}
	p.idle = nil
	if p.detached {
		p.touch() // the flush lets go of it
	}
}
