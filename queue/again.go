package queue

import "go.etcd.io/bbolt"

// Kafka can deliver records of aside jobs again: after a Reset, or when another
// owner's commit could not carry all that is complete. What is here knows more
// about them, so they are dropped. Nearly always the first comparison tells that
// there are none.

// asideAmong returns the offsets among the records that are aside.
func (p *Partition) asideAmong(recs []Record) (map[int64]bool, error) {
	p.store.mu.Lock()
	none := recs[0].Offset >= p.asideEnd
	known := map[int64]bool{}
	if !none {
		p.onTheirWay(known)
	}
	p.store.mu.Unlock()
	if none {
		return nil, nil
	}
	p.store.dbMu.RLock()
	defer p.store.dbMu.RUnlock()
	err := p.store.db.View(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, p.tp)
		if b == nil {
			return nil
		}
		t, ok := openAside(b)
		if !ok {
			return nil
		}
		for i := range recs {
			if t.index.Get(offsetKey(recs[i].Offset)) != nil {
				known[recs[i].Offset] = true
			}
		}
		return nil
	})
	return known, err
}

// onTheirWay adds the jobs that the file is to get.
func (p *Partition) onTheirWay(known map[int64]bool) {
	lanes := map[string][]int64{}
	for _, list := range [][]leaving{p.flying, p.leaving} {
		for _, j := range list {
			if j.stays { // the file has it
				continue
			}
			lane := string(laneKey(j.lane, j.offset))
			if !j.discard {
				known[j.offset] = true
				lanes[lane] = append(lanes[lane], j.offset)
				continue
			}
			for _, offset := range lanes[lane] {
				if offset != j.offset || j.lane.Own {
					delete(known, offset)
				}
			}
		}
	}
}

// withoutKnown drops the records that are aside. It is called with Store.mu held.
func (p *Partition) withoutKnown(recs []Record, known map[int64]bool) []Record {
	switch {
	case len(recs) == 0 || recs[0].Offset >= p.asideEnd:
		return recs
	case known == nil: // a requeue came meanwhile
		known = map[int64]bool{}
	}
	p.onTheirWay(known)
	kept := recs[:0]
	for _, r := range recs {
		if w, ok := p.find(r.Offset, r.Lane); !known[r.Offset] && !p.isAside(w, ok) {
			kept = append(kept, r)
		}
	}
	clear(recs[len(kept):])
	return kept
}
