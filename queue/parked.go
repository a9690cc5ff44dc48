package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// ParkedLane is a lane that was set aside, or that is released and has jobs
// from then.
type ParkedLane struct {
	TopicPartition
	Lane Lane // its name is missing where only another store knows it
	// Offset is the job that it was parked for, which is also that of a lane of a
	// single record; -1: an operator has parked the lane, or another store.
	Offset   int64
	Since    time.Time
	Reason   string // the error of that job, or the operator's words
	Released bool   // its jobs run
	Jobs     int64  // kept here
	Bytes    int64  // of their bodies
	// Elsewhere are the ids of other stores that keep jobs of the lane.
	Elsewhere []string
}

func (v parkedValue) lane(tp TopicPartition, key []byte) ParkedLane {
	lane := ParkedLane{
		TopicPartition: tp,
		Lane:           Lane{ID: binary.BigEndian.Uint64(key[1:]), Name: v.Name},
		Offset:         v.Offset,
		Since:          time.Unix(0, v.Since),
		Reason:         v.Reason,
		Released:       v.Released,
		Jobs:           v.Jobs,
		Bytes:          v.Bytes,
		Elsewhere:      slices.Clone(v.Elsewhere),
	}
	if key[0] == 1 {
		lane.Lane.Own, lane.Offset, lane.Lane.ID = true, mustOffset(key[1:]), 0
	}
	return lane
}

// ParkedLanes lists the parked lanes of a partition, attached or not, by their
// ids and then those of single records by offset. What was parked before the
// call is flushed first. No transaction is held while the caller works.
func (s *Store) ParkedLanes(ctx context.Context, tp TopicPartition) iter.Seq2[ParkedLane, error] {
	return func(yield func(ParkedLane, error) bool) {
		err := s.Sync(ctx)
		for from, more := []byte(nil), true; more && err == nil; {
			var page []ParkedLane
			if page, from, err = s.parkedPage(tp, from); from == nil {
				more = false
			}
			for _, lane := range page {
				if !yield(lane, nil) {
					return
				}
			}
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
		if err != nil {
			yield(ParkedLane{}, fmt.Errorf("list parked lanes of %s: %w", tp, err))
		}
	}
}

// parkedPage returns some of the lanes, and where the next page begins.
func (s *Store) parkedPage(tp TopicPartition, from []byte) (page []ParkedLane, next []byte, err error) {
	s.dbMu.RLock()
	defer s.dbMu.RUnlock()
	err = s.db.View(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, tp)
		if b == nil {
			return nil
		}
		t, ok := openAside(b)
		if !ok {
			return nil
		}
		c := t.parked.Cursor()
		for key, value := c.Seek(from); key != nil; key, value = c.Next() {
			if len(page) == pageJobs {
				next = slices.Clone(key)
				return nil
			}
			v := parkedValue{Offset: -1}
			if err := decodeValue(value, &v); err != nil {
				v = parkedValue{Offset: -1, Reason: "what was noted about the lane is damaged"}
			}
			if len(key) == laneKeySize {
				page = append(page, v.lane(tp, key))
			}
		}
		return nil
	})
	return page, next, err
}

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

// DiscardParked removes the jobs of a parked lane for good, as an operator's
// command: they count as done, and later records of the lane run, as does one that
// ran when the lane was parked. It reports false where the lane is not parked. The change is durable after [Store.Sync].
func (p *Partition) DiscardParked(seen ParkedLane) (changed bool, err error) {
	err = p.change(func() error {
		key := laneKey(seen.Lane, seen.Offset)
		if seen.Lane.Own {
			if changed = p.own[seen.Offset] == nil && !p.freeing[seen.Offset]; changed {
				p.leaving = append(p.leaving, leaving{asideJob: asideJob{seen.Offset, Lane{Own: true}}, discard: true})
				p.changeParked(key, nil)
			}
			return nil
		}
		k := p.parked[seen.Lane.ID]
		if changed = k != nil && !k.Released; changed {
			running := int64(-1)
			if l := p.lanes[seen.Lane.ID]; l != nil { // all that a parked lane has in memory is a job that runs
				running = l.head().offset
			}
			p.leaving = append(p.leaving, leaving{asideJob: asideJob{running, Lane{ID: seen.Lane.ID}}, discard: true})
			p.unpark(seen.Lane.ID)
		} else if k != nil {
			return ErrLaneReleased
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("discard the jobs of lane %s of %s: %w", seen.Lane.Name, p.tp, err)
	}
	return changed, nil
}

// ErrLaneReleased means that a lane is not parked any more: its jobs run.
var ErrLaneReleased = errors.New("the lane is released: its jobs run")
