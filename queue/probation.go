package queue

import (
	"slices"
	"time"
)

// Suspect is what ran in one lane when the process crashed: its jobs with
// offsets from First to Last, both included.
type Suspect struct {
	TopicPartition
	Lane        Lane // without its name
	First, Last int64
}

// probation makes suspects run one at a time while all other jobs run as ever.
// Guarded by Store.mu.
type probation struct {
	suspects map[TopicPartition][]Suspect
	waiting  []*lane // whose head is a suspect; void where not in laneSuspect
	out      *lane   // whose head, a suspect, is with a worker; nil: none
}

// Probation makes the store hand out suspects one at a time: the one that the
// process was charged to least first, then the oldest. A suspect whose run ends
// otherwise than in Release is none any more. It is for a store of which
// nothing is attached yet, and ends with the last suspect or by EndProbation.
func (s *Store) Probation(suspects []Suspect) {
	if len(suspects) == 0 {
		return
	}
	b := &probation{suspects: map[TopicPartition][]Suspect{}}
	for _, x := range suspects {
		b.suspects[x.TopicPartition] = append(b.suspects[x.TopicPartition], x)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probation = b
}

// EndProbation lets the suspects that are left run as all other jobs do.
func (s *Store) EndProbation() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endProbation()
}

func (s *Store) endProbation() {
	b := s.probation
	if b == nil {
		return
	}
	s.probation = nil
	for _, l := range b.waiting {
		if l.state == laneSuspect {
			l.part.settle(l)
		}
	}
}

// Charge says how many crashes of the process count against a job, before its
// partition has a lease; less than are noted already change nothing. It reports
// false where the lane has no such job. The charge is durable after
// [Store.Sync], but that of a job which is still to be appended: it is then made
// with the record.
func (p *Partition) Charge(offset int64, in Lane, crashes int) (open bool, err error) {
	err = p.change(func() error {
		_, open = p.find(offset, in)
		switch {
		case open:
			p.charge(offset, crashes)
		case offset >= p.next: // the process died before it was on disk
			if p.charges == nil {
				p.charges = map[int64]int{}
			}
			p.charges[offset] = crashes
		}
		return nil
	})
	return open, err
}

func (p *Partition) charge(offset int64, crashes int) {
	if n := p.copyNote(offset); n.Crashes < crashes {
		n.Crashes = crashes
		p.note(offset, n)
	}
}

// find returns the place of the suspect among those of its partition.
func (b *probation) find(l *lane, offset int64) int {
	if b == nil {
		return -1
	}
	return slices.IndexFunc(b.suspects[l.part.tp], func(x Suspect) bool {
		return x.First <= offset && offset <= x.Last && x.Lane.Own == l.own && (l.own || x.Lane.ID == l.id)
	})
}

// hold makes a lane that could start wait for its turn if its head is a suspect.
func (b *probation) hold(l *lane) bool {
	if b.find(l, l.head().offset) < 0 {
		return false
	}
	l.become(laneSuspect)
	b.waiting = append(b.waiting, l)
	return true
}

// nextSuspect takes the suspect whose turn it is, where none is out.
func (s *Store) nextSuspect(now time.Time) *lane {
	b := s.probation
	if b.out != nil {
		return nil
	}
	b.waiting = slices.DeleteFunc(b.waiting, func(l *lane) bool { return l.state != laneSuspect })
	var best *lane
	for _, l := range b.waiting {
		if l.part.mayStart(now) && (best == nil || l.before(best)) {
			best = l
		}
	}
	if best == nil {
		return nil
	}
	b.out = best
	best.part.topic.begins(now)
	s.pace.take(now)
	return best
}

// before orders suspects: the innocent, who have fewer charges, are not to wait
// until the culprit has been given up.
func (l *lane) before(other *lane) bool {
	mine, theirs := l.part.crashes(l.head().offset), other.part.crashes(other.head().offset)
	if mine != theirs {
		return mine < theirs
	}
	return l.head().offset < other.head().offset
}

func (p *Partition) crashes(offset int64) int {
	if n := p.notes[offset]; n != nil {
		return n.Crashes
	}
	return 0
}

// wakeSuspects lets a caller of Take look at suspects that may start again.
func (s *Store) wakeSuspects() {
	if s.probation != nil {
		s.wake()
	}
}

// tried takes note of the end of a run while there are suspects. It comes
// before the lane is settled.
func (s *Store) tried(l *lane, offset int64, kind Kind) {
	b := s.probation
	if b.out != l {
		return
	}
	b.out = nil
	s.wake()
	if kind != Release && kind != Postpone {
		b.acquit(l.part.tp, b.find(l, offset), offset)
	}
	if len(b.suspects) == 0 {
		s.endProbation()
	}
}

// acquit ends the suspicion of a lane's jobs up to offset.
func (b *probation) acquit(tp TopicPartition, at int, offset int64) {
	if at < 0 {
		return
	}
	list := b.suspects[tp]
	if list[at].First = offset + 1; list[at].First > list[at].Last {
		list = slices.Delete(list, at, at+1)
	}
	if b.suspects[tp] = list; len(list) == 0 {
		delete(b.suspects, tp)
	}
}
