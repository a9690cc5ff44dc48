package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// exampleURL is where the configuration of the http example posts to.
const exampleURL = "http://127.0.0.1:8080"

// startReceiver starts the receiver of the http example at a free port. What it
// prints goes to out; stop waits until it has ended.
func startReceiver(out io.Writer) (url string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "receiver-")
	if err != nil {
		return "", nil, err
	}
	program := filepath.Join(dir, "receiver")
	build := exec.Command("go", "build", "-o", program, filepath.Join(repository, "testdata/handlers/http/receiver.go"))
	if said, err := build.CombinedOutput(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("build the receiver: %w\n%s", err, said), os.RemoveAll(dir))
	}
	cmd := exec.Command(program, "-listen", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	var copied sync.WaitGroup
	copied.Go(func() { _, _ = io.Copy(out, lines) })
	stop = func() {
		_ = cmd.Process.Kill() // it may have ended
		copied.Wait()
		_ = cmd.Wait() // killed
		_ = os.RemoveAll(dir)
	}
	url, found := strings.CutPrefix(strings.TrimSpace(first), "listening at ")
	if err != nil || !found {
		stop()
		return "", nil, fmt.Errorf("the receiver says %q, %v", first, err)
	}
	return url, stop, nil
}

// receiver FILE: the receiver of the http example, for the rest of the script,
// whose URL is in $RECEIVER and whose output goes to the file.
func cmdReceiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: receiver FILE")
	}
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	url, stop, err := startReceiver(file)
	ts.Check(err)
	ts.Defer(func() {
		stop()
		file.Close()
	})
	ts.Setenv("RECEIVER", url)
}

// receiver starts the receiver of the site's example, if its configuration has
// one, in place of the one that the configuration names.
func (s *site) receiver(t *testing.T) {
	t.Helper()
	file := filepath.Join(s.dir, "holdfast.yaml")
	content := readText(t, file)
	if !strings.Contains(content, exampleURL) {
		return
	}
	url, stop, err := startReceiver(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	writeText(t, file, strings.ReplaceAll(content, exampleURL, url), 0o600)
}
