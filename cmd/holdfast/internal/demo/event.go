package demo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

type kind uint8

const (
	started  kind = iota + 1 // the handler was called
	finished                 // it is about to return without an error
	durable                  // its completion has been fsynced
)

// event is what the worker tells about one job.
type event struct {
	kind      kind
	partition int32
	offset    int64
	took      time.Duration // finished: how long the handler worked
}

// eventSize is the fixed width of an encoded event. Each event, or each batch of
// them, is one write: what a killed process has written is complete up to the last
// event at most.
const eventSize = 1 + 4 + 8 + 8

func (e event) append(b []byte) []byte {
	b = append(b, byte(e.kind))
	b = binary.BigEndian.AppendUint32(b, uint32(e.partition))
	b = binary.BigEndian.AppendUint64(b, uint64(e.offset))
	return binary.BigEndian.AppendUint64(b, uint64(e.took))
}

func decode(b []byte) (event, error) {
	e := event{
		kind:      kind(b[0]),
		partition: int32(binary.BigEndian.Uint32(b[1:])),
		offset:    int64(binary.BigEndian.Uint64(b[5:])),
		took:      time.Duration(binary.BigEndian.Uint64(b[13:])),
	}
	if e.kind < started || e.kind > durable {
		return event{}, fmt.Errorf("unknown event %d", b[0])
	}
	return e, nil
}

// readEvents hands the events of r to see until r ends. An event that is cut off was
// being written when the process was killed: what it tells had not begun to count.
func readEvents(r io.Reader, see func(...event)) error {
	var b [eventSize]byte
	for {
		if _, err := io.ReadFull(r, b[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read events of the worker: %w", err)
		}
		e, err := decode(b[:])
		if err != nil {
			return fmt.Errorf("read events of the worker: %w", err)
		}
		see(e)
	}
}
