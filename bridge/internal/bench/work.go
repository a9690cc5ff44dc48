package bench

import (
	"encoding/binary"
	"strconv"
	"time"
)

// A record's value begins with its sequence number in the topic, the number of
// its key, and when it was due to be sent (Unix nanoseconds; 0: not measured).
const valueHeader = 8 + 4 + 8

func putValue(value []byte, sequence int64, key int, sent time.Time) {
	binary.LittleEndian.PutUint64(value, uint64(sequence))
	binary.LittleEndian.PutUint32(value[8:], uint32(key))
	var nanos int64
	if !sent.IsZero() {
		nanos = sent.UnixNano()
	}
	binary.LittleEndian.PutUint64(value[12:], uint64(nanos))
}

func keyBytes(key int) []byte { return strconv.AppendInt([]byte("key-"), int64(key), 10) }

// Work is what the handler of every system does with a record.
type Work struct {
	Sleep time.Duration // how long a job takes; 0: nothing at all
	Stuck int           // keys numbered below this one never finish; needs Sleep
	Tally bool          // marks each record that was finished
}

// perform is what a handler does; Runner.java has the same.
func (w Work) perform(b *board, value []byte) {
	if sent := int64(binary.LittleEndian.Uint64(value[12:])); sent != 0 {
		b.addLatency(time.Since(time.Unix(0, sent)))
	}
	if w.Sleep > 0 {
		start := time.Now()
		if int(binary.LittleEndian.Uint32(value[8:])) < w.Stuck {
			select {} // until the kill
		}
		time.Sleep(w.Sleep)
		b.addBusy(time.Since(start))
	}
	if w.Tally {
		b.mark(int64(binary.LittleEndian.Uint64(value)))
	}
	b.finish()
}
