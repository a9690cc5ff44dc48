package queue

import (
	"go.etcd.io/bbolt"
)

// readAside reads the bucket aside, where there is one.
func (p *Partition) readAside(read func(*asideTable) ([]asideSeen, error)) (jobs []asideSeen, err error) {
	err = p.store.view(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, p.tp)
		if b == nil {
			return nil
		}
		if t, ok := openAside(b); ok {
			jobs, err = read(t)
		}
		return err
	})
	if err != nil {
		return nil, damageIn(p.tp.String()+" aside", err)
	}
	return jobs, nil
}

// asidePage leaves out the jobs that memory has finished.
func (p *Partition) asidePage(jobs []asideSeen) (page []Pending, err error) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if err := p.usable(); err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if w, ok := p.find(j.offset, j.lane); p.isAside(w, ok) {
			page = append(page, p.describe(w, j.offset, j.lane))
		} else if state := p.asideState(j); state != 0 {
			seen := Pending{Offset: j.offset, Lane: j.lane, State: state, After: -1, Aside: true, gen: p.gen}
			if j.note != nil {
				seen.Attempts, seen.Error, seen.Rerun = j.note.Attempts, j.note.Error, j.note.Rerun
			}
			page = append(page, seen)
		}
	}
	return page, nil
}

// asideState is that of a job that is in no lane; zero: it is finished.
func (p *Partition) asideState(j asideSeen) JobState {
	k := p.parked[j.lane.ID]
	switch {
	case !j.parked:
		return 0
	case j.lane.Own, k != nil && !k.Released:
		return Parked
	case k != nil && !k.loaded:
		return Blocked
	}
	return 0
}
