package queue

import "slices"

// ParkedIn names the stores that keep jobs of a parked lane.
type ParkedIn struct {
	Lane   uint64 // its id
	Here   bool   // this store does
	Stores []string
}

// ParkedIDs lists the lanes, but for those of single records, whose later records
// no owner may run, ascending, and a number that changes whenever the list may
// have. Released lanes are among them until the last of their jobs is done.
func (p *Partition) ParkedIDs() (lanes []ParkedIn, version uint64) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	for id, k := range p.parked {
		lanes = append(lanes, ParkedIn{id, p.hasPart(id, k) || len(k.Elsewhere) == 0, slices.Clone(k.Elsewhere)})
	}
	slices.SortFunc(lanes, func(a, b ParkedIn) int {
		if a.Lane < b.Lane {
			return -1
		}
		return 1
	})
	return lanes, p.parkedVersion
}

// ParkedVersion is the number that ParkedIDs returns.
func (p *Partition) ParkedVersion() uint64 {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.parkedVersion
}

// hasPart reports whether this store keeps jobs of a lane.
func (p *Partition) hasPart(id uint64, k *parkedLane) bool {
	return k.Jobs > 0 || k.left > 0 || slices.ContainsFunc(p.leaving, func(j leaving) bool { return !j.lane.Own && j.lane.ID == id })
}

// keepsAside reports whether this store keeps jobs aside.
func (p *Partition) keepsAside() bool {
	for id, k := range p.parked {
		if p.hasPart(id, k) || len(k.Elsewhere) == 0 {
			return true
		}
	}
	return p.asideJobs > 0 || p.parkedOwn > 0 || len(p.leaving)+len(p.flying) > 0
}

// ParkElsewhere takes over which lanes other stores have parked, as the store of
// the given id, which had the partition before, has told: jobs of these lanes go
// aside here, too. The ids are of the scheme that Configure was told.
//
// Lanes that are only parked because that store kept jobs of them, and which it
// does not name any more, go on.
func (p *Partition) ParkElsewhere(writer string, lanes []ParkedIn) error {
	self := p.store.Identity().StoreID
	return p.change(func() error {
		named := make(map[uint64]bool, len(lanes))
		for _, in := range lanes {
			stores := slices.DeleteFunc(slices.Clone(in.Stores), func(id string) bool { return id == self })
			if len(stores) == 0 && p.parked[in.Lane] == nil {
				continue // our own, released since
			}
			named[in.Lane] = true
			p.parkElsewhere(in.Lane, stores)
		}
		for id, k := range p.parked {
			if !named[id] {
				p.unparkElsewhere(id, k, writer)
			}
		}
		return nil
	})
}

func (p *Partition) parkElsewhere(id uint64, stores []string) {
	if k := p.parked[id]; k != nil {
		if merged := union(k.Elsewhere, stores); !slices.Equal(merged, k.Elsewhere) {
			k.Elsewhere = merged
			p.rewriteParked(id)
		}
		return
	}
	p.keepParked(id, parkedValue{Offset: -1, Since: p.store.clock.Now().UnixNano(), Scheme: p.scheme})
	p.parked[id].Elsewhere = union(nil, stores)
	p.rewriteParked(id)
	if l := p.lanes[id]; l != nil {
		p.setLaneAside(l, l.state == laneRunning)
	}
}

// unparkElsewhere takes note that the writer keeps no job of the lane.
func (p *Partition) unparkElsewhere(id uint64, k *parkedLane, writer string) {
	at := slices.Index(k.Elsewhere, writer)
	if at < 0 {
		return
	}
	k.Elsewhere = slices.Delete(slices.Clone(k.Elsewhere), at, at+1)
	if len(k.Elsewhere) == 0 && !p.hasPart(id, k) {
		p.unpark(id)
		return
	}
	p.rewriteParked(id)
}

// union is ascending, without equals.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
