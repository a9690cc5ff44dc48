package exec

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A child that dies is followed by another one, and its jobs fail by name of the cause.
func TestStreamChildDies(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{})
	pid := s.pid(t)
	other := s.begin(t, context.Background(), "deaf")
	for _, err := range []error{s.do("die"), wait(t, other)} {
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Signal != syscall.SIGKILL || gaveUp(err) || err.Error() != "child "+pid+" ended: ended by signal 9 (killed)" {
			t.Errorf("killed: %v", err)
		}
	}
	err := s.do("exit:out of paper")
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != 3 || exit.Stderr != "out of paper" {
		t.Errorf("exited: %v", err)
	}
	if next := s.pid(t); next == pid {
		t.Error("the same process")
	}
	if err := s.do("ok"); err != nil {
		t.Error(err)
	}
}

// An answer whose line is cut off is none.
func TestStreamCutAnswer(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{})
	if err := s.do("cut"); err == nil || !strings.HasSuffix(err.Error(), "ended: exit status 0") {
		t.Errorf("error %v", err)
	}
}

// What a child writes to stderr is logged, but not all of a flood, and never blocks it.
func TestStreamStderr(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	s := acting(t, StreamConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err := s.do("flood"); err != nil {
		t.Fatal(err)
	}
	pid := s.pid(t)
	s.Close()
	text := log.String()
	lines := strings.Count(text, "msg=\"exec: child wrote to stderr\" pid="+pid+" line=xxx")
	if lines < stderrLinesPerSecond || len(text) > lines*(maxStderrLine+200) || !strings.Contains(text, "not_shown") {
		t.Errorf("%d lines, %d bytes", lines, len(text))
	}
}

// A child that closes its end of a pipe cannot work any more.
func TestStreamHalfClosedChild(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{})
	if err := s.do("close"); err == nil || !strings.HasSuffix(err.Error(), "was killed: it closed its stdout and went on") {
		t.Errorf("without stdout: %v", err)
	}
	shut := s.begin(t, context.Background(), "shut")
	var err error
	for ended := false; !ended; { // a job that comes after the end of stdin finds it out
		go func() { _ = s.do("ok") }()
		select {
		case err = <-shut:
			ended = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err == nil || !strings.HasSuffix(err.Error(), "was killed: it closed its stdin and went on") {
		t.Errorf("without stdin: %v", err)
	}
}

func TestStreamThatCannotStart(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	// The id is not known: a job that finds its child gone already has had one more.
	writeScript(t, program, `#!/bin/sh
read -r line
id=${line#*'"id":"'}
printf '{"id":"%s","ok":true}\n' "${id%%'"'*}"
read -r line
`)
	s, err := NewStream(StreamConfig{Config: Config{Command: []string{program}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Rename(program, program+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.do("x"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "start "+program) {
		t.Errorf("without a program: %v", err)
	}
	if err := os.Rename(program+".away", program); err != nil {
		t.Fatal(err)
	}
	if err := s.do("x"); err != nil {
		t.Errorf("with the program: %v", err)
	}
}

func TestStreamClose(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: patience}})
	pid := s.pid(t)
	deaf := s.begin(t, context.Background(), "deaf")
	s.Close()
	if alive(pid) {
		t.Error("the child is alive")
	}
	if err := wait(t, deaf); err == nil || !strings.HasSuffix(err.Error(), "ended: exit status 0") {
		t.Errorf("the job that ran: %v", err)
	}
	if err := s.do("ok"); !errors.Is(err, ErrClosed) {
		t.Errorf("a job that comes later: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	acting(t, StreamConfig{}).Close() // without any child

	s = acting(t, StreamConfig{Config: Config{Grace: 50 * time.Millisecond}}, asActor+"=stubborn")
	pid = s.pid(t)
	s.Close()
	if alive(pid) {
		t.Error("the stubborn child is alive")
	}
}

// syncBuffer is a buffer for a logger.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
