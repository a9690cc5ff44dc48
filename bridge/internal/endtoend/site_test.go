package endtoend

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// patience bounds every wait.
const patience = 3 * time.Minute

// binary is the path of the holdfast binary; withBinary sets it before any
// test runs.
var binary string

func withBinary(run func() int) int {
	dir, err := os.MkdirTemp("", "holdfast-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "holdfast")
	build := exec.Command("go", "build", "-o", binary, "github.com/seed-2837c37b/holdfast/cmd/holdfast")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, out)
		return 1
	}
	return run()
}

// site is the directory that an operator would have: configuration, script,
// data and log.
type site struct {
	dir string
	log *history.Log
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	var err error
	if s.log, err = history.OpenLog(s.path("history.ndjson")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.log.Close() })
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (s *site) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *site) tell(t *testing.T, events ...history.Event) {
	t.Helper()
	if err := s.log.Append(events...); err != nil {
		t.Fatal(err)
	}
}

// life is a running holdfast.
type life struct {
	cmd  *exec.Cmd
	done chan struct{} // closed by the goroutine that waits for the end
	err  error         // how it ended; read after done
}

// run starts holdfast; the test's end kills what is left of it.
func (s *site) run(t *testing.T) *life {
	t.Helper()
	log, err := os.OpenFile(s.path("bridge.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b := &life{
		cmd:  exec.Command(binary, "run", "--config", s.path("holdfast.yaml")),
		done: make(chan struct{}),
	}
	b.cmd.Stdout, b.cmd.Stderr = log, log
	s.tell(t, history.Event{Kind: history.Boot, Process: "bridge"})
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		b.err = b.cmd.Wait()
		close(b.done)
	}()
	t.Cleanup(func() {
		_ = b.cmd.Process.Kill()
		<-b.done
	})
	return b
}

// waitForEnds waits until the script has ended for n different jobs.
func (s *site) waitForEnds(t *testing.T, b *life, n int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		jobs := make(map[string]bool)
		for line := range strings.Lines(s.read(t, "history.ndjson")) {
			if strings.HasPrefix(line, `{"event":"end"`) {
				jobs[line] = true
			}
		}
		if len(jobs) >= n {
			return
		}
		select {
		case <-b.done:
			t.Fatalf("holdfast ended by itself: %v\n%s", b.err, s.logTail())
		case <-deadline:
			t.Fatalf("%d of %d jobs within %v\n%s", len(jobs), n, patience, s.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kill ends holdfast with SIGKILL, and waits for the end of the scripts, which
// must not go on without it.
func (s *site) kill(t *testing.T, b *life) {
	t.Helper()
	if err := b.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-b.done
	for deadline := time.Now().Add(patience); s.scriptsRun(t); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a script goes on %v after its bridge was killed", patience)
		}
	}
	s.tell(t, history.Event{Kind: history.Crash, Process: "bridge"})
}

// scriptsRun looks for the script among the processes.
func (s *site) scriptsRun(t *testing.T) bool {
	t.Helper()
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range commands {
		// A process that has ended meanwhile has no command line.
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(s.path("charge.sh"))) {
			return true
		}
	}
	return false
}

// stop ends holdfast as a service manager does.
func (s *site) stop(t *testing.T, b *life) {
	t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.done:
	case <-time.After(patience):
		t.Fatalf("holdfast has not stopped within %v\n%s", patience, s.logTail())
	}
	if b.err != nil {
		t.Fatalf("holdfast stopped with an error: %v\n%s", b.err, s.logTail())
	}
	s.tell(t, history.Event{Kind: history.Stop, Process: "bridge"}, history.Event{Kind: history.Drained})
}

func (s *site) judge(t *testing.T) history.Report {
	t.Helper()
	events, err := history.Read(bytes.NewReader([]byte(s.read(t, "history.ndjson"))))
	if err != nil {
		t.Fatal(err)
	}
	return history.Judge(events)
}

func (s *site) logTail() string {
	text, err := os.ReadFile(s.path("bridge.log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-8<<10):])
}
