package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/child"
)

// process is a measured process, which does not outlive the benchmark.
type process struct {
	*child.Process
	log string
}

func start(cmd *exec.Cmd, log string) (*process, error) {
	p, err := child.Start(cmd, log)
	if err != nil {
		return nil, fmt.Errorf("start the measured process: %w", err)
	}
	return &process{p, log}, nil
}

func (p *process) kill() {
	_ = p.Cmd.Process.Kill() // it may have ended
	<-p.Done
}

// stopWithin is how long a planned stop may take.
const stopWithin = 60 * time.Second

// stop ends the process as planned, so that it writes its profile.
func (p *process) stop() error {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.Done:
		if p.Err != nil {
			return fmt.Errorf("the measured process: %w\n%s", p.Err, p.tail())
		}
		return nil
	case <-time.After(stopWithin):
		p.kill()
		return fmt.Errorf("the measured process went on for %v after SIGTERM\n%s", stopWithin, p.tail())
	}
}

// alive is nil unless the process has ended by itself.
func (p *process) alive() error {
	select {
	case <-p.Done:
		return fmt.Errorf("the measured process ended: %w\n%s", errors.Join(p.Err, io.ErrUnexpectedEOF), p.tail())
	default:
		return nil
	}
}

func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4<<10):])
}

// anonymous returns the memory of the process that no file backs, in bytes.
func (p *process) anonymous() int64 { return 1024 * p.number("status", "RssAnon:") }

// written returns what the process has sent towards the disk, in bytes.
func (p *process) written() int64 { return p.number("io", "write_bytes:") }

// clockTick is the unit of times in /proc on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// processorTime returns what the process has used of the processors so far.
func (p *process) processorTime() time.Duration {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Cmd.Process.Pid), "stat"))
	if err != nil {
		return 0
	}
	// Fields are counted behind the command's name, which may hold anything.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const user, system = 11, 12
	if len(fields) <= system {
		return 0
	}
	var ticks int64
	for _, field := range fields[user : system+1] {
		n, _ := strconv.ParseInt(string(field), 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * clockTick
}

// number reads a figure of /proc; 0 where there is none.
func (p *process) number(file, name string) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Cmd.Process.Pid), file))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if fields := bytes.Fields(line); len(fields) > 1 && string(fields[0]) == name {
			n, _ := strconv.ParseInt(string(fields[1]), 10, 64)
			return n
		}
	}
	return 0
}

// syncsPerTransaction: bbolt syncs the pages, then the page that makes them count.
const syncsPerTransaction = 2

// transactions returns the number of the last transaction in a bbolt file, 0
// where there is no file. It reads the two meta pages as they are on disk:
// bbolt's lock lets nobody else open the file.
func transactions(path string) int64 {
	const (
		header  = 16 // of a page
		txid    = header + 48
		metaEnd = txid + 16
	)
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	var last uint64
	for page := range int64(2) {
		var meta [metaEnd]byte
		if _, err := f.ReadAt(meta[:], page*int64(os.Getpagesize())); err == nil {
			last = max(last, binary.LittleEndian.Uint64(meta[txid:]))
		}
	}
	return int64(last)
}
