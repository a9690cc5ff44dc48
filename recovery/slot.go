package recovery

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// A slot says what one worker runs. All zeroes: nothing. Numbers are
// big-endian:
//
//	0   4 bytes  CRC-32C of the rest up to the topic's end
//	4   1 byte   length of the topic
//	5   1 byte   flags
//	6   2 bytes  crashes of the process that count against the first job
//	8   8 bytes  the life that the run began in
//	16  8 bytes  offset of the first job
//	24  8 bytes  offset of the last one: a batch holds several of one lane
//	32  8 bytes  lane id
//	40  8 bytes  nanoseconds from the life's begin to the run's
//	48  4 bytes  partition
//	52           topic
//
// A slot that is half written says nothing, and rightly so: its worker was
// between two runs.
const (
	slotSize   = 320 // five cache lines: workers do not share any
	slotHeader = 52
	maxTopic   = slotSize - slotHeader
)

const (
	flagOwn       = 1 << iota // a lane of one record: its id says nothing
	flagProbation             // the run is the one on probation
	flagSuspect               // kept from an earlier life
	flagCharge                // its crashes are more than were noted when it ran
)

// note is the content of a slot.
type note struct {
	queue.Suspect
	flags   byte
	crashes uint16
	life    uint64
	began   time.Duration // since the life began
}

func (n *note) encode(b []byte) {
	_ = b[slotSize-1] // one check for all
	b[4], b[5] = byte(len(n.Topic)), n.flags
	binary.BigEndian.PutUint16(b[6:], n.crashes)
	binary.BigEndian.PutUint64(b[8:], n.life)
	binary.BigEndian.PutUint64(b[16:], uint64(n.First))
	binary.BigEndian.PutUint64(b[24:], uint64(n.Last))
	binary.BigEndian.PutUint64(b[32:], n.Lane.ID)
	binary.BigEndian.PutUint64(b[40:], uint64(n.began))
	binary.BigEndian.PutUint32(b[48:], uint32(n.Partition))
	end := slotHeader + copy(b[slotHeader:], n.Topic)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:end], castagnoli))
}

// decodeSlot reports false for a slot that says nothing.
func decodeSlot(b []byte) (n note, ok bool) {
	end := slotHeader + int(b[4])
	if b[4] == 0 || end > slotSize || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:end], castagnoli) {
		return note{}, false
	}
	n = note{
		flags: b[5], crashes: binary.BigEndian.Uint16(b[6:]),
		life:  binary.BigEndian.Uint64(b[8:]),
		began: time.Duration(binary.BigEndian.Uint64(b[40:])),
	}
	n.Topic, n.Partition = string(b[slotHeader:end]), int32(binary.BigEndian.Uint32(b[48:]))
	n.First, n.Last = int64(binary.BigEndian.Uint64(b[16:])), int64(binary.BigEndian.Uint64(b[24:]))
	n.Lane = queue.Lane{ID: binary.BigEndian.Uint64(b[32:]), Own: n.flags&flagOwn != 0}
	return n, true
}

// clearSlot is one store, so that a job that has ended is no suspect.
func clearSlot(b []byte) { binary.BigEndian.PutUint64(b, 0) }

// Slot is where one worker notes what it runs. It is for one goroutine at a
// time. A nil Slot notes nothing.
type Slot struct {
	life  *Life
	sheet *sheet // keeps memory mapped
	bytes []byte
}

// Note says that a run of the job begins; last is the offset of the last job of
// its batch, or its own. It is complete on return, whatever happens to the
// process.
func (s *Slot) Note(job *queue.Job, last int64, began time.Time) {
	if s == nil || s.life.ended.Load() || len(job.Topic) > maxTopic {
		return
	}
	n := note{life: s.life.id, began: began.Sub(s.life.began), crashes: uint16(min(job.Crashes, math.MaxUint16-1))}
	n.Topic, n.Partition = job.Topic, job.Partition
	n.First, n.Last = job.Offset, last
	n.Lane.ID = job.Lane.ID
	if job.Lane.Own {
		n.flags |= flagOwn
	}
	if job.Suspect {
		n.flags |= flagProbation
	}
	n.encode(s.bytes)
}

// Clear says that the run has ended.
func (s *Slot) Clear() {
	if s == nil || s.life.ended.Load() {
		return
	}
	clearSlot(s.bytes)
}
