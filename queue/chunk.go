package queue

import "sort"

// chunk holds the bodies of records that came in together. Before the flush
// its records alias what the caller handed in; after it they alias the copy
// that was written, or are dropped and read back when their turn comes.
type chunk struct {
	records []Record // ascending by offset; nil once dropped
	live    int      // open jobs that point here
	bytes   int64    // counted in Store.memory
	scheme  uint16   // number of the scheme that chose the lanes
	flushed bool     // no longer counted in Store.fresh
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
