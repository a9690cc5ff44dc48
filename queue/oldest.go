package queue

import "time"

// oldest remembers the timestamp of a job.
type oldest struct {
	offset int64
	known  bool
	at     time.Time // the zero time: its record has none, or cannot be read
}

// Oldest returns the timestamp of the lowest unfinished record; the zero time
// where there is none, or it has none. It reads the record once.
func (p *Partition) Oldest() time.Time {
	p.store.mu.Lock()
	offset, open := p.open.min()
	seen, fresh := p.oldest, p.freshAt(offset)
	stored, gen := p.stored, p.gen
	p.store.mu.Unlock()
	switch {
	case !open:
		return time.Time{}
	case seen.known && seen.offset == offset:
		return seen.at
	case fresh != nil:
		return timeOf(fresh)
	case offset >= stored:
		return time.Time{}
	}
	rec, err := p.store.readBody(p.tp, offset, false)
	if err != nil { // finished meanwhile, on its way to the file, or damaged
		return time.Time{}
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.gen == gen {
		p.oldest = oldest{offset, true, timeOf(&rec)}
	}
	return timeOf(&rec)
}

// freshAt returns a record that no flush has taken yet; nil: a flush has.
func (p *Partition) freshAt(offset int64) *Record {
	for _, c := range p.fresh {
		if r := c.at(offset); r != nil {
			return r
		}
	}
	return nil
}

func timeOf(r *Record) time.Time {
	if r.Timestamp < 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.Timestamp)
}
