package bridgetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Crash lets the bridge end as kill -9 would, and starts another on what was on
// disk at that moment: a copy of the data directory. What only memory held is
// lost: outcomes not yet flushed, and whatever the bridge would still have
// committed, since from that moment Kafka takes no commit of it. Hooks of the
// old life may still be called, but for Durable, and what it makes durable in
// its own directory counts for nothing.
//
// A test cannot kill goroutines of its own process. Handlers that run see their
// contexts end, as at a stop, and no further one is called; what they go on to
// do, or have asked Kafka to write, is not undone. Neither is this a power cut:
// what was written counts, whether it was fsynced or not. The next life sees a
// crash of its process, as recovery's rules for jobs that kill it have it.
func (e *Env) Crash() {
	e.tb.Helper()
	l := e.running()
	refused := e.Broker.Fail(OffsetCommit, Always, sarama.ErrNotCoordinatorForConsumer)
	l.mu.Lock()
	l.dead = true
	l.mu.Unlock()
	dir := e.nextDir()
	if err := snapshot(e.dir, dir); err != nil {
		e.tb.Fatalf("copy the data directory: %v", err)
	}
	l.Abort()
	e.end()
	refused.Remove()
	e.seen.forgetHeld()
	e.begin(dir)
}

// snapshot copies the store and the slots as they are after some commit.
func snapshot(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	slots, err := os.ReadFile(filepath.Join(from, "SLOTS"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "SLOTS"), slots, 0o600); err != nil {
		return err
	}
	for range 1000 {
		store, err := readCommitted(filepath.Join(from, queue.FileName))
		if err == nil {
			return os.WriteFile(filepath.Join(to, queue.FileName), store, 0o600)
		}
		if !errors.Is(err, errCommitted) {
			return err
		}
	}
	return errors.New("it is never still")
}

var errCommitted = errors.New("a commit came meanwhile")

// readCommitted reads a bbolt file that is being written to. A transaction
// writes only pages that the last one does not use, and at its end one of the
// two meta pages: as long as these are the same, all that they refer to is.
func readCommitted(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	before, err := readMeta(file)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	after, err := readMeta(file)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(before, after) || !bytes.HasPrefix(content, before) {
		return nil, errCommitted
	}
	return content, nil
}

// readMeta reads the first two pages.
func readMeta(file *os.File) ([]byte, error) {
	header := make([]byte, 32) // of the page 16 bytes, then magic, version and page size
	if _, err := file.ReadAt(header, 0); err != nil {
		return nil, err
	}
	size := binary.NativeEndian.Uint32(header[24:])
	if size < 512 || size > 1<<20 {
		return nil, fmt.Errorf("page size %d", size)
	}
	pages := make([]byte, 2*size)
	_, err := file.ReadAt(pages, 0)
	return pages, err
}
