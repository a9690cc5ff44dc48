package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// bench is one run of the benchmark.
type bench struct {
	broker   string // address of the real one
	embedded string // address of the embedded one, where a case needs it
	jars     string // class path of Parallel Consumer's runner
	dir      string
	profile  string // directory for CPU profiles; empty: none
	plan     plan

	loaded  map[string]bool // topics that are filled, by broker and name
	started int             // processes so far; names their directories and groups
}

const (
	tick      = 5 * time.Millisecond
	memory    = 25 * time.Millisecond // between looks at the memory
	readiness = 60 * time.Second      // until the first record is finished
)

// subject is a measured process and what is known of it from outside.
type subject struct {
	*process
	orders orders
	system System
	board  *board
	store  string    // holdfast's file
	peak   int64     // of its anonymous memory
	looked time.Time // at the memory
}

// launch starts a process with a group, a data directory and a board of its own.
func (b *bench) launch(o orders, records int) (*subject, error) {
	b.started++
	dir := filepath.Join(b.dir, fmt.Sprintf("run-%d", b.started))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make room for a measured process: %w", err)
	}
	o.Group = fmt.Sprintf("bench-%d", b.started)
	o.Board, o.DataDir = filepath.Join(dir, "board"), filepath.Join(dir, "data")
	if b.profile != "" && o.System != Parallel {
		o.Profile = filepath.Join(b.profile, fmt.Sprintf("%d-%s.pprof", b.started, o.System))
	}
	board, err := createBoard(o.Board, records)
	if err != nil {
		return nil, err
	}
	return b.relaunch(o, board)
}

// relaunch starts the process of o, for the first time or again.
func (b *bench) relaunch(o orders, board *board) (*subject, error) {
	cmd, err := o.command(b.jars)
	if err != nil {
		return nil, err
	}
	p, err := start(cmd, filepath.Join(filepath.Dir(o.Board), "log"))
	if err != nil {
		return nil, err
	}
	return &subject{
		process: p, orders: o, system: o.System, board: board,
		store: filepath.Join(o.DataDir, "holdfast.db"),
	}, nil
}

// look keeps the peak of the memory, and says whether the process is alive.
func (s *subject) look() error {
	if now := time.Now(); now.Sub(s.looked) >= memory {
		s.looked = now
		s.peak = max(s.peak, s.anonymous())
	}
	return s.alive()
}

// await waits until so many records are finished.
func (s *subject) await(records int64, within time.Duration) error {
	for deadline := time.Now().Add(within); s.board.finished() < records; time.Sleep(tick) {
		if err := s.look(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s finished %d of %d records within %v\n%s",
				s.system, s.board.finished(), records, within, s.process.tail())
		}
	}
	return nil
}

// end stops a process that wants to be stopped as planned.
func (s *subject) end() error {
	if s.system == Parallel {
		s.kill()
		return nil
	}
	return s.stop()
}

// reading is what a process has done up to a moment.
type reading struct {
	at           time.Time
	finished     int64
	busy         time.Duration
	processor    time.Duration
	written      int64
	transactions int64
}

func (s *subject) read() reading {
	r := reading{
		finished:  s.board.finished(),
		at:        time.Now(),
		busy:      s.board.busy(),
		processor: s.processorTime(),
		written:   s.written(),
	}
	if s.system == Holdfast {
		r.transactions = transactions(s.store)
	}
	return r
}

func (s *subject) between(from, to reading, workers int) Drain {
	window := to.at.Sub(from.at)
	records := to.finished - from.finished
	return Drain{
		System: s.system, Workers: workers,
		Records: records, Window: window,
		Rate:           float64(records) / window.Seconds(),
		Busy:           float64(to.busy-from.busy) / float64(window) / float64(workers),
		Processor:      (to.processor - from.processor) / time.Duration(max(records, 1)),
		PeakAnonymous:  s.peak,
		WrittenPerItem: float64(to.written-from.written) / float64(max(records, 1)),
		SyncsPerSecond: syncsPerTransaction * float64(to.transactions-from.transactions) / window.Seconds(),
	}
}
