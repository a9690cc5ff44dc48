package queue

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// salvagedBlock is what is known of a block.
type salvagedBlock struct {
	key    int64
	rows   rows   // nil: its index is lost
	damage error  // of the index
	done   bitmap // over rows
	// doubt is the first row of which done says nothing: a job from there on runs
	// again where nothing else tells that it is finished.
	doubt int
	holes []int // numbers of rows before which others are lost
	found bool  // its bodies are there
}

var errPageLost = errors.New("its page is damaged")

// part is a bucket of the partition. One that is gone with a page is one gap.
func (p *partSalvage) part(name []byte) SalvageSource {
	if sub := p.parts[string(name)]; sub != nil {
		return sub
	}
	return lostPart{p.partial || isJobBucket(name)}
}

func isJobBucket(name []byte) bool {
	return slices.ContainsFunc(jobBuckets(), func(b []byte) bool { return string(b) == string(name) })
}

type lostPart struct{ lost bool }

func (l lostPart) Each(_ func(key, value []byte, sub SalvageSource) error, gap func(SalvageGap)) error {
	if l.lost {
		gap(SalvageGap{Err: errBucketMissing})
	}
	return nil
}

// blockScan collects the blocks of a partition by their keys.
type blockScan struct {
	*partSalvage
	blocks map[int64]*salvagedBlock
	done   map[int64][]byte // values of blocks that have no index
	// Keys that were on pages that are lost.
	noIndex, noDone, noBodies ranges
}

// scan learns which blocks there were, and what of them was finished.
func (p *partSalvage) scan() error {
	s := &blockScan{partSalvage: p, blocks: map[int64]*salvagedBlock{}, done: map[int64][]byte{}}
	for _, step := range []func() error{s.index, s.completions, s.bodies} {
		if err := step(); err != nil {
			return err
		}
	}
	for key := range s.done {
		p.lose(fmt.Sprintf("%s block %d completions", p.tp, key), errors.New("there is no such block"), "it is left out")
	}
	for _, b := range s.blocks {
		if s.noDone.has(b.key) {
			b.done, b.doubt = nil, 0
		}
		p.blocks = append(p.blocks, b)
	}
	sort.Slice(p.blocks, func(i, j int) bool { return p.blocks[i].key < p.blocks[j].key })
	p.joinTwins()
	p.findUnknown(s.noIndex, s.noBodies)
	return nil
}

func (s *blockScan) index() error {
	return s.part(bucketIndex).Each(func(key, value []byte, _ SalvageSource) error {
		first, err := keyOffset(key)
		if err != nil {
			s.lose(fmt.Sprintf("%s index %x", s.tp, key), err, "it is left out")
			return nil
		}
		b := &salvagedBlock{key: first}
		b.rows, b.damage = openRows(value)
		b.doubt = b.rows.len()
		s.blocks[first] = b
		return nil
	}, func(g SalvageGap) { s.noIndex = append(s.noIndex, g.offsets()) })
}

func (s *blockScan) completions() error {
	return s.part(bucketDone).Each(func(key, value []byte, _ SalvageSource) error {
		if b := s.blocks[mustOffset(key)]; b != nil {
			b.complete(s.partSalvage, value)
		} else {
			s.done[mustOffset(key)] = value
		}
		return nil
	}, func(g SalvageGap) {
		s.noDone = append(s.noDone, g.offsets())
		s.lose(s.tp.String()+" completions"+g.between(), g.Err, "what was finished of these blocks runs again")
	})
}

func (s *blockScan) bodies() error {
	return s.part(bucketBlocks).Each(func(key, value []byte, sub SalvageSource) error {
		first := mustOffset(key)
		b := s.blocks[first]
		if b == nil {
			b = &salvagedBlock{key: first, damage: errPageLost}
			s.blocks[first] = b
		}
		if b.found = true; b.damage != nil {
			b.rebuild(s.partSalvage, bodiesOf(value, sub))
			if done := s.done[first]; done != nil {
				b.complete(s.partSalvage, done)
				delete(s.done, first)
			}
		}
		return nil
	}, func(g SalvageGap) {
		s.noBodies = append(s.noBodies, g.offsets())
		s.lose(s.tp.String()+" blocks"+g.between(), g.Err, "see the jobs")
	})
}

// complete takes what the file says of the rows.
func (b *salvagedBlock) complete(p *partSalvage, value []byte) {
	done, err := openBitmap(value)
	if b.done = done; err != nil {
		b.done, b.doubt = nil, 0
		p.lose(fmt.Sprintf("%s block %d completions", p.tp, b.key), err, "what was finished of the block runs again")
	}
}

// rebuild makes the index from the bodies.
func (b *salvagedBlock) rebuild(p *partSalvage, bodies []byte) {
	var damage error
	b.rows, b.doubt, b.holes, damage = salvageRows(bodies)
	if damage == nil && b.rows.len() > 0 {
		return
	}
	p.lose(fmt.Sprintf("%s block %d index", p.tp, b.key), errors.Join(b.damage, damage),
		fmt.Sprintf("%d of its jobs could be told from their bodies", b.rows.len()))
}

// bodiesOf is the value of a block, or of the one key of its bucket.
func bodiesOf(value []byte, sub SalvageSource) []byte {
	if sub != nil {
		_ = sub.Each(func(key, b []byte, _ SalvageSource) error {
			if string(key) == string(keyBody) {
				value = b
			}
			return nil
		}, func(SalvageGap) {})
	}
	return value
}

// offsets is the gap as keys of blocks.
func (g SalvageGap) offsets() Range {
	r := Range{0, math.MaxInt64}
	if from, err := keyOffset(g.From); err == nil {
		r.From = from
	}
	if to, err := keyOffset(g.To); err == nil {
		r.To = to
	}
	return r
}

// joinTwins is for a block whose key in one of the buckets is damaged: it is there
// once with an index, and once with the bodies that say the same.
func (p *partSalvage) joinTwins() {
	told := map[int64]*salvagedBlock{}
	for _, b := range p.blocks {
		if b.found && b.damage != nil {
			for i := range b.rows.len() {
				told[b.rows.offset(i)] = b
			}
		}
	}
	for _, b := range p.blocks {
		if !b.found && len(told) > 0 {
			b.joinTwin(told)
		}
	}
}

// joinTwin leaves to the blocks that have bodies the rows that they tell of, and
// what is known to be finished of them.
func (b *salvagedBlock) joinTwin(told map[int64]*salvagedBlock) {
	var left rows
	for i := range b.rows.len() {
		r := b.rows.at(i)
		finished := i < b.doubt && b.done.has(i)
		twin := told[r.offset]
		switch {
		case twin == nil && !finished:
			left = rows(appendRow(left, r))
		case twin != nil && finished:
			at, _ := twin.rows.find(r.offset)
			done := newBitmap(twin.rows.len())
			copy(done, twin.done)
			done.set(at)
			twin.done, twin.doubt = done, max(twin.doubt, at+1)
		}
	}
	b.rows, b.done, b.doubt = left, nil, left.len()
}

// findUnknown collects the offsets of which neither an index nor a body tells.
func (p *partSalvage) findUnknown(noIndex, noBodies ranges) {
	var lost ranges
	add := func(from, to int64) {
		if from < to {
			lost = lost.union(ranges{{from, to}})
		}
	}
	for i, b := range p.blocks {
		end := p.firstFrom(b.key+1, i+1)
		if b.rows.len() == 0 && b.damage != nil {
			add(b.key, end)
		}
		for _, hole := range b.holes {
			from, to := b.key, end
			if hole > 0 {
				from = b.rows.offset(hole-1) + 1
			}
			if hole < b.rows.len() {
				to = b.rows.offset(hole)
			}
			add(from, to)
		}
	}
	for _, x := range noIndex {
		for _, y := range noBodies {
			if from, to := max(x.From, y.From), min(x.To, y.To); from < to {
				add(from, p.firstFrom(to, 0))
			}
		}
	}
	p.unknown = lost
}

// firstFrom is the key of the first block, of those from the i-th on, that is not
// below offset.
func (p *partSalvage) firstFrom(offset int64, i int) int64 {
	for _, b := range p.blocks[i:] {
		if b.key >= offset && b.rows.len() > 0 {
			return b.key
		}
	}
	return math.MaxInt64
}

// decide finds how far the partition goes back.
func (p *partSalvage) decide() error {
	last := int64(-1)
	for _, b := range p.blocks {
		if n := b.rows.len(); n > 0 {
			last = max(last, b.rows.offset(n-1))
			if !p.stated {
				p.state.Scheme = max(p.state.Scheme, b.rows.at(n-1).scheme)
			}
		}
	}
	if !p.stated && last >= 0 {
		p.state.Next, p.state.Frontier = last+1, 0
	}
	p.unknown = p.unknown.without(p.known()).within(max(0, p.state.Frontier), p.state.Next)
	p.rewind = p.state.Next
	if len(p.unknown) == 0 {
		return nil
	}
	p.rewind = p.unknown[0].From
	for _, r := range p.unknown {
		p.lose(fmt.Sprintf("%s offsets %d to %d", p.tp, r.From, r.To-1), errPageLost,
			"fetched from Kafka again: what was unfinished of them runs, and what was finished runs again, after later jobs of its key that are here")
	}
	return nil
}

// known are the offsets that some part tells of.
func (p *partSalvage) known() (set ranges) {
	var offsets []int64
	for _, b := range p.blocks {
		for i := range b.rows.len() {
			offsets = append(offsets, b.rows.offset(i))
		}
	}
	for offset := range p.dead {
		offsets = append(offsets, offset)
	}
	for offset := range p.aside.jobs {
		offsets = append(offsets, offset)
	}
	slices.Sort(offsets)
	for _, offset := range slices.Compact(offsets) {
		if n := len(set); n > 0 && set[n-1].To == offset {
			set[n-1].To++
		} else {
			set = append(set, Range{offset, offset + 1})
		}
	}
	return set
}

// within returns the part of the set in [from, to).
func (s ranges) within(from, to int64) (left ranges) {
	for _, r := range s.from(from) {
		if r.To = min(r.To, to); r.From < r.To {
			left = append(left, r)
		}
	}
	return left
}
