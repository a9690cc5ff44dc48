package recovery

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Life notes in the slot file what this process runs, so that the next one
// finds which jobs ran when it crashed. A process that dies loses nothing of
// it, and nothing of it is fsynced: after a power cut it is void anyway.
type Life struct {
	id      uint64    // the store's epoch
	began   time.Time // by the clock that Begin, Beat and Slot.Note are given
	crashes int
	crashed bool // the life before this one
	ended   atomic.Bool
	head    []byte // the record, in the first of sheets

	mu       sync.Mutex // guards all below, and the content of slots in suspects
	file     *os.File   // of the opened store
	sheets   []*sheet
	slots    int                 // of all sheets
	free     []*Slot             // not in use
	suspects map[suspectID]*Slot // kept from earlier lives
	notes    map[suspectID]*note // what these hold
}

// Suspect is a job that ran when the process crashed, and has not run to its
// end since.
type Suspect struct {
	queue.Suspect
	// Crashes are those that are to count against the job, see
	// [queue.Partition.Charge]; 0: none that its note does not know.
	Crashes int
}

// Begin starts to note what this process runs, and judges what the one before
// has left. It is to be called once, before the first job runs; offline
// commands do not call it. now is the time of jobs.
func (o *Opened) Begin(now time.Time) (*Life, error) {
	return o.begin(now, bootID())
}

func (o *Opened) begin(now time.Time, boot string) (*Life, error) {
	l := &Life{id: o.Store.Identity().Epoch, began: now, file: o.slots.file}
	if err := l.begin(boot); err != nil {
		return nil, fmt.Errorf("find out what ran before: %w", err)
	}
	o.life = l
	return l, nil
}

// begin keeps the suspects where they are noted and clears the rest, then
// writes the record of this life: one that is cut off before judges the same.
func (l *Life) begin(boot string) error {
	slots, err := l.mapSheets()
	if err != nil {
		return err
	}
	var v verdict
	var notes []note
	at := map[suspectID][]*Slot{}
	for _, s := range slots {
		if n, ok := decodeSlot(s.bytes); ok {
			notes = append(notes, n)
			at[n.id()] = append(at[n.id()], s)
		}
	}
	l.head = l.sheets[0].memory[recordAt : recordAt+recordSize]
	if before, ok := decodeRecord(l.head); ok {
		v = judge(before, boot, notes)
	}
	l.crashes, l.crashed = int(v.crashes), v.crashed
	l.keep(v.suspects, at)
	l.clear(slots)
	fresh := record{life: l.id, crashes: v.crashes, boot: boot, phase: wordRunning}
	if _, err := l.file.WriteAt(fresh.encode(), recordAt); err != nil {
		return fmt.Errorf("write %s: %w", l.file.Name(), err)
	}
	return nil
}

func (l *Life) mapSheets() (slots []*Slot, err error) {
	info, err := l.file.Stat()
	if err != nil {
		return nil, err
	}
	for i := range int(info.Size() / sheetSize) {
		s, err := mapSheet(l.file, i)
		if err != nil {
			return nil, err
		}
		slots = append(slots, l.take(s)...)
	}
	return slots, nil
}

// take makes the slots of a sheet known to l.
func (l *Life) take(s *sheet) (slots []*Slot) {
	for _, bytes := range s.slots(len(l.sheets)) {
		slots = append(slots, &Slot{life: l, sheet: s, bytes: bytes})
	}
	l.sheets = append(l.sheets, s)
	l.slots += len(slots)
	return slots
}

// keep notes each suspect in one of the slots that it was found in.
func (l *Life) keep(suspects []note, at map[suspectID][]*Slot) {
	l.suspects, l.notes = map[suspectID]*Slot{}, map[suspectID]*note{}
	for i := range suspects {
		n := &suspects[i]
		s := at[n.id()][0]
		n.encode(s.bytes)
		l.suspects[n.id()], l.notes[n.id()] = s, n
	}
}

// clear empties all slots but those of suspects.
func (l *Life) clear(slots []*Slot) {
	kept := map[*Slot]bool{}
	for _, s := range l.suspects {
		kept[s] = true
	}
	for _, s := range slots {
		if !kept[s] {
			clearSlot(s.bytes)
			l.free = append(l.free, s)
		}
	}
	slices.Reverse(l.free) // the first is used first
}

// Crashes is how often in a row the process has crashed before this life, and
// whether the last life was one of them.
func (l *Life) Crashes() (inARow int, lately bool) { return l.crashes, l.crashed }

// enough crashes in a row make suspects run one at a time.
const enough = 2

// Probation returns the jobs that are to run one at a time, if any.
func (l *Life) Probation() (list []Suspect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.crashes < enough {
		return nil
	}
	for _, n := range l.notes {
		s := Suspect{Suspect: n.Suspect}
		if n.flags&flagCharge != 0 {
			s.Crashes = int(n.crashes)
		}
		list = append(list, s)
	}
	return list
}

// Charged says that the crashes are counted against the suspect, durably.
func (l *Life) Charged(x Suspect) {
	l.revise(x.Suspect, func(n *note) bool {
		n.flags &^= flagCharge
		return true
	})
}

// Acquit says that a run of a suspect has ended while the process lives: all
// jobs of its note up to offset are suspects no more.
func (l *Life) Acquit(tp queue.TopicPartition, lane queue.Lane, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, n := range l.notes {
		if id.TopicPartition != tp || offset < n.First || n.Last < offset || n.Lane.Own != lane.Own || !lane.Own && n.Lane.ID != lane.ID {
			continue
		}
		s := l.forget(id)
		if n.First = offset + 1; n.First > n.Last {
			l.free = append(l.free, s)
			continue
		}
		n.flags &^= flagCharge
		n.encode(s.bytes)
		l.suspects[n.id()], l.notes[n.id()] = s, n
	}
}

// forget clears the slot of a suspect and returns it. It needs mu.
func (l *Life) forget(id suspectID) *Slot {
	s := l.suspects[id]
	delete(l.suspects, id)
	delete(l.notes, id)
	clearSlot(s.bytes)
	return s
}

// revise changes the note of a suspect that there still is.
func (l *Life) revise(x queue.Suspect, change func(*note) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := (&note{Suspect: x}).id()
	if n := l.notes[id]; n != nil && change(n) {
		n.encode(l.suspects[id].bytes)
	}
}

// Slot returns a slot for a worker, with room made on the disk if need be. A
// nil Life has none.
func (l *Life) Slot() (*Slot, error) {
	if l == nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) == 0 {
		s, err := addSheet(l.file, len(l.sheets))
		if err != nil {
			return nil, err
		}
		l.free = l.take(s)
		slices.Reverse(l.free)
	}
	last := len(l.free) - 1
	s := l.free[last]
	l.free = l.free[:last]
	return s, nil
}

// maxSpare bounds the slots that are in use while Spare gives out more.
const maxSpare = 4096

// Spare is Slot for a run that no worker waits for: of those there may be very
// many. It returns nil where there are too many, or there is no room.
func (l *Life) Spare() *Slot {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	crowded := l.slots-len(l.free) >= maxSpare
	l.mu.Unlock()
	if crowded {
		return nil
	}
	s, err := l.Slot()
	if err != nil {
		return nil
	}
	return s
}

// Release takes a slot back that nobody notes in any more.
func (l *Life) Release(s *Slot) {
	if s == nil {
		return
	}
	s.Clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, s)
}

// Beat notes that the process lives; how long a job had run when it died is
// known as exactly as the beats are frequent.
func (l *Life) Beat(now time.Time) {
	if l.ended.Load() {
		return
	}
	binary.BigEndian.PutUint64(l.head[aliveAt:], uint64(now.Sub(l.began)))
}

// Settle says that the process has lived for [LivedFor] since it could run
// jobs: there are no suspects any more, and a later crash is the first of a row.
func (l *Life) Settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.notes {
		l.free = append(l.free, l.forget(id))
	}
	l.say(settledAt, wordSettled)
}

// Stopping says that the process is about to end as planned, or because its
// store failed: what happens from now on is no crash.
func (l *Life) Stopping() { l.say(phaseAt, wordStopping) }

// say changes one word of the record.
func (l *Life) say(at int, word string) {
	if !l.ended.Load() {
		copy(l.head[at:], word)
	}
}

// end is the last of l: another life may begin on the same file, while workers
// that were left behind still have their slots.
func (l *Life) end() { l.ended.Store(true) }
