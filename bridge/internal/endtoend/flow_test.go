package endtoend

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// note is one line about a partition: a member took it, gave it up, let it stand
// still while it kept it, or went on with it after it had given it up. A stall is
// of a whole process.
type note struct {
	Kind      string // taken, given up, still, back, or stall
	Partition int32
	Time      time.Time     // when it ended
	Still     time.Duration // how long that had taken
}

// flow notes when a member takes and gives up partitions, and how long each
// stood still meanwhile. Beside that it watches the process: what stalls all of
// it is not the doing of the group.
type flow struct {
	mu   sync.Mutex
	file *os.File            // guarded by mu
	last map[int32]time.Time // the latest start; guarded by mu
	anew map[int32]bool      // taken, and nothing started since; guarded by mu

	quit, watched chan struct{}
}

const (
	stillFrom = 100 * time.Millisecond // shorter ones are not noted
	tick      = 10 * time.Millisecond
)

func openFlow(path string) (*flow, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the notes: %w", err)
	}
	f := &flow{
		file: file,
		last: make(map[int32]time.Time),
		anew: make(map[int32]bool),
		quit: make(chan struct{}), watched: make(chan struct{}),
	}
	go f.watch()
	return f, nil
}

func (f *flow) close() {
	close(f.quit)
	<-f.watched
	_ = f.file.Close()
}

// watch notes by how much a ticker is late.
func (f *flow) watch() {
	defer close(f.watched)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-f.quit:
			return
		case <-ticker.C:
		}
		if late := time.Since(last) - tick; late > stillFrom {
			f.mu.Lock()
			f.write(note{Kind: "stall", Still: late})
			f.mu.Unlock()
		}
		last = time.Now()
	}
}

func (f *flow) taken(partition int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.anew[partition] = true
	f.write(note{Kind: "taken", Partition: partition})
}

func (f *flow) givenUp(partition int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write(note{Kind: "given up", Partition: partition})
}

func (f *flow) started(partition int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, again := f.last[partition]
	f.last[partition] = time.Now()
	kind := "still"
	if f.anew[partition] {
		kind = "back"
		delete(f.anew, partition)
	}
	if still := time.Since(last); again && still > stillFrom {
		f.write(note{Kind: kind, Partition: partition, Still: still})
	}
}

// write needs mu.
func (f *flow) write(n note) {
	n.Time = time.Now()
	line, err := json.Marshal(n)
	if err == nil {
		_, err = f.file.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "write the notes:", err)
		os.Exit(1)
	}
}
