package bench

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// board is where a measured process counts: a file that it and the benchmark
// map, so that counting costs an atomic addition, looking costs the measured
// process nothing, and a kill loses no count. Java writes it too
// (testdata/bench/Runner.java); all numbers are little-endian 64-bit integers.
//
//	0    records finished
//	8    time spent in handlers, in nanoseconds
//	64   latencies: so many records per bucket of 50 µs; the last takes the rest
//	...  tally: a byte per record of the topic, how often it was finished
type board struct {
	mem []byte
}

const (
	slotFinished  = 0
	slotBusy      = 8
	slotLatencies = 64
	buckets       = 100_000
	bucketWidth   = 50 * time.Microsecond
	slotTally     = slotLatencies + buckets*8
)

func createBoard(path string, records int) (*board, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the board: %w", err)
	}
	defer f.Close()
	if err := f.Truncate(int64(slotTally + records)); err != nil {
		return nil, fmt.Errorf("create the board: %w", err)
	}
	return mapBoard(f)
}

func openBoard(path string) (*board, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the board: %w", err)
	}
	defer f.Close()
	return mapBoard(f)
}

func mapBoard(f *os.File) (*board, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("map the board: %w", err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the board: %w", err)
	}
	return &board{mem: mem}, nil
}

func (b *board) close() error { return unix.Munmap(b.mem) }

// slot needs an offset that is a multiple of 8; the mapping starts at a page.
func (b *board) slot(at int) *int64 { return (*int64)(unsafe.Pointer(&b.mem[at])) }

func (b *board) finish()         { atomic.AddInt64(b.slot(slotFinished), 1) }
func (b *board) finished() int64 { return atomic.LoadInt64(b.slot(slotFinished)) }

func (b *board) addBusy(d time.Duration) { atomic.AddInt64(b.slot(slotBusy), int64(d)) }
func (b *board) busy() time.Duration     { return time.Duration(atomic.LoadInt64(b.slot(slotBusy))) }

func (b *board) addLatency(d time.Duration) {
	bucket := int(min(max(d/bucketWidth, 0), buckets-1))
	atomic.AddInt64(b.slot(slotLatencies+bucket*8), 1)
}

// latency returns the upper end of the bucket that the share q of all counted
// latencies does not exceed, and how many were counted.
func (b *board) latency(q float64) (time.Duration, int64) {
	var total int64
	for i := range buckets {
		total += atomic.LoadInt64(b.slot(slotLatencies + i*8))
	}
	var below int64
	for i := range buckets {
		below += atomic.LoadInt64(b.slot(slotLatencies + i*8))
		if total > 0 && float64(below) >= q*float64(total) {
			return time.Duration(i+1) * bucketWidth, total
		}
	}
	return 0, total
}

// mark counts a record in the tally. A record runs once at a time, so nobody
// else writes its byte.
func (b *board) mark(sequence int64) { b.mem[slotTally+sequence]++ }

// tally returns how many records were finished at least once, and how many
// times one was finished again.
func (b *board) tally() (distinct, again int64) {
	for _, n := range b.mem[slotTally:] {
		if n > 0 {
			distinct++
			again += int64(n) - 1
		}
	}
	return distinct, again
}
