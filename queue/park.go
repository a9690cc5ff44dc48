package queue

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// A parked lane is set aside: its jobs are in the bucket aside, later ones go
// there at the flush that would have stored them, and none is in memory. Once
// released, its jobs run as aside jobs in the order of their offsets, and
// the lane is forgotten with the last of them.

// MaxParked bounds the parked lanes of a partition, lanes of a single record
// apart: the metadata of a commit has to name each of them, so that another
// owner does not run their later records.
const MaxParked = 256

// Why a lane is not parked or released. Nothing was changed.
var (
	// ErrTooManyParked means that the partition has [MaxParked] parked lanes, or
	// fewer where [Partition.LimitParked] said so.
	ErrTooManyParked = errors.New("its partition has too many parked lanes")
	// ErrJobParked means that the lane of the job is parked.
	ErrJobParked = errors.New("its lane is parked")
)

// parkedLane is a lane that is parked, or released and not yet through. Guarded
// by Store.mu.
type parkedLane struct {
	parkedValue // as the file is to have it; its counts are those of the last flush
	// left counts the lane's aside jobs in memory, once they are there.
	left   int
	loaded bool // Released: they are
	round  int  // counts releases: a flush begun before the last one must not load
}

// leaving is a job on its way to the bucket aside.
type leaving struct {
	asideJob
	note    *noteValue
	stays   bool // it is there already; only its note is new
	discard bool // the jobs of its lane, up to here, are removed
	// checkpoint is what the file does not have yet.
	checkpoint []byte
	rec        *Record // nil: the body is in a block
	scheme     uint16
	from       *chunk // counted by the budgets until it is there
	body       []byte // rec encoded
	row        row    // of body
}

// holdsBack keeps a lane from going on that is parked, or released and not loaded.
func (p *Partition) holdsBack(l *lane) bool {
	k := p.parked[l.id]
	switch {
	case k == nil || l.own:
		return false
	case !k.Released:
		p.setLaneAside(l, false)
		return true
	case !k.loaded:
		l.become(laneHeld)
		return true
	}
	return false
}

// parkedBefore reports whether a lane of an older scheme is parked: its jobs are
// to run before those of the newer one.
func (p *Partition) parkedBefore(scheme uint16) bool {
	for _, k := range p.parked {
		if k.Scheme < scheme {
			return true
		}
	}
	return false
}

// parks returns the lane if it is parked, or nil.
func (p *Partition) parks(id uint64) *parkedLane {
	if k := p.parked[id]; k != nil && !k.Released {
		return k
	}
	return nil
}

// parkRun parks the lane of l after a run of its head, which goes aside with its
// note.
func (p *Partition) parkRun(l *lane, j *Job, o *Outcome, now time.Time) {
	n := p.noteAfter(j, o, now)
	p.note(j.Offset, n)
	l.sortHead()
	v := parkedValue{Name: slices.Clone(j.Lane.Name), Offset: j.Offset, Since: now.UnixNano(), Scheme: p.active, Reason: n.Error}
	p.park(l, v, false)
	p.promote()
}

// park parks the lane of l. A head that runs stays until its run ends.
func (p *Partition) park(l *lane, v parkedValue, running bool) {
	if l.own {
		offset := l.head().offset
		p.changeParked(laneKey(l.name(), offset), &v)
		p.setAside(l.head(), l.name(), p.active)
		p.drop(l)
		return
	}
	p.keepParked(l.id, v)
	p.setLaneAside(l, running)
}

// keepParked parks a lane, or parks one again that was released.
func (p *Partition) keepParked(id uint64, v parkedValue) {
	k := p.parkedLane(id)
	v.Jobs, v.Bytes = k.Jobs, k.Bytes
	if len(v.Name) == 0 {
		v.Name = k.Name
	}
	v.Elsewhere = k.Elsewhere
	k.parkedValue, k.left, k.loaded = v, 0, false
	p.rewriteParked(id)
}

func (p *Partition) parkedLane(id uint64) *parkedLane {
	if p.parked == nil {
		p.parked = map[uint64]*parkedLane{}
	}
	k := p.parked[id]
	if k == nil {
		k = &parkedLane{}
		p.parked[id] = k
	}
	return k
}

// rewriteParked lets the next flush write what is known of a lane.
func (p *Partition) rewriteParked(id uint64) {
	v := p.parked[id].parkedValue
	p.changeParked(laneKey(Lane{ID: id}, 0), &v)
}

// changeParked lets the next flush replace a line of the parked lanes; nil
// removes it.
func (p *Partition) changeParked(key []byte, v *parkedValue) {
	if p.parkedChanges == nil {
		p.parkedChanges = map[string]*parkedValue{}
	}
	p.parkedChanges[string(key)] = v
	p.parkedVersion++
	p.touch()
}

// setLaneAside sets the jobs of l aside, but for a head that runs.
func (p *Partition) setLaneAside(l *lane, running bool) {
	keep := 0
	if running {
		keep = 1
	}
	for _, e := range l.jobs[keep:] {
		p.setAside(e, l.name(), p.active)
	}
	clear(l.jobs[keep:])
	if l.jobs = l.jobs[:keep]; keep == 0 {
		p.drop(l)
	}
}

// setAside takes a job out of its lane and lets the next flush put it into the
// bucket aside.
func (p *Partition) setAside(e entry, name Lane, scheme uint16) {
	job := leaving{asideJob: asideJob{e.offset, name}, stays: e.aside(), scheme: scheme, from: e.from}
	attempts := 0
	if n := p.notes[e.offset]; n != nil {
		job.note = p.copyNote(e.offset)
		job.note.Due, job.note.Delay, job.note.Halted = 0, 0, false
		attempts = n.Attempts
		if c, unsaved := p.checkpoints[e.offset]; unsaved && !e.aside() {
			job.checkpoint = c.data
			delete(p.checkpoints, e.offset)
		}
		p.takeNote(e.offset)
	}
	if e.aside() {
		p.asideJobs--
		delete(p.touched, e.offset) // it has its note with it
	} else {
		if rec := e.from.at(e.offset); rec != nil {
			own := *rec // the chunk forgets those of finished jobs
			job.rec = &own
			job.scheme = e.from.scheme
		}
		p.open.remove(e.offset)
		p.activeOpen--
		if e.offset < p.stored {
			p.done = append(p.done, e.offset)
		}
		if k := p.parked[name.ID]; k != nil && !name.Own && len(k.Name) == 0 && job.rec != nil && len(job.rec.Lane.Name) > 0 {
			k.Name = slices.Clone(job.rec.Lane.Name)
			p.rewriteParked(name.ID)
		}
	}
	if name.Own {
		delete(p.own, e.offset)
	}
	p.leaving = append(p.leaving, job)
	p.asideEnd = max(p.asideEnd, e.offset+1)
	p.touch()
	p.report(e.offset, Park, attempts)
}

// report tells of an outcome that the next flush makes durable.
func (p *Partition) report(offset int64, kind Kind, attempts int) {
	p.store.gathering.add(p.store.clock)
	p.tells(offset, kind, attempts)
}

// full reports whether the lane cannot be parked because too many are.
func (p *Partition) full(l *lane) bool {
	return !l.own && p.parked[l.id] == nil && len(p.parked) >= p.maxParked
}

// ParkedRoom is how many more lanes, those of a single record apart, can be parked.
func (p *Partition) ParkedRoom() int {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return max(0, p.maxParked-len(p.parked))
}

// LimitParked says how many parked lanes the metadata of a commit can name, at
// most [MaxParked]. Lanes that are parked already stay so.
func (p *Partition) LimitParked(n int) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	p.maxParked = min(n, MaxParked)
}

// Park sets the lane of a job aside, with all of its jobs but one that runs, as
// an operator's command. It reports false where it is parked, or the job
// finished, already. The change is durable after [Store.Sync].
func (p *Partition) Park(seen Pending, reason string) (changed bool, err error) {
	rec, _, err := p.Record(seen.Offset)
	if err == nil || errors.As(err, new(*DamageError)) {
		changed, err = p.parkSeen(seen, rec.Lane.Name, reason)
	}
	if err != nil {
		return false, fmt.Errorf("park the lane of %s@%d: %w", p.tp, seen.Offset, err)
	}
	return changed, nil
}

func (p *Partition) parkSeen(seen Pending, name []byte, reason string) (changed bool, err error) {
	s := p.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := p.usable(); err != nil {
		return false, err
	}
	if p.gen != seen.gen {
		return false, ErrJobChanged
	}
	w, ok := p.find(seen.Offset, seen.Lane)
	if !ok {
		return false, nil
	}
	if needed, err := p.describe(w, seen.Offset, seen.Lane).CanPark(); !needed || err != nil {
		return false, err
	}
	if p.full(w.lane) {
		return false, ErrTooManyParked
	}
	v := parkedValue{Name: name, Offset: -1, Since: s.clock.Now().UnixNano(), Scheme: p.active, Reason: cut(reason, MaxError)}
	p.park(w.lane, v, w.lane.state == laneRunning)
	p.promote()
	return true, nil
}

// CanPark tells whether [Partition.Park] would change the lane of the job, or why
// it refuses that.
func (j Pending) CanPark() (needed bool, err error) {
	switch {
	case j.later: // jobs of an older scheme come first
		return true, ErrJobBlocked
	case j.State == Running && j.Lane.Own:
		return true, ErrJobRunning
	}
	return j.State != Parked && !j.alone, nil
}
