package crashtest

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// child is one life of the bridge under test.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{} // closed by the goroutine that waits for the end
	err   error         // how it ended; read after done
}

// boot starts a life. Its log goes on where that of the life before ended.
func (w *world) boot(t *testing.T) *child {
	t.Helper()
	text, err := json.Marshal(orders{
		Brokers:  w.broker.Addrs(),
		DataDir:  w.dataDir(),
		History:  w.historyPath(),
		Poison:   w.poison,
		Outage:   w.outage,
		Commands: w.commands,
	})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(w.childLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := &child{cmd: exec.Command(self), done: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), ordersVariable+"="+string(text))
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	w.tell(t, history.Event{Kind: history.Boot, Process: process})
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	return c
}

// endsWithin waits for the end.
func (c *child) endsWithin(d time.Duration) bool {
	select {
	case <-c.done:
		return true
	case <-time.After(d):
		return false
	}
}

// kill ends a life with SIGKILL, wherever it is.
func (w *world) kill(t *testing.T, c *child) {
	t.Helper()
	if c.endsWithin(0) {
		t.Fatalf("the bridge ended by itself: %v\n%s", c.err, w.tail())
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatalf("kill the bridge: %v", err)
	}
	<-c.done
	w.tell(t, history.Event{Kind: history.Crash, Process: process})
}

// stop ends a life as an operator would.
func (w *world) stop(t *testing.T, c *child) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stop the bridge: %v", err)
	}
	if !c.endsWithin(patience) {
		_ = c.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to the log
		c.endsWithin(patience)
		t.Fatalf("the bridge has not stopped within %v\n%s", patience, w.tail())
	}
	if unheard(c.cmd.ProcessState) {
		w.tell(t, history.Event{Kind: history.Crash, Process: process})
		return
	}
	if c.err != nil {
		t.Fatalf("the bridge stopped with an error: %v\n%s", c.err, w.tail())
	}
	w.tell(t, history.Event{Kind: history.Stop, Process: process})
}

// unheard tells whether SIGTERM came before the child listened to it, early in
// its life on a busy machine: it then ends a process as a kill does.
func unheard(s *os.ProcessState) bool {
	status, ok := s.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

// end makes sure that no child outlives its test.
func (c *child) end() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// release lets the stuck job finish.
func (c *child) release(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(c.stdin, release+"\n"); err != nil {
		t.Fatalf("release the stuck job: %v", err)
	}
}

func (w *world) dataDir() string     { return filepath.Join(w.dir, "data") }
func (w *world) historyPath() string { return filepath.Join(w.dir, "history.ndjson") }
func (w *world) childLog() string    { return filepath.Join(w.dir, "bridge.log") }

// tail returns the end of what the children logged.
func (w *world) tail() []byte {
	text, err := os.ReadFile(w.childLog())
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-16<<10):]
}

// races tells whether the race detector spoke up in any life.
func (w *world) races() bool {
	text, err := os.ReadFile(w.childLog())
	return err == nil && bytes.Contains(text, []byte("WARNING: DATA RACE"))
}
