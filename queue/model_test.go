package queue

import (
	"cmp"
	"reflect"
	"slices"
	"time"
)

// The model is what a store has to be, in maps and slices: every partition is
// the list of its open jobs, and everything else follows from that.

// modelLane identifies a lane within a partition and scheme.
type modelLane struct {
	own bool
	id  uint64
}

func laneOf(r *Record) modelLane {
	if r.Lane.Own {
		return modelLane{true, uint64(r.Offset)}
	}
	return modelLane{false, r.Lane.ID}
}

// modelRun is a job that is out. Its lane is the one it was last started or
// adopted in.
type modelRun struct {
	job  *Job
	lane modelLane
	name Run
}

// modelPartition adds what memory knows beyond the file.
type modelPartition struct {
	modelFile
	tp       TopicPartition
	handle   *Partition
	attached bool
	lease    time.Time
	active   int // scheme whose jobs are in lanes
	runs     map[int64]*modelRun

	touched bool            // differs from what the last flush gathered
	pending *modelFile      // gathered by the flush under way
	reset   bool            // since the flush under way was gathered
	file    modelFile       // what a crash would leave
	durable int64           // what Frontier has to say
	asked   <-chan Progress // of Progress, for the next flush
	answer  <-chan Progress // for the one under way

	// The dead letters outlive what is decided about offsets: as they will be,
	// as the flush under way leaves them, and as the file has them.
	dead, deadFlying, deadFile []modelDead
	acts                       []modelAct // for the next flush
	burials                    uint64     // gathered so far
	burialsFile                uint64
}

// modelAct is a change to a dead letter, and what the store is to do.
type modelAct struct {
	number uint64
	kind   Kind // zero: it is sent
	store  *deadAct
}

func newModelPartition(tp TopicPartition) *modelPartition {
	empty := modelFile{next: -1, acked: -1}
	return &modelPartition{tp: tp, modelFile: empty, file: empty, durable: -1, runs: map[int64]*modelRun{}}
}

// GoString is what a failing run prints of a drawn partition.
func (p *modelPartition) GoString() string { return p.tp.String() }

// heads returns the first open job of every lane of the active scheme.
func (p *modelPartition) heads() map[modelLane]*modelJob {
	heads := map[modelLane]*modelJob{}
	for i := range p.jobs {
		j := &p.jobs[i]
		if l := laneOf(&j.rec); j.scheme == p.active && heads[l] == nil {
			heads[l] = j
		}
	}
	return heads
}

// owned says whether the outcome of a run counts: its job is the head of a
// lane. Otherwise Reset or SkipTo has forgotten it.
func (p *modelPartition) owned(offset int64) bool {
	j := p.job(offset)
	return p.runs[offset] != nil && j != nil && p.heads()[laneOf(&j.rec)] == j
}

// forget is due before jobs are dropped: runs that lose their job go on in the
// name of the lane that they are in now.
func (p *modelPartition) forget() {
	for offset, run := range p.runs {
		if p.owned(offset) {
			run.lane = laneOf(&p.job(offset).rec)
		}
	}
}

// promote turns to the next scheme once nothing of the active one is left.
func (p *modelPartition) promote() {
	for offset := range p.runs {
		if !p.owned(offset) {
			return
		}
	}
	if len(p.heads()) == 0 && len(p.jobs) > 0 {
		p.active = p.jobs[0].scheme
	}
}

func (p *modelPartition) halted() (n int) {
	for i := range p.jobs {
		if p.jobs[i].halted {
			n++
		}
	}
	return n
}

// held returns the lanes that wait for a run whose job is forgotten.
func (p *modelPartition) held() map[modelLane]bool {
	held := map[modelLane]bool{}
	for offset, run := range p.runs {
		if !p.owned(offset) && !run.lane.own {
			held[run.lane] = true
		}
	}
	return held
}

// startable returns the heads that may start at now.
func (p *modelPartition) startable(now time.Time) map[int64]*modelJob {
	jobs := map[int64]*modelJob{}
	if !p.attached || !now.Before(p.lease) {
		return jobs
	}
	held := p.held()
	for l, j := range p.heads() {
		if p.runs[j.rec.Offset] == nil && !held[l] && !j.halted && !j.due.After(now) {
			jobs[j.rec.Offset] = j
		}
	}
	return jobs
}

// finish applies an outcome and reports whether it counts.
func (p *modelPartition) finish(run *modelRun, o Outcome, now time.Time) bool {
	offset := run.job.Offset
	counts := p.owned(offset)
	delete(p.runs, offset)
	if counts {
		j := p.job(offset)
		switch o.Kind {
		case Done, Skipped:
			p.end(offset)
		case Snooze:
			j.due, j.guarded = o.Due, false
		case Retry, Halt:
			j.attempts, j.err, j.due, j.halted, j.guarded = run.job.Attempt, o.Error, o.Due, o.Kind == Halt, o.Guarded
			j.history = slices.Concat(j.history, []Attempt{{j.attempts, now, j.err}})
			if len(j.history) > 11 {
				j.history = slices.Delete(j.history, 1, 2)
			}
		}
		p.touched = true
	}
	p.promote()
	return counts
}

// seen is how the i-th open job stands.
func (p *modelPartition) seen(i int, now time.Time) Pending {
	j := &p.jobs[i]
	lane := laneOf(&j.rec)
	seen := Pending{Offset: j.rec.Offset, Lane: Lane{ID: lane.id, Own: lane.own}, Attempts: j.attempts, Error: j.err, After: -1, gen: p.handle.gen}
	seen.Guarded, seen.History = j.guarded, j.history
	head := p.heads()[lane]
	held := p.held()[lane]
	switch {
	case p.runs[j.rec.Offset] != nil:
		seen.State = Running
	case j.scheme != p.active:
		seen.State, seen.After, seen.later = Blocked, p.jobs[0].rec.Offset, true
	case head != j:
		seen.State, seen.After = Blocked, head.rec.Offset
	case j.halted:
		seen.State = Halted
	case held:
		seen.State = Blocked
	case j.due.After(now):
		seen.State, seen.Due = Retrying, j.due
		if j.attempts == 0 {
			seen.State = Delayed
		}
	default:
		seen.State = Ready
	}
	return seen
}

// samePending leaves out the lane id of an own lane, which says nothing.
func samePending(a, b Pending) bool {
	if a.Lane.Own && b.Lane.Own {
		a.Lane.ID = b.Lane.ID
	}
	due := a.Due.Equal(b.Due)
	a.Due = b.Due
	return due && reflect.DeepEqual(a, b)
}

// retry is an operator's command; refusal says why it changes nothing.
func (p *modelPartition) retry(seen Pending, reset bool, now time.Time) (changed bool, refusal error) {
	i, j := p.look(seen.Offset)
	if j == nil {
		return false, nil
	}
	switch state := p.seen(i, now).State; {
	case state == Blocked:
		return false, ErrJobBlocked
	case state == Running && reset:
		return false, ErrJobRunning
	case state == Running, state == Ready && (j.attempts == 0 || !reset):
		return false, nil
	}
	if j.attempts != seen.Attempts || j.halted != (seen.State == Halted) {
		return false, ErrJobChanged
	}
	j.due, j.halted, j.guarded = time.Time{}, false, false
	if reset {
		j.attempts, j.err, j.history = 0, "", nil
	}
	return true, nil
}

func (p *modelPartition) skip(seen Pending, now time.Time) (changed bool, refusal error) {
	if changed, refusal = p.canEnd(seen, now); changed {
		p.end(seen.Offset)
		p.promote()
	}
	return changed, refusal
}

func (p *modelPartition) canEnd(seen Pending, now time.Time) (open bool, refusal error) {
	i, j := p.look(seen.Offset)
	switch {
	case j == nil:
		return false, nil
	case p.seen(i, now).State == Running:
		return false, ErrJobRunning
	case j.attempts != seen.Attempts || j.halted != (seen.State == Halted):
		return false, ErrJobChanged
	}
	return true, nil
}

// bury makes a dead letter of an open job.
func (p *modelPartition) bury(l modelDead) {
	l.topicID = p.topicID
	p.dead = append(p.dead, l)
	p.remove(l.rec.Offset)
	put(&p.buried, l.rec.Offset, true)
	p.promote()
}

func (p *modelPartition) buryJob(seen Pending, reason string, now time.Time) (changed bool, refusal error) {
	_, j := p.look(seen.Offset)
	if j == nil {
		return false, nil
	}
	l := modelDead{rec: j.rec, buried: now, operator: true, reason: reason, attempts: j.attempts, err: j.err}
	if changed, refusal = p.canEnd(seen, now); changed {
		p.bury(l)
	}
	return changed, refusal
}

// gatherDead gives the burials their numbers and carries the acts out. It
// returns what the store has to tell.
func (p *modelPartition) gatherDead(policy DeadPolicy) (told []Durable) {
	for i := range p.dead {
		if p.dead[i].number == 0 {
			p.burials++
			p.dead[i].number, p.dead[i].unsent = p.burials, policy.Outbox
		}
	}
	for _, a := range p.acts {
		i := slices.IndexFunc(p.dead, func(l modelDead) bool { return l.number == a.number })
		switch {
		case i < 0:
		case a.kind == 0:
			p.dead[i].unsent = false
		default:
			told = append(told, Durable{p.tp, p.dead[i].rec.Offset, a.kind, p.dead[i].attempts})
			p.dead = slices.Delete(slices.Clone(p.dead), i, i+1)
		}
	}
	p.acts = nil
	return told
}

// oldest returns the place of the letter that expires first, or -1.
func (p *modelPartition) oldest() int {
	first := -1
	for i, l := range p.dead {
		if first < 0 || cmp.Or(l.buried.Compare(p.dead[first].buried), cmp.Compare(l.number, p.dead[first].number)) < 0 {
			first = i
		}
	}
	return first
}

func (p *modelPartition) look(offset int64) (int, *modelJob) {
	i := slices.IndexFunc(p.jobs, func(j modelJob) bool { return j.rec.Offset == offset })
	if i < 0 {
		return 0, nil
	}
	return i, &p.jobs[i]
}

// reload is what a start makes of the file.
func (p *modelPartition) reload() {
	p.modelFile = p.file.clone()
	p.handle, p.attached, p.lease = nil, false, time.Time{}
	p.runs = map[int64]*modelRun{}
	p.touched, p.pending, p.reset = false, nil, false
	p.asked, p.answer = nil, nil
	p.dead, p.deadFlying, p.acts = slices.Clone(p.deadFile), nil, nil
	p.burials = p.burialsFile
	p.durable = -1
	if p.known {
		p.durable = p.frontier()
	}
	p.active = p.scheme
	if len(p.jobs) > 0 {
		p.active = p.jobs[0].scheme
	}
}
