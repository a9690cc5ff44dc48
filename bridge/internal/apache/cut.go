package apache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// CutLog drops what a partition's log holds from the first batch on that begins
// at or above offset, as the election of a leader does that had not all of it.
// The broker must have been killed: it then looks at its logs again. A log that
// has more than one segment is not cut.
func (b *Broker) CutLog(tb testing.TB, topic string, partition int32, offset int64) {
	tb.Helper()
	if b.process != nil {
		tb.Fatal("cut a log: the broker is running")
	}
	path := filepath.Join(b.dir, "data", fmt.Sprintf("%s-%d", topic, partition), fmt.Sprintf("%020d.log", 0))
	if err := cutSegment(path, offset); err != nil {
		tb.Fatalf("cut the log of %s/%d at %d: %v", topic, partition, offset, err)
	}
}

func cutSegment(path string, offset int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for at := int64(0); ; {
		var head [12]byte // offset of the first record, length of what follows
		if _, err := f.ReadAt(head[:], at); errors.Is(err, io.EOF) {
			return fmt.Errorf("no batch begins there, the log ends")
		} else if err != nil {
			return err
		}
		if int64(binary.BigEndian.Uint64(head[:])) >= offset {
			return os.Truncate(path, at)
		}
		at += int64(len(head)) + int64(binary.BigEndian.Uint32(head[8:]))
	}
}
