package queue

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// killedStore creates the file of processes that are killed, and says how many of
// them are to be.
func killedStore(t *testing.T) (path string, lives int) {
	t.Helper()
	path = filepath.Join(t.TempDir(), FileName)
	if err := Create(path, Identity{Cluster: "c", Group: "g", StoreID: "s"}); err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		return path, 3
	}
	return path, 12
}

// killer runs the test binary as a child that finds the file in the variable, and
// kills it: one life after the other.
type killer struct {
	variable, path string
	slow           int // lives that told nothing though they were long: this machine is busy
}

// life returns what the child has told until it was killed at some moment.
func (k *killer) life(t *testing.T) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), k.variable+"="+k.path)
	child.Stdout, child.Stderr = &out, os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	longest := 300 << min(k.slow, 7)
	moment := rand.IntN(longest) // is what varies
	time.Sleep(time.Duration(50+moment) * time.Millisecond)
	_ = child.Process.Kill()
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() >= 0 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	if out.Len() == 0 && moment > longest/2 {
		k.slow++
	}
	return &out
}
