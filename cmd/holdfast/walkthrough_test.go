package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// What testdata/quickstart says is what a person sees who follows it.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	w := startWalk(t, filepath.Join(repository, "testdata/quickstart"))
	w.before = func(commands string) {
		if strings.HasPrefix(commands, "kill $(jobs") {
			checkCharged(t, filepath.Join(w.dir, "charged"))
		}
	}
	w.follow(t, readText(t, filepath.Join(w.dir, "README.md")))
	left, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil || len(left) != 4 {
		t.Errorf("it leaves behind %v, %v", left, err)
	}
}

// checkCharged is the promise behind the crash: no order is missing, those of
// a customer are in order, and at most one of each was charged twice.
func checkCharged(t *testing.T, file string) {
	t.Helper()
	seen, last, twice := make(map[string]bool), make(map[string]int), make(map[string]int)
	for line := range strings.Lines(readText(t, file)) {
		var customer string
		var order int
		if _, err := fmt.Sscanf(strings.TrimSpace(line), `%s {"order":%d`, &customer, &order); err != nil {
			t.Errorf("charged %q: %v", line, err)
			continue
		}
		if seen[line] {
			twice[customer]++
		}
		if order < last[customer] {
			t.Errorf("%s: order %d was charged after %d", customer, order, last[customer])
		}
		seen[line], last[customer] = true, order
	}
	if len(seen) != 21 { // one of them by try
		t.Errorf("%d orders charged, want 21", len(seen))
	}
	for customer, n := range twice {
		if n > 1 {
			t.Errorf("%s was charged twice for %d orders", customer, n)
		}
	}
}

// The commands of this folder's README can be typed as they are shown there.
func TestDocumentedShell(t *testing.T) {
	t.Parallel()
	readme := readDocumentation(t)
	w := startWalk(t, filepath.Join(repository, "testdata/handlers/log"))
	w.follow(t, readme)
}

// walk is a shell in a copy of a folder, at a broker's address of its own.
type walk struct {
	dir    string
	before func(commands string) // nil: nothing to do before a block
	shell  *exec.Cmd
	stdin  io.WriteCloser
	out    transcript
	blocks int
	broker string // address
}

// documentedBroker is where the documents say that the broker listens.
const documentedBroker = localBroker

func startWalk(t *testing.T, folder string) *walk {
	t.Helper()
	if testing.Short() {
		t.Skip("a person would take half a minute")
	}
	w := &walk{dir: t.TempDir(), broker: freeAddress(t)}
	if err := os.CopyFS(w.dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	binary, err := exec.LookPath("holdfast") // this test, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(bin, "holdfast"), fmt.Sprintf(
		"#!/bin/sh\n[ \"$1\" != broker ] || { shift; exec %[1]s broker --listen %[2]s \"$@\"; }\nexec %[1]s \"$@\"\n", binary, w.broker), 0o700)
	w.shell = exec.Command("bash")
	w.shell.Dir = w.dir
	w.shell.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOLDFAST_KAFKA_BROKERS="+w.broker)
	w.shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	w.shell.Stdout, w.shell.Stderr = &w.out, &w.out
	if w.stdin, err = w.shell.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := w.shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-w.shell.Process.Pid, syscall.SIGKILL) // there is nothing left if all went well
		_ = w.shell.Wait()
	})
	return w
}

func freeAddress(t *testing.T) string {
	t.Helper()
	broker := bridgetest.StartBroker(t)
	broker.Stop(t) // its address is kept for whoever names it
	return broker.Addrs()[0]
}

// follow types the sh blocks of a document, one after the other. A text block
// is what appears after the one before.
func (w *walk) follow(t *testing.T, document string) {
	t.Helper()
	from := 0
	for _, b := range regexp.MustCompile("(?s)```(sh|text)\n(.*?)```").FindAllStringSubmatch(document, -1) {
		if b[1] == "sh" {
			if w.before != nil {
				w.before(b[2])
			}
			from = w.out.len()
			w.run(t, b[2], from)
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(b[2], documentedBroker, w.broker)) {
			w.await(t, from, strings.TrimSpace(line))
		}
	}
}

// run types commands and waits until the last of them has succeeded.
func (w *walk) run(t *testing.T, commands string, from int) {
	t.Helper()
	w.blocks++
	if _, err := fmt.Fprintf(w.stdin, "%s\necho \"block %d: exit code $?\"\n", commands, w.blocks); err != nil {
		t.Fatal(err)
	}
	w.await(t, from, fmt.Sprintf("block %d: exit code 0", w.blocks))
}

// await waits for a line, in which white space counts as one blank.
func (w *walk) await(t *testing.T, from int, want string) {
	t.Helper()
	want = strings.Join(strings.Fields(want), " ")
	for deadline := time.Now().Add(4 * patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for line := range strings.Lines(w.out.after(from)) {
			if strings.Join(strings.Fields(line), " ") == want {
				return
			}
		}
	}
	t.Fatalf("%q does not appear; there is\n%s", want, w.out.after(0))
}

// transcript is what a shell and its children write.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (x *transcript) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.Write(p)
}

func (x *transcript) len() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.Len()
}

func (x *transcript) after(n int) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.String()[n:]
}
