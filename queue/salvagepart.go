package queue

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// partSalvage is one partition on its way to a new file.
type partSalvage struct {
	*salvage
	tp      TopicPartition
	path    [][]byte
	values  map[string][]byte        // its own, by key
	parts   map[string]SalvageSource // its buckets, by name
	partial bool                     // a page of its own was damaged: a part may be missing for that

	state  stateValue
	stated bool // state could be read

	blocks  []*salvagedBlock // by key
	unknown ranges           // offsets of which the file does not tell any more what has become
	rewind  int64            // everything from here on is fetched again; the next offset where nothing is
	open    map[int64]bool   // the jobs that are kept, and whether they were set aside for the rewind
	aside   salvagedAside
	dead    map[int64]bool // offsets of dead letters of this topic
}

func (s *salvage) partitions(from SalvageSource) error {
	const then = "of its partitions this store knows nothing any more: they begin at the committed offsets"
	return from.Each(func(name, _ []byte, topic SalvageSource) error {
		if topic == nil {
			s.lose("topic "+keyText(name), errNoBucket, then)
			return nil
		}
		return topic.Each(func(key, _ []byte, part SalvageSource) error {
			if part == nil || len(key) != 4 {
				s.lose(fmt.Sprintf("topic %s partition %x", name, key), errNoBucket, "it is left out")
				return nil
			}
			tp := TopicPartition{string(name), int32(binary.BigEndian.Uint32(key))}
			return s.partition(tp, part, bucketPartitions, name, key)
		}, s.gaps("partitions of topic "+string(name), then))
	}, s.gaps("topics", then))
}

var errNoBucket = fmt.Errorf("a bucket of 4 bytes of key is due")

func (s *salvage) partition(tp TopicPartition, from SalvageSource, path ...[]byte) error {
	p := &partSalvage{
		salvage: s, tp: tp, path: path, values: map[string][]byte{}, parts: map[string]SalvageSource{},
		open: map[int64]bool{}, dead: map[int64]bool{},
	}
	err := from.Each(func(key, value []byte, sub SalvageSource) error {
		if sub == nil {
			p.values[string(key)] = value
		} else {
			p.parts[string(key)] = sub
		}
		return nil
	}, func(g SalvageGap) {
		p.partial = true
		s.lose(tp.String()+g.between(), g.Err, "what it held is lost")
	})
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		p.readState, p.deadLetters, p.asideJobs, p.scan, p.decide, p.writeBlocks,
		func() error { return p.notes(false) }, func() error { return p.notes(true) },
		p.writeAside, p.writeState, p.copyRest,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("salvage %s: %w", tp, err)
		}
	}
	return nil
}

// readState reads what is known of the partition as a whole. Without it the
// blocks tell, once they are known.
func (p *partSalvage) readState() error {
	if err := decodeValue(p.values[string(keyState)], &p.state); err != nil {
		p.state = stateValue{Frontier: -1, Next: -1, Acknowledged: -1}
		p.lose(p.tp.String()+" state", err, "it is made anew from the jobs; what was finished above the last of them runs again where no commit tells of it")
		return nil
	}
	p.stated = true
	return nil
}

// under is the path of a bucket of the partition.
func (p *partSalvage) under(names ...[]byte) [][]byte { return append(slices.Clone(p.path), names...) }

// writeState comes last: it says how far the partition has come with what was
// salvaged.
func (p *partSalvage) writeState() error {
	p.report.Partitions++
	for _, name := range jobBuckets() {
		if err := p.bucket(p.under(name)...); err != nil {
			return err
		}
	}
	if err := p.writeElsewhere(); err != nil {
		return err
	}
	if p.state.Next >= 0 {
		p.state.Next = p.rewind
		p.state.Frontier = p.rewind
		for offset, aside := range p.open {
			if !aside {
				p.state.Frontier = min(p.state.Frontier, offset)
			}
		}
		p.state.Acknowledged = min(p.state.Acknowledged, p.state.Frontier)
	}
	value, err := encodeValue(p.state)
	if err != nil {
		return err
	}
	return p.put(keyState, value, p.path...)
}

// writeElsewhere keeps what is finished of the offsets that are fetched again.
func (p *partSalvage) writeElsewhere() error {
	done, err := openRanges(p.values[string(keyElsewhere)])
	if err != nil {
		p.lose(p.tp.String()+" elsewhere", err, "what other owners have finished runs again where no commit tells of it")
	}
	if p.rewind < p.state.Next {
		done = done.union(ranges{{p.rewind, p.state.Next}}.without(p.unknown))
	}
	if len(done) > maxAhead {
		p.lose(p.tp.String()+" elsewhere", fmt.Errorf("finished offsets are in %d ranges, of which %d can be kept", len(done), maxAhead), "the others run again")
		done = done[:maxAhead]
	}
	if len(done) == 0 {
		return nil
	}
	return p.put(keyElsewhere, done.encode(), p.path...)
}

// copyRest takes what later versions may have put there.
func (p *partSalvage) copyRest() error {
	known := slices.Concat(jobBuckets(), deadBuckets(), [][]byte{bucketAside, bucketCheckpoints, keyState, keyElsewhere, keyTally})
	isKnown := func(name string) bool {
		return slices.ContainsFunc(known, func(k []byte) bool { return string(k) == name })
	}
	for name, sub := range p.parts {
		if !isKnown(name) {
			if err := p.copy(p.tp.String()+" "+name, sub, p.under([]byte(name))...); err != nil {
				return err
			}
		}
	}
	for key, value := range p.values {
		if isKnown(key) {
			continue
		}
		if _, _, err := openFrame(value); err != nil {
			p.lose(p.tp.String()+" "+key, err, "it is left out")
		} else if err := p.put([]byte(key), value, p.path...); err != nil {
			return err
		}
	}
	return nil
}

// without returns the part of the set that is not in the other one.
func (s ranges) without(other ranges) (left ranges) {
	for _, r := range s {
		for _, hole := range other.from(r.From) {
			if hole.From >= r.To {
				break
			}
			if hole.From > r.From {
				left = append(left, Range{r.From, hole.From})
			}
			r.From = hole.To
		}
		if r.From < r.To {
			left = append(left, r)
		}
	}
	return left
}
