package queue

import (
	"fmt"
)

const (
	staysJob = "it stays a job: a bridge fetches its record from Kafka again, or halts it where Kafka has it no more"
	isLost   = "it is lost"
)

// writeBlocks writes the open jobs: those below the rewind into blocks, the
// others aside.
func (p *partSalvage) writeBlocks() error {
	byKey := map[int64]*salvagedBlock{}
	for _, b := range p.blocks {
		byKey[b.key] = b
	}
	err := p.part(bucketBlocks).Each(func(key, value []byte, sub SalvageSource) error {
		if b := byKey[mustOffset(key)]; b != nil {
			return p.writeBlock(b, bodiesOf(value, sub))
		}
		return nil
	}, func(SalvageGap) {}) // the scan has named it
	if err != nil {
		return err
	}
	for _, b := range p.blocks {
		if b.found {
			continue
		}
		if err := p.writeBlock(b, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *partSalvage) writeBlock(b *salvagedBlock, bodies []byte) error {
	var out newBlock
	for i := range b.rows.len() {
		r := b.rows.at(i)
		if !p.isOpen(b, i, r.offset) {
			continue
		}
		body, damage := salvageBody(bodies, r)
		switch {
		case r.offset < p.rewind:
			if damage != nil {
				p.lose(fmt.Sprintf("%s@%d", p.tp, r.offset), damage, staysJob)
			}
			p.open[r.offset] = false
			p.report.Jobs++
			r.pos, r.length = uint32(len(out.bodies)), uint32(len(body))
			out.bodies = append(out.bodies, body...)
			out.add(r)
		case damage != nil:
			p.lose(fmt.Sprintf("%s@%d", p.tp, r.offset), damage, "it is fetched from Kafka again")
			p.unknown = p.unknown.union(ranges{{r.offset, r.offset + 1}})
		default:
			p.open[r.offset] = true
			if err := p.putAside(r, body); err != nil {
				return err
			}
		}
	}
	return p.putBlock(&out)
}

// isOpen tells whether the job of a row is unfinished.
func (p *partSalvage) isOpen(b *salvagedBlock, i int, offset int64) bool {
	if offset < p.state.Frontier || offset >= p.state.Next {
		return false
	}
	if _, twice := p.open[offset]; twice {
		return false
	}
	if i < b.doubt {
		return !b.done.has(i)
	}
	_, aside := p.aside.jobs[offset]
	return !aside && !p.dead[offset]
}

func (p *partSalvage) putBlock(b *newBlock) error {
	if b.rows == 0 {
		return nil
	}
	key := offsetKey(b.first)
	if err := p.put(key, appendFrame(nil, b.index), p.under(bucketIndex)...); err != nil {
		return err
	}
	if standardLayout().small(b.block) {
		return p.put(key, b.bodies, p.under(bucketBlocks)...)
	}
	return p.put(keyBody, b.bodies, p.under(bucketBlocks, key)...)
}

// notes writes the notes and the checkpoints of the jobs that are kept.
func (p *partSalvage) notes(aside bool) error {
	notes, checkpoints := p.part(bucketNotes), p.part(bucketCheckpoints)
	id, ids := "", "" // only jobs that are aside may have one of their own
	if aside {
		id, ids = "; where it had an id of its own, it has that of its record now", "; those with ids of their own have those of their records now"
		notes, checkpoints = p.aside.part(asideNotes), p.aside.part(bucketCheckpoints)
	}
	kept := map[int64]bool{} // checkpoints
	err := checkpoints.Each(func(key, value []byte, _ SalvageSource) error {
		offset := mustOffset(key)
		to, ok := p.keeps(offset, aside, bucketCheckpoints, bucketCheckpoints)
		if !ok {
			return nil
		}
		if _, err := openWhole(value); err != nil {
			p.lose(fmt.Sprintf("%s@%d checkpoint", p.tp, offset), err, "the job begins without it")
			return nil
		}
		kept[offset] = true
		return p.put(key, value, to...)
	}, p.gaps(p.tp.String()+" checkpoints", "their jobs begin without them"))
	if err != nil {
		return err
	}
	return notes.Each(func(key, value []byte, _ SalvageSource) error {
		offset := mustOffset(key)
		to, ok := p.keeps(offset, aside, bucketNotes, asideNotes)
		if !ok {
			return nil
		}
		var n noteValue
		if err := decodeValue(value, &n); err != nil {
			p.lose(fmt.Sprintf("%s@%d note", p.tp, offset), err, "its attempts count from the beginning, and it runs again where it was halted"+id)
			return nil
		}
		if n.Checkpoint && !kept[offset] {
			n.Checkpoint = false
			if value, err = encodeValue(&n); err != nil {
				return err
			}
		}
		return p.put(key, value, to...)
	}, p.gaps(p.tp.String()+" notes", "attempts of these jobs count from the beginning, and they run again where they were halted"+ids))
}

// keeps returns where what belongs to a job goes, if that is kept.
func (p *partSalvage) keeps(offset int64, aside bool, name, asideName []byte) (path [][]byte, ok bool) {
	if aside {
		_, ok = p.aside.jobs[offset]
		return p.under(bucketAside, asideName), ok
	}
	moved, ok := p.open[offset]
	if moved {
		return p.under(bucketAside, asideName), ok
	}
	return p.under(name), ok
}
