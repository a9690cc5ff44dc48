package queue

import "fmt"

// tight reports whether finished jobs take up too much of the file. The more is
// open, the more of it is half finished at any time, and most of that goes by
// itself a moment later: copying it would cost many times its own writing.
func (s *Store) tight() bool {
	bearable := s.layout.deadBytes
	for _, p := range s.parts {
		bearable += p.liveBytes / 2
	}
	if s.opt.Disk > 0 {
		bearable = min(bearable, s.opt.Disk/16)
	}
	return s.lowDisk || s.dead > bearable
}

// weigh sums up what the blocks hold.
func (p *Partition) weigh() {
	p.store.dead -= p.deadBytes
	p.liveBytes, p.deadBytes = 0, 0
	for _, b := range p.blocks {
		p.liveBytes += b.liveBytes
		p.deadBytes += b.bytes - b.liveBytes
	}
	p.store.dead += p.deadBytes
}

// reclaim deletes finished blocks, and rewrites long runs of small ones, and
// where room is wanted sparse ones, with their open jobs only. It returns the
// catalogue that is left.
//
// A rewritten block keeps the key of the first one that it replaces, and a
// body is looked up by Seek in one transaction: a reader sees the old blocks
// or the new one.
func (c catalogue) reclaim(t blockTable, wanted bool) (catalogue, error) {
	kept := c[:0:0]
	for _, b := range c {
		if b.live > 0 {
			kept = append(kept, b)
		} else if err := t.delete(b); err != nil {
			return nil, err
		}
	}
	return kept.rewrite(t, wanted)
}

func (c catalogue) rewrite(t blockTable, wanted bool) (catalogue, error) {
	kept, budget := c[:0:0], t.rewriteBytes
	for i := 0; i < len(c); {
		run, bytes := c[i:].worthMerging(t.layout, wanted)
		if run == 0 || bytes > budget {
			kept = append(kept, c[i])
			i++
			continue
		}
		merged, err := t.merge(c[i : i+run])
		if err != nil {
			return nil, err
		}
		kept = append(kept, merged)
		budget -= bytes
		i += run
	}
	return kept, nil
}

// worthMerging returns how many of the first blocks should become one, and how
// many bytes that copies; zero where rewriting gains nothing. Small neighbours
// of a sparse block that are not sparse themselves are left alone until they are
// many: with each of them that grows sparse, the others would be copied again.
func (c catalogue) worthMerging(l layout, wanted bool) (run int, bytes int64) {
	sparse, gathered, count := 0, int64(0), int32(0)
	for _, b := range c {
		gains := wanted && b.sparse()
		if !gains && !l.small(b) || bytes+b.liveBytes > l.blockBytes || count+b.live > l.blockRows {
			break
		}
		run++
		bytes += b.liveBytes
		count += b.live
		if gains && sparse == run-1 {
			sparse, gathered = run, bytes
		}
	}
	if run >= l.mergeRun {
		return run, bytes
	}
	return sparse, gathered
}

// merge replaces neighbouring blocks by one with their open jobs.
func (t blockTable) merge(run catalogue) (block, error) {
	var out newBlock
	for _, b := range run {
		if err := t.copyLive(&out, b); err != nil {
			return block{}, err
		}
	}
	for _, b := range run {
		if err := t.delete(b); err != nil {
			return block{}, err
		}
	}
	out.first = run[0].first
	return out.block, t.put(&out)
}

// copyLive appends the framed bodies of a block's open jobs as they are: a
// damaged one stays one.
func (t blockTable) copyLive(out *newBlock, b block) error {
	rs, done, err := t.read(b)
	if err != nil {
		return err
	}
	bodies := blockValue(t.blocks, offsetKey(b.first))
	for i := range rs.len() {
		if done.has(i) {
			continue
		}
		r := rs.at(i)
		if int(r.pos)+int(r.length) > len(bodies) {
			return &DamageError{fmt.Sprintf("%s@%d", t.tp, r.offset), errFrameShort}
		}
		body := bodies[r.pos : r.pos+r.length]
		r.pos = uint32(len(out.bodies))
		out.bodies = append(out.bodies, body...)
		out.add(r)
	}
	return nil
}
