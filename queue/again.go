package queue

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
		p.onTheirWay(recs, known)
	}
	p.store.mu.Unlock()
	if none {
		return nil, nil
	}
	_, err := p.store.viewAside(p.tp, func(t *asideTable) {
		for i := range recs {
			if _, decided := known[recs[i].Offset]; !decided && t.index.Get(offsetKey(recs[i].Offset)) != nil {
				known[recs[i].Offset] = true
			}
		}
	})
	return known, err
}

// onTheirWay tells of the jobs that the file is to get, and of those that it is to
// lose, as they are discarded.
func (p *Partition) onTheirWay(recs []Record, known map[int64]bool) {
	for _, list := range [][]leaving{p.flying, p.leaving} {
		for _, j := range list {
			switch {
			case j.discard:
				for i := range recs {
					if j.discards(&recs[i]) {
						known[recs[i].Offset] = false
					}
				}
			case !j.stays: // else the file has it
				known[j.offset] = true
			}
		}
	}
}

// discards reports whether the record is of the lane, but for the job that runs.
func (j *leaving) discards(rec *Record) bool {
	if j.lane.Own || rec.Lane.Own {
		return j.lane.Own && rec.Lane.Own && rec.Offset == j.offset
	}
	return rec.Lane.ID == j.lane.ID && rec.Offset != j.offset
}

// withoutKnown drops the records that are aside. It is called with Store.mu held.
func (p *Partition) withoutKnown(recs []Record, known map[int64]bool) []Record {
	switch {
	case len(recs) == 0 || recs[0].Offset >= p.asideEnd:
		return recs
	case known == nil: // a requeue came meanwhile
		known = map[int64]bool{}
	}
	p.onTheirWay(recs, known)
	kept := recs[:0]
	for _, r := range recs {
		if w, ok := p.find(r.Offset, r.Lane); !known[r.Offset] && !p.isAside(w, ok) {
			kept = append(kept, r)
		}
	}
	clear(recs[len(kept):])
	return kept
}
