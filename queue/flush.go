package queue

import (
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// flush is what one transaction writes. It is gathered under Store.mu,
// encoded and written without it, and settled under it again.
type flush struct {
	parts    []*partFlush
	identity *Identity // nil: the file has it
	events   []Durable
	pauses   []PauseChange
	guards   map[string]guardValue
	ledger   ledgerChanges

	outcomes int           // that it makes durable
	wrote    bool          // there was something to write
	synced   time.Duration // writing pages and fsync

	now      time.Time
	dead     []*deadChange
	burying  int64 // of Store.burying, in dead
	expiring bool  // dead letters may be due
	expired  []Durable
	more     bool                          // and more are than one flush removes
	graves   map[TopicPartition]*deadTable // touched; their tallies are memory's once this is on disk
}

// partFlush is one partition's share of a flush.
type partFlush struct {
	part   *Partition
	gen    int
	wipe   bool
	drop   bool
	tight  bool // finished jobs take up too much of the file
	state  stateValue
	open   []openRecord // to be written: not in the file and not finished
	chunks []*chunk     // that open came from
	done   []int64
	notes  []noteChange
	// elsewhere is to be written where changed says so.
	elsewhere        ranges
	elsewhereChanged bool
	asideDone        []asideJob
	checkpoints      map[int64]checkpoint
	leaving          []leaving
	parked           map[string]*parkedValue
	releases         []*release
	again            []*again
	back             []asideBack             // aside jobs to be placed when they are on disk
	lines            map[string]*parkedValue // what the file then says of parked lanes
	moreOwn          int                     // of them, lanes of a single record, by how many there are more
	overtaken        map[laneOfScheme]overtaking
	asked            []chan<- Progress // who waits for progress
	progress         Progress

	blocks    []*newBlock
	recorded  int64 // bytes of the records in them
	catalogue catalogue
}

type openRecord struct {
	rec  *Record
	from *chunk
}

// noteChange removes the note where it is nil.
type noteChange struct {
	offset int64
	note   *noteValue
	aside  bool // the job is in the bucket aside
}

// gather takes what has changed since the last flush.
func (s *Store) gather() *flush {
	s.whole.Lock()
	defer s.whole.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started++
	f := &flush{events: s.events, pauses: s.pauseChanges, guards: s.guards, ledger: s.ledger.changes}
	tight := s.tight()
	for _, p := range s.dirty {
		f.parts = append(f.parts, p.gather(tight))
	}
	if s.renamed {
		id := s.identity
		f.identity, s.renamed = &id, false
	}
	s.gatherDead(f)
	s.dirty, s.events, s.pauseChanges, s.guards = nil, nil, nil, nil
	s.ledger.changes = ledgerChanges{}
	s.flying, s.gathering = s.gathering, undurable{}
	f.outcomes = s.flying.count
	return f
}

func (p *Partition) gather(tight bool) *partFlush {
	f := &partFlush{
		part: p, gen: p.gen, wipe: p.wipe, drop: p.vanish, done: p.done, tight: tight,
		state: stateValue{
			Frontier: p.frontier(), Next: p.next, Acknowledged: p.acked,
			TopicID: p.topicID, Scheme: p.scheme, Fingerprint: p.fingerprint, Away: p.away,
			Seek: p.seek, Seeks: p.seeks, SoughtIn: p.soughtIn, Resets: p.resets,
		},
	}
	live := 0
	for _, c := range p.fresh {
		live += c.live
	}
	f.open = make([]openRecord, 0, live)
	for _, c := range p.fresh {
		f.gather(c)
	}
	for offset, aside := range p.touched {
		n := p.notes[offset]
		f.notes = append(f.notes, noteChange{offset, n, aside || n != nil && !p.open.has(offset)})
	}
	if len(p.asked) > 0 {
		f.asked, f.progress, p.asked = p.asked, p.progress(), nil
	}
	f.elsewhere, f.elsewhereChanged, p.elsewhereChanged = p.elsewhere, p.elsewhereChanged, false
	f.asideDone, p.asideDone = p.asideDone, nil
	f.checkpoints, p.checkpoints, p.flushing = p.checkpoints, nil, p.checkpoints
	f.leaving, p.flying, p.leaving = p.leaving, p.leaving, nil
	f.parked, p.parkedChanges = p.parkedChanges, nil
	f.releases, p.releases = p.releases, nil
	f.again, p.again = p.again, nil
	f.overtaken, p.overtaken = p.overtaken, nil
	p.rate.sample(p.store.clock.Now())
	p.fresh, p.done, p.touched = nil, nil, nil
	p.stored = p.next
	p.wipe, p.vanish, p.dirty = false, false, false
	return f
}

// gather takes the records of c that are still open.
func (f *partFlush) gather(c *chunk) {
	if c.live == 0 {
		return
	}
	for i := range c.records {
		if f.part.open.has(c.records[i].Offset) {
			f.open = append(f.open, openRecord{&c.records[i], c})
		}
	}
	f.chunks = append(f.chunks, c)
}

// encode builds the blocks.
func (f *partFlush) encode(w *bodyWriter) {
	l := f.part.store.layout
	var b *newBlock
	for i, o := range f.open {
		if b == nil || l.full(b) {
			count, bytes := l.extent(f.open[i:])
			b = &newBlock{index: make(rows, 0, count*rowSize), places: make([]stored, 0, count)}
			f.blocks = append(f.blocks, b)
			w.buf = make([]byte, 0, bytes)
		}
		place := w.add(o.rec, o.from.scheme)
		f.recorded += o.rec.size()
		b.add(place.row)
		b.places = append(b.places, place)
		b.bodies = w.buf
	}
	w.buf = nil
	f.encodeLeaving(w)
	for _, a := range f.again {
		a.encode(w)
	}
}

// extent estimates the block that begins with the first record.
func (l layout) extent(open []openRecord) (count, bytes int) {
	for count < min(len(open), int(l.blockRows)) && int64(bytes) < l.blockBytes {
		bytes += int(open[count].rec.size())
		count++
	}
	return count, bytes
}

// write puts the partition's share into tx.
func (f *partFlush) write(tx *bbolt.Tx) error {
	if f.drop {
		if err := f.dropFrom(tx); err != nil || f.state.Next < 0 {
			return err
		}
	}
	b, err := makePartitionBucket(tx, f.part.tp)
	if err != nil {
		return err
	}
	f.catalogue = slices.Clone(f.part.blocks)
	if err := f.writeAside(b); err != nil { // first: it takes bodies from blocks
		return err
	}
	if f.wipe {
		f.catalogue = nil
		if err := wipe(b); err != nil {
			return err
		}
	}
	if f.forgotten() {
		if gone, err := forget(tx, f.part.tp, b); gone || err != nil {
			return err
		}
	}
	t := openBlockTable(f.part.store.layout, f.part.tp, b)
	for _, nb := range f.blocks {
		if err := t.put(nb); err != nil {
			return err
		}
		f.catalogue = append(f.catalogue, nb.block)
	}
	slices.Sort(f.done)
	if err := f.catalogue.complete(t, f.done); err != nil {
		return err
	}
	if f.catalogue, err = f.catalogue.reclaim(t, f.tight); err != nil {
		return err
	}
	if err := f.writeNotes(b); err != nil {
		return err
	}
	if err := f.writeCheckpoints(b); err != nil {
		return err
	}
	if err := f.writeElsewhere(b); err != nil {
		return err
	}
	if err := f.writeOvertaken(b); err != nil {
		return err
	}
	value, err := encodeValue(f.state)
	if err != nil {
		return err
	}
	return b.Put(keyState, value)
}

func (f *partFlush) writeElsewhere(b *bbolt.Bucket) error {
	switch {
	case !f.elsewhereChanged:
		return nil
	case len(f.elsewhere) == 0:
		return b.Delete(keyElsewhere)
	}
	return b.Put(keyElsewhere, f.elsewhere.encode())
}

func (f *partFlush) writeNotes(b *bbolt.Bucket) error {
	notes := noteBucket{b.Bucket(bucketNotes)}
	aside, some := openAside(b)
	for _, n := range f.notes {
		if n.aside && some {
			if err := aside.notes.put(n.offset, n.note); err != nil {
				return err
			}
			continue
		}
		if err := notes.put(n.offset, n.note); err != nil {
			return err
		}
	}
	return nil
}

// noteBucket is offset -> note.
type noteBucket struct{ *bbolt.Bucket }

// put replaces the note of a job; nil removes it.
func (b noteBucket) put(offset int64, note *noteValue) error {
	if note == nil {
		return b.Delete(offsetKey(offset))
	}
	value, err := encodeValue(note)
	if err != nil {
		return err
	}
	return b.Put(offsetKey(offset), value)
}

// get returns the note of a job, or nil.
func (b noteBucket) get(offset int64) (*noteValue, error) {
	value := b.Get(offsetKey(offset))
	if value == nil {
		return nil, nil
	}
	n := new(noteValue)
	return n, decodeValue(value, n)
}

// wipe empties the parts that are about jobs in Kafka's order; dead letters and
// what was set aside would stay.
func wipe(b *bbolt.Bucket) error {
	if err := b.Delete(keyElsewhere); err != nil {
		return err
	}
	if checkpointsOf(b, false) != nil {
		if err := b.DeleteBucket(bucketCheckpoints); err != nil {
			return err
		}
	}
	for _, name := range jobBuckets() {
		if err := b.DeleteBucket(name); err != nil {
			return err
		}
		if _, err := b.CreateBucket(name); err != nil {
			return err
		}
	}
	return nil
}

// settle tells memory that the flush is on disk. It is called with Store.mu
// held.
func (f *partFlush) settle() {
	p := f.part
	p.blocks = f.catalogue
	p.known = !f.forgotten()
	for _, answer := range f.asked {
		answer <- f.progress
	}
	f.settleAside()
	p.flushing = nil
	if p.gen != f.gen {
		return // a reset came meanwhile; the next flush wipes what this one wrote
	}
	if p.durable != f.state.Frontier {
		p.durable, p.moved = f.state.Frontier, p.store.clock.Now()
	}
	p.weigh()
	f.settleBodies()
	p.dropChunks()
}
