package queue

import (
	"bytes"
	"sort"
	"strings"
)

// chunk holds the bodies of records that came in together. Before the flush
// its records alias what the caller handed in; after it they alias the copy
// that was written, or are dropped and read back when their turn comes.
type chunk struct {
	records []Record // ascending by offset; nil once dropped
	live    int      // open jobs that point here
	bytes   int64    // counted in Store.memory
	scheme  uint16   // number of the scheme that chose the lanes
	flushed bool     // no longer counted in Store.fresh
	since   int64    // when they came in, in Unix nanoseconds
	aside   bool     // its jobs are in the bucket aside
}

// at returns the record of offset, or nil when it was dropped.
func (c *chunk) at(offset int64) *Record {
	if c == nil || len(c.records) == 0 {
		return nil
	}
	// Without gaps the place follows from the first offset.
	if i := offset - c.records[0].Offset; i >= 0 && i < int64(len(c.records)) && c.records[i].Offset == offset {
		return &c.records[i]
	}
	i := sort.Search(len(c.records), func(i int) bool { return c.records[i].Offset >= offset })
	if i < len(c.records) && c.records[i].Offset == offset {
		return &c.records[i]
	}
	return nil
}

// forgetFinished drops what the records of finished jobs point to.
func (c *chunk) forgetFinished(open *openSet) {
	for i := range c.records {
		if offset := c.records[i].Offset; !open.has(offset) {
			c.records[i] = Record{Offset: offset}
		}
	}
}

// entry is a job as memory holds it: 16 bytes. Whatever else there is to know
// is found by its offset.
type entry struct {
	offset int64
	from   *chunk // nil: the body is in the file only
}

// hold counts the bodies of a chunk against the budgets, release gives them up.
func (p *Partition) hold(c *chunk, bytes int64) {
	if !c.flushed {
		p.store.fresh += bytes
		p.unwritten += bytes
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

// settleBodies lets the bodies that were written alias the copy, or drops them
// where the memory budget is used up: their turn comes later than that of the
// bodies already held.
func (f *partFlush) settleBodies() {
	p, s := f.part, f.part.store
	for _, c := range f.chunks {
		written := c.bytes
		p.hold(c, -written)
		c.flushed = true
		if s.memory+written <= s.opt.Memory/2 && c.live > 0 {
			p.hold(c, written)
			c.forgetFinished(&p.open)
		} else {
			c.records = nil
		}
	}
	i := 0
	for _, b := range f.blocks {
		for _, place := range b.places {
			if o := f.open[i]; o.from.records != nil {
				o.rec.alias(b.bodies, place)
			}
			i++
		}
	}
}

// alias lets the record point into the copy that was written.
func (r *Record) alias(block []byte, at stored) {
	r.Key = moved(r.Key, block, at.key)
	r.Value = moved(r.Value, block, at.value)
	if at.row.flags&flagNameKey != 0 {
		r.Lane.Name = r.Key
	} else {
		r.Lane.Name = bytes.Clone(r.Lane.Name)
	}
	headers := make([]Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = Header{strings.Clone(h.Key), bytes.Clone(h.Value)}
	}
	r.Headers = headers
}

func moved(b, block []byte, at int) []byte {
	if len(b) == 0 {
		return b
	}
	return block[at : at+len(b) : at+len(b)]
}

// dropChunks forgets the chunks that hold nothing, and with the memory budget
// used up those of which most is finished.
func (p *Partition) dropChunks() {
	tight := p.store.memory > p.store.opt.Memory/2
	kept := p.chunks[:0]
	for _, c := range p.chunks {
		if tight && c.flushed && c.live*4 < len(c.records) {
			p.release(c)
		}
		if c.records != nil {
			kept = append(kept, c)
		}
	}
	clear(p.chunks[len(kept):])
	p.chunks = kept
}
