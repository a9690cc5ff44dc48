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

// runKilled runs the test binary as a child that finds the file in the variable,
// kills it at some moment, and returns what it has told until then.
func runKilled(t *testing.T, variable, path string) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), variable+"="+path)
	child.Stdout, child.Stderr = &out, os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(50+rand.IntN(300)) * time.Millisecond) // the moment is what varies
	_ = child.Process.Kill()
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() >= 0 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return &out
}
