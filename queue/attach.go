package queue

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Attach makes a partition's queues available, rebuilt from the file's index
// where memory does not have them. Nothing starts before Lease.
func (s *Store) Attach(tp TopicPartition) (*Partition, error) {
	for {
		p, forgotten, err := s.attached(tp)
		if p != nil || err != nil {
			return p, err
		}
		p = newPartition(s, tp)
		lanes, err := p.load()
		if err != nil {
			return nil, fmt.Errorf("attach %s: %w", tp, err)
		}
		if ok, err := s.publish(p, lanes, forgotten); ok || err != nil {
			return p, err
		}
	}
}

// publish makes a loaded partition known, unless Forget came meanwhile.
func (s *Store) publish(p *Partition, lanes []*lane, forgotten int) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return false, err
	}
	if s.forgotten != forgotten {
		return false, nil
	}
	if s.parts[p.tp] != nil {
		return false, fmt.Errorf("attach %s: it is being attached already", p.tp)
	}
	s.parts[p.tp] = p
	s.mourned += len(p.mourners.last)
	p.topic = s.topic(p.tp.Topic)
	p.findPauses()
	p.settleAll(lanes)
	return true, nil
}

// settleAll settles the lanes that were loaded.
func (p *Partition) settleAll(lanes []*lane) {
	for _, l := range lanes {
		p.settle(l)
	}
	for id := range p.parked {
		p.through(id)
	}
	if len(p.asideDone) > 0 {
		p.touch()
	}
}

// attached returns a partition that memory still has, and how many Forget has
// made untrue.
func (s *Store) attached(tp TopicPartition) (p *Partition, forgotten int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return nil, 0, err
	}
	p = s.parts[tp]
	if p != nil && !p.detached {
		return nil, 0, fmt.Errorf("attach %s: it is attached already", tp)
	}
	if p != nil {
		p.detached = false
	}
	return p, s.forgotten, nil
}

// Detach takes the partition out of the schedule. Runs under way may still be
// finished and are recorded; an Attach meanwhile adopts them.
func (p *Partition) Detach() {
	_ = p.change(func() error { // on a failed store there is nothing left to leave
		p.detached, p.away = true, p.store.clock.Now().UnixNano()
		p.store.detached++
		p.until = time.Time{}
		return nil
	})
}

func newPartition(s *Store, tp TopicPartition) *Partition {
	return &Partition{
		tp: tp, store: s, lanes: map[uint64]*lane{}, own: map[int64]*lane{},
		next: -1, stored: -1, acked: -1, durable: -1, since: s.clock.Now().UnixNano(),
		maxParked: MaxParked, freeing: map[int64]bool{},
	}
}

// load rebuilds the partition from the file and returns its lanes, the one
// with the oldest head first. It is not published yet, so no lock is held.
func (p *Partition) load() (lanes []*lane, err error) {
	err = p.store.view(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, p.tp)
		if b == nil {
			return nil
		}
		if err := checkBuckets(p.tp, b); err != nil {
			return err
		}
		if err := p.loadState(b); err != nil {
			return err
		}
		p.loadElsewhere(b)
		if err := p.loadNotes(b.Bucket(bucketNotes)); err != nil {
			return err
		}
		if lanes, err = p.loadAside(b); err != nil {
			return err
		}
		more, err := p.loadBlocks(b)
		lanes = append(lanes, more...)
		p.loadOvertaken(b)
		return err
	})
	return lanes, err
}

func (p *Partition) loadState(b *bbolt.Bucket) error {
	var v stateValue
	if err := decodeValue(b.Get(keyState), &v); err != nil {
		return &DamageError{p.tp.String() + " state", err}
	}
	p.known = v.Next >= 0 // of one that was forgotten its dead letters are left
	p.next, p.stored, p.durable, p.acked = v.Next, v.Next, v.Frontier, v.Acknowledged
	p.away, p.seek, p.seeks, p.soughtIn, p.resets = v.Away, v.Seek, v.Seeks, v.SoughtIn, v.Resets
	p.loadTopic(v)
	return nil
}

// loadTopic is what offsets and the ids of lanes are of.
func (p *Partition) loadTopic(v stateValue) {
	p.topicID, p.fingerprint, p.scheme, p.active = v.TopicID, v.Fingerprint, v.Scheme, v.Scheme
}

// loadElsewhere does without a value that is damaged: what other owners have
// completed then runs again, which is no reason to hold the partition.
func (p *Partition) loadElsewhere(b *bbolt.Bucket) {
	done, err := openRanges(b.Get(keyElsewhere))
	if err != nil {
		p.store.opt.Logger.Warn("what other owners have completed is unreadable and runs again", "partition", p.tp.String(), "error", err)
		return
	}
	p.elsewhere = done.from(p.next)
}

func (p *Partition) loadNotes(notes *bbolt.Bucket) error {
	now := p.store.clock.Now().UnixNano()
	return notes.ForEach(func(key, value []byte) error {
		offset, err := keyOffset(key)
		if err != nil {
			return &DamageError{p.tp.String() + " notes", err}
		}
		var n noteValue
		if err := decodeValue(value, &n); err != nil {
			return &DamageError{fmt.Sprintf("%s@%d note", p.tp, offset), err}
		}
		n.Due = min(n.Due, now+n.Delay) // the clock may have been set back meanwhile
		p.keepNote(offset, &n)
		return nil
	})
}

// loadBlocks puts the open job of every row into its lane. Lanes are settled
// once the partition is published.
func (p *Partition) loadBlocks(b *bbolt.Bucket) (lanes []*lane, err error) {
	first := true
	err = b.Bucket(bucketIndex).ForEach(func(key, value []byte) error {
		rs, done, err := p.loadIndex(b, key, value)
		if err != nil {
			return err
		}
		blk := block{first: mustOffset(key), rows: int32(rs.len())}
		for i := range rs.len() {
			r := rs.at(i)
			blk.bytes += int64(r.length)
			if done.has(i) {
				continue
			}
			if first {
				if len(p.parked) == 0 || r.scheme < p.active { // else lanes of an older scheme are parked
					p.active = r.scheme
				}
				first = false
			}
			blk.live++
			blk.liveBytes += int64(r.length)
			p.open.add(r.offset)
			if l := p.adopt(laterJob{entry{offset: r.offset}, Lane{ID: r.lane, Own: r.flags&flagOwn != 0}, r.scheme}); l != nil {
				lanes = append(lanes, l)
			}
		}
		p.liveBytes += blk.liveBytes
		p.blocks = append(p.blocks, blk)
		return nil
	})
	return lanes, err
}

// adopt is place for a partition that is not published yet: it returns the
// lane if it is new, to be settled later.
func (p *Partition) adopt(j laterJob) *lane {
	if j.scheme != p.active {
		p.later = append(p.later, j)
		return nil
	}
	p.activeOpen++
	if w, ok := p.find(j.offset, j.lane); p.isAside(w, ok) {
		p.replaceAside(w, j.entry)
		return nil
	}
	l := p.lane(j.lane, j.offset)
	l.insert(j.entry)
	if len(l.jobs) > 1 {
		return nil
	}
	return l
}

// loadIndex opens the index and the completions of a block. An index that is
// damaged is rebuilt from the bodies, which say the same.
func (p *Partition) loadIndex(b *bbolt.Bucket, key, value []byte) (rows, bitmap, error) {
	first, err := keyOffset(key)
	if err != nil {
		return nil, nil, &DamageError{p.tp.String() + " index", err}
	}
	where := fmt.Sprintf("%s block %d", p.tp, first)
	rs, err := openRows(value)
	if err != nil {
		bodies := blockValue(b.Bucket(bucketBlocks), key)
		if rs, err = rebuildRows(bodies); err != nil {
			return nil, nil, &DamageError{where + " index", err}
		}
	}
	done, err := openBitmap(b.Bucket(bucketDone).Get(key))
	if err != nil {
		return nil, nil, &DamageError{where + " completions", err}
	}
	return rs, done, nil
}

// rebuildRows makes the index of a block from its bodies. It fails where one
// of them is damaged too, because nothing else says what is behind it.
func rebuildRows(bodies []byte) (rows, error) {
	var rs rows
	for pos := 0; pos < len(bodies); {
		rec, scheme, err := decodeBody(bodies[pos:])
		if err != nil {
			return nil, err
		}
		_, size, err := openFrame(bodies[pos:])
		if err != nil {
			return nil, err
		}
		flags := uint16(0)
		if rec.Lane.Own {
			flags = flagOwn
		}
		rs = rows(appendRow(rs, row{rec.Offset, rec.Lane.ID, uint32(pos), uint32(size), scheme, flags}))
		pos += size
	}
	if rs.len() == 0 {
		return nil, errors.New("the block has no bodies")
	}
	return rs, nil
}

func openBitmap(value []byte) (bitmap, error) {
	if value == nil {
		return nil, nil
	}
	payload, err := openWhole(value)
	return bitmap(payload), err
}

// mustOffset is keyOffset for keys that have been checked.
func mustOffset(key []byte) int64 {
	offset, _ := keyOffset(key)
	return offset
}
