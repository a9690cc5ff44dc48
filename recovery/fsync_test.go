package recovery

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const openEnv = "HOLDFAST_TEST_OPEN"

// openAndClose is the process of TestFailedFsyncOfAnOpening.
func openAndClose(dir string) {
	o, err := Open(context.Background(), options(dir))
	if err == nil {
		err = o.Close()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestFailedFsyncOfAnOpening lets every fdatasync of a process fail, from the
// first one on: that of its opening.
func TestFailedFsyncOfAnOpening(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	dir, path := newStore(t, 5)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	failing := exec.Command(strace, "-f", "-o", os.DevNull, "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", os.Args[0])
	failing.Env = append(os.Environ(), openEnv+"="+dir)
	if out, err := failing.CombinedOutput(); err == nil || !strings.Contains(string(out), "store write failed: input/output error") {
		t.Fatalf("%v: %s", err, out)
	}
	wantJobs(t, dir, 5)
	if after, err := os.Stat(path); err != nil || os.SameFile(before, after) {
		t.Errorf("the file was not copied, %v", err)
	}
}
