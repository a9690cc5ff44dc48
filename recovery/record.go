package recovery

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// The record of a life is one sector of the slot file, written at once before
// the first job runs. Only the last three change afterwards, in memory, each by
// one store. Numbers are big-endian:
//
//	0   4 bytes  CRC-32C of bytes 4 to 64
//	4   1 byte   version: 1
//	5   3 bytes  zero
//	8   8 bytes  the life: the store's epoch
//	16  8 bytes  crashes in a row before it
//	24  40 bytes boot id as text, padded with zeroes
//	64  8 bytes  "running ", or "stopping": what happens now is no crash
//	72  8 bytes  "settled " once it has lived LivedFor, else zeroes
//	80  8 bytes  alive: nanoseconds since the life began, at the last beat
const (
	recordAt      = 1024
	recordSize    = 512
	recordVersion = 1
	recordSealed  = 64 // bytes that do not change
	phaseAt       = 64
	settledAt     = 72
	aliveAt       = 80

	wordRunning  = "running "
	wordStopping = "stopping"
	wordSettled  = "settled "
)

// record is what is known of one life of the process.
type record struct {
	life    uint64
	crashes uint64 // in a row, before it
	boot    string
	phase   string
	settled bool
	alive   time.Duration
}

func (r record) encode() []byte {
	b := make([]byte, recordSize)
	b[4] = recordVersion
	binary.BigEndian.PutUint64(b[8:], r.life)
	binary.BigEndian.PutUint64(b[16:], r.crashes)
	copy(b[24:recordSealed], r.boot)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:recordSealed], castagnoli))
	copy(b[phaseAt:], r.phase)
	if r.settled {
		copy(b[settledAt:], wordSettled)
	}
	binary.BigEndian.PutUint64(b[aliveAt:], uint64(r.alive))
	return b
}

// decodeRecord reports false where there is none that this version can read:
// in a new file, in one of an older version, or after damage.
func decodeRecord(b []byte) (r record, ok bool) {
	if b[4] != recordVersion || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:recordSealed], castagnoli) {
		return record{}, false
	}
	return record{
		life:    binary.BigEndian.Uint64(b[8:]),
		crashes: binary.BigEndian.Uint64(b[16:]),
		boot:    string(bytes.TrimRight(b[24:recordSealed], "\x00")),
		phase:   string(b[phaseAt : phaseAt+len(wordRunning)]),
		settled: string(b[settledAt:settledAt+len(wordSettled)]) == wordSettled,
		alive:   time.Duration(binary.BigEndian.Uint64(b[aliveAt:])),
	}, true
}
